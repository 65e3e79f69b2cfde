/**
 * What the custody log is for: a copy of the whole database in which one byte
 * of one entry was changed, by somebody who may do everything to it.
 */
import pg from 'pg';
import { openDatabase } from '../adapters/postgres/database.ts';
import { startEmbeddedPostgres } from '../adapters/postgres/embedded.ts';
import { storedRows } from '../guard/custody/stored-rows.ts';
import { type CustodyVerdict, verifyLog } from '../guard/custody/verify.ts';

export type TamperedCopy = {
  changed: { seq: number; type: string; from: string; to: string };
  before: CustodyVerdict;
  after: CustodyVerdict;
};

/** Needs the service to be stopped: Postgres copies a database that nobody uses. */
export async function tamperWithCopy({
  dataDir,
  verifierKey,
}: {
  dataDir: string;
  verifierKey: string;
}): Promise<TamperedCopy> {
  const server = await startEmbeddedPostgres({ dataDir });
  try {
    const inServer = (name: string) => {
      const url = new URL(server.url);
      url.pathname = `/${name}`;
      return url.href;
    };
    const original = new URL(server.url).pathname.slice(1);
    await inDatabase(inServer('postgres'), async client => {
      await client.query(`create database groundskeeper_copy template ${pg.escapeIdentifier(original)}`);
    });
    const url = inServer('groundskeeper_copy');
    const before = await verdictOn(url, verifierKey);
    const changed = await inDatabase(url, changeOneByte);
    return { changed, before, after: await verdictOn(url, verifierKey) };
  } finally {
    await server.stop();
  }
}

async function verdictOn(url: string, verifierKey: string): Promise<CustodyVerdict> {
  const database = await openDatabase(url, { lock: false });
  try {
    const { custody } = database;
    return await verifyLog({
      rows: storedRows(custody),
      head: await custody.head(),
      checkpoints: await custody.checkpoints(),
      verifierKey,
    });
  } finally {
    await database.close();
  }
}

/** Turns one letter of the newest approving vote into another, past the triggers that refuse it to everybody else. */
async function changeOneByte(client: pg.Client): Promise<TamperedCopy['changed']> {
  const { rows } = await client.query<{ seq: string; bytes: Buffer }>(
    `select seq, bytes from custody_entry where convert_from(bytes, 'UTF8') like '%"type":"vote"%' order by seq desc limit 1`,
  );
  const [row] = rows;
  if (!row) throw new Error('the log has no vote to change');
  const at = row.bytes.indexOf('night-shift');
  const bytes = Buffer.from(row.bytes);
  bytes.write('might-shift', at);
  await client.query('alter table custody_entry disable trigger all');
  await client.query('update custody_entry set bytes = $1 where seq = $2', [bytes, row.seq]);
  return { seq: Number(row.seq), type: 'vote', from: 'night-shift', to: 'might-shift' };
}

async function inDatabase<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
