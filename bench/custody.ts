/**
 * What the custody log costs: entries a second beside plain inserts of the same rows into a table without tree, turn and turn
 * about on one Postgres of its own, and how long a whole log takes to verify.
 *
 *   npm run bench:custody -- [--entries 20000] [--rounds 3] [--verify 1000000]
 */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { openDatabase } from '../src/adapters/postgres/database.ts';
import { startEmbeddedPostgres } from '../src/adapters/postgres/embedded.ts';
import type { CustodyEntry } from '../src/core/custody.ts';
import { encodeEntry } from '../src/guard/custody/entry-bytes.ts';
import { CustodyLog } from '../src/guard/custody/log.ts';
import { leafHash } from '../src/guard/custody/merkle.ts';
import { signer } from '../src/guard/custody/signing-key.ts';
import { storedRows } from '../src/guard/custody/stored-rows.ts';
import { verifyLog } from '../src/guard/custody/verify.ts';
import { numberFlag } from './parts/number-flag.ts';

const { values } = parseArgs({
  options: {
    entries: { type: 'string', default: '20000' },
    rounds: { type: 'string', default: '3' },
    verify: { type: 'string', default: '1000000' },
  },
});
const [entries, rounds, toVerify] = [
  numberFlag(values, 'entries'),
  numberFlag(values, 'rounds'),
  numberFlag(values, 'verify'),
];
/** Callers at once, as many as one commit takes. */
const callers = 256;

const folder = await mkdtemp(join(tmpdir(), 'bench-custody-'));
const server = await startEmbeddedPostgres({ dataDir: join(folder, 'data') });
const database = await openDatabase(server.url, { lock: false });
const pool = new pg.Pool({ connectionString: server.url, max: 12 });
const log = new CustodyLog({
  store: database.custody,
  signer: signer('bench.example/custody', generateKeyPairSync('ed25519').privateKey),
});
try {
  await measureAppends();
  await measureVerification();
} finally {
  await pool.end();
  await database.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}

async function measureAppends(): Promise<void> {
  await pool.query('create table plain (seq bigint primary key, bytes bytea not null, leaf bytea not null)');
  let seq = 0;
  const plain = async (entry: CustodyEntry) => {
    const bytes = encodeEntry({ ...entry, v: 1, id: crypto.randomUUID(), time: new Date().toISOString() });
    await pool.query('insert into plain (seq, bytes, leaf) values ($1, $2, $3)', [seq++, bytes, leafHash(bytes)]);
  };
  for (let round = 1; round <= rounds; round++) {
    const custody = await rate(entry => log.append(entry));
    const inserts = await rate(plain);
    const alone = await rate(entry => log.append(entry), { count: entries / 20, at: 1 });
    console.log(
      `round ${round}: ${custody.toFixed(0)} entries/s by ${callers} callers; plain inserts ${inserts.toFixed(0)}/s; ` +
        `ratio ${(custody / inserts).toFixed(2)}; one caller alone ${alone.toFixed(0)}/s`,
    );
  }
}

/** Entries a second, with so many callers that each wait for their own. */
async function rate(append: (entry: CustodyEntry) => Promise<unknown>, { count = entries, at = callers } = {}) {
  let next = 0;
  const began = performance.now();
  await Promise.all(
    Array.from({ length: at }, async () => {
      while (next < count) await append(effectEntry(next++));
    }),
  );
  return (count * 1000) / (performance.now() - began);
}

async function measureVerification(): Promise<void> {
  const { size } = await database.custody.head();
  for (let have = size; have < toVerify; have += 1000)
    await log.append(Array.from({ length: Math.min(1000, toVerify - have) }, (_, index) => effectEntry(have + index)));
  await log.checkpoint();
  global.gc?.();
  const before = process.memoryUsage().rss;
  let peak = before;
  const watching = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss);
  }, 50);
  const began = performance.now();
  const verdict = await verifyLog({
    rows: storedRows(database.custody),
    head: await database.custody.head(),
    checkpoints: await database.custody.checkpoints(),
    verifierKey: log.verifierKey,
  });
  const seconds = (performance.now() - began) / 1000;
  clearInterval(watching);
  const mib = (bytes: number) => (bytes / 1024 / 1024).toFixed(0);
  const found = verdict.ok ? `${verdict.size} entries verified` : `NOT VERIFIED: ${verdict.problems[0]?.problem}`;
  console.log(
    `${found} in ${seconds.toFixed(1)} s; resident memory ${mib(before)} MiB before, ${mib(peak)} MiB at most`,
  );
}

/** As large as an effect's intent is. */
function effectEntry(number: number): CustodyEntry {
  return {
    type: 'effect.intent',
    operation: `op-${Math.floor(number / 40)}`,
    digest: 'sha256:0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0',
    step: `worker-${number % 40}/flash`,
    action: 'flashFirmware',
    attempt: 1,
    request: {
      target: 'https://10.1.0.11',
      method: 'POST',
      path: '/redfish/v1/UpdateService/Actions/UpdateService.SimpleUpdate',
      bodyDigest: 'sha256:f0e1d2c3b4a5968778695a4b3c2d1e0ff0e1d2c3b4a5968778695a4b3c2d1e0f',
    },
    actor: { sub: 'day-shift', groups: ['operators'] },
    via: { channel: 'service' },
    resource: { site: 'boston', cluster: 'prod', node: `worker-${number % 40}`, serial: 'CN7792194B00' },
  };
}
