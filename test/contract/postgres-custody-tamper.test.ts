/**
 * Every way to meddle that the dice come up with has to be found. CI takes a few
 * hundred; for more: GROUNDSKEEPER_TAMPER_SAMPLES=10000 vitest run --testTimeout=600000 <this file>.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { custodyStore } from '../../src/adapters/postgres/custody-store.ts';
import type { CustodyRow } from '../../src/core/custody.ts';
import { FleetError } from '../../src/core/errors.ts';
import { exportBundle, verifyBundle } from '../../src/guard/custody/bundle.ts';
import { leafHash, merkleRoot } from '../../src/guard/custody/merkle.ts';
import { signCheckpoint } from '../../src/guard/custody/note.ts';
import { storedRows } from '../../src/guard/custody/stored-rows.ts';
import { type CustodyVerdict, verifyLog } from '../../src/guard/custody/verify.ts';
import { type CustodyScene, custodyScene, intentEntry, resultEntry, serviceEntry } from '../support/custody.ts';
import { diceOf } from '../support/history-parts.ts';
import { type Evidence, evidence, meddledExport, meddledRows } from '../support/tampering.ts';

const samples = Number(process.env.GROUNDSKEEPER_TAMPER_SAMPLES ?? 300);
const seed = Number(process.env.GROUNDSKEEPER_TAMPER_SEED ?? 20261126);

let scene: CustodyScene;
let dir = '';
let rows: CustodyRow[] = [];

/** 21 entries, signed after the eighth and the last. */
beforeAll(async () => {
  scene = await custodyScene();
  dir = await mkdtemp(join(tmpdir(), 'gk-tamper-'));
  await scene.log.append([...'abcdefgh'].map(letter => serviceEntry(`${letter} – Zürich \n "quoted"`)));
  await scene.log.checkpoint();
  await scene.log.append([intentEntry('op-a'), resultEntry('op-a', 8)]);
  await scene.log.append([...'ijklmnopqrs'].map(serviceEntry));
  const checkpoint = await scene.log.checkpoint();
  rows = await scene.store.rows(0, 100);
  await exportBundle({ dir, rows: storedRows(scene.store), checkpoint, verifierKey: scene.log.verifierKey });
});
afterAll(async () => {
  await scene.close();
  await rm(dir, { recursive: true, force: true });
});

/** A refusal to read is an answer too; any other failure is not. */
async function isFound(verdict: Promise<CustodyVerdict>): Promise<boolean> {
  return verdict.then(
    ({ ok }) => !ok,
    (thrown: unknown) => thrown instanceof FleetError && ['invalid_input', 'database'].includes(thrown.code),
  );
}

describe('an export that was meddled with', () => {
  it.each([
    ['with the key that came along', false],
    ['with a key kept elsewhere', true],
  ])('is found out %s', async (_, kept) => {
    const files = Object.fromEntries(
      await Promise.all(evidence.map(async name => [name, await readFile(join(dir, name))] as const)),
    ) as Evidence;
    const write = (changed: Partial<Evidence>) =>
      Promise.all(Object.entries(changed).map(([name, bytes]) => writeFile(join(dir, name), bytes)));
    const check = () => verifyBundle(dir, kept ? { verifierKey: scene.log.verifierKey } : {});
    const missed: string[] = [];
    const dice = diceOf(seed);
    for (let sample = 0; sample < samples; sample++) {
      const { what, changed } = meddledExport(files, dice);
      await write(changed);
      if (!(await isFound(check()))) missed.push(what);
      await write(files);
    }
    expect(missed).toEqual([]);
    expect(await check()).toMatchObject({ ok: true, size: rows.length });
  });
});

/** The verdict on the rows as `statement` leaves them, for this one transaction. */
async function verdictAfter(client: pg.PoolClient, statement: string): Promise<CustodyVerdict> {
  await client.query("begin; set local session_replication_role = 'replica'");
  try {
    const { rowCount } = await client.query(statement);
    expect(rowCount, statement).toBeGreaterThan(0);
    const store = custodyStore(client);
    const [head, checkpoints] = [await store.head(), await store.checkpoints()];
    return await verifyLog({ rows: storedRows(store), head, checkpoints, verifierKey: scene.log.verifierKey });
  } finally {
    await client.query('rollback');
  }
}

describe('a database that was meddled with', () => {
  it('is found out', async () => {
    const sizes = (await scene.store.checkpoints()).map(({ size }) => size);
    const missed: string[] = [];
    const dice = diceOf(seed);
    const client = await scene.pool.connect();
    for (let sample = 0; sample < samples; sample++) {
      const statement = meddledRows(rows.length, sizes, dice);
      if (!(await isFound(verdictAfter(client, statement)))) missed.push(statement);
    }
    client.release();
    expect(missed).toEqual([]);
    expect(await scene.verify()).toMatchObject({ ok: true, size: rows.length });
  });
});

/** What the owner of database and key would show: these rows, hashed and signed anew, and no older checkpoint. */
async function verdictOnForged(bytes: Uint8Array[], anchors: { note: string }[]): Promise<CustodyVerdict> {
  const forged = bytes.map((each, seq) => ({ seq, bytes: each, leaf: leafHash(each) }));
  const head = { size: forged.length, root: merkleRoot(forged.map(row => row.leaf)) };
  const stream = (async function* () {
    yield* forged;
  })();
  const checkpoints = [{ note: signCheckpoint(head, scene.signer) }];
  return verifyLog({ rows: stream, head, checkpoints, anchors, verifierKey: scene.log.verifierKey });
}

function blaming(name: string, bytes: Uint8Array = Buffer.of()): Buffer {
  return Buffer.from(Buffer.from(bytes).toString().replace('"ada"', JSON.stringify(name)));
}

describe('a history that its owner wrote anew, signed by the true key', () => {
  it('is found out back to the newest checkpoint kept outside, wherever it was cut or changed', async () => {
    const anchors = (await scene.store.checkpoints()).slice(0, 1);
    const bytes = rows.map(row => row.bytes);
    for (const seq of bytes.keys()) {
      const changed = await verdictOnForged(bytes.with(seq, blaming('eve', bytes[seq])), anchors);
      const cut = await verdictOnForged(bytes.slice(0, seq), anchors);
      expect([seq, changed.ok, cut.ok]).toEqual([seq, seq >= 8, seq >= 8]);
      if (cut.ok)
        expect(cut).toMatchObject({ size: seq, unsignedTail: 0, anchor: { size: 8 }, unanchoredTail: seq - 8 });
    }
  });

  it('passes where nothing was kept outside, and all of it is named as the tail', async () => {
    const verdict = await verdictOnForged(
      rows.slice(0, 5).map(row => row.bytes),
      [],
    );
    expect(verdict).toMatchObject({ ok: true, unsignedTail: 0, anchor: { size: 0 }, unanchoredTail: 5 });
  });
});
