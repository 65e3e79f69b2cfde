/** One service per database, also when the connection that says so breaks. */
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/adapters/postgres/database.ts';
import { refusal } from '../support/guard.ts';
import { freshDatabase } from '../support/postgres.ts';

let server: Awaited<ReturnType<typeof freshDatabase>>;
let admin: pg.Client;
let first: Database;

beforeEach(async () => {
  server = await freshDatabase();
  first = await openDatabase(server.url, { lock: true });
  admin = new pg.Client({ connectionString: server.url });
  await admin.connect();
});
afterEach(async () => {
  await first.close();
  await admin.end();
  await server.drop();
});

const holder = `from pg_locks join pg_database on pg_database.oid = pg_locks.database
  where locktype = 'advisory' and datname = current_database()`;

async function breakLock(): Promise<void> {
  await admin.query(`select pg_terminate_backend(pid) ${holder}`);
  await expect.poll(async () => (await admin.query(`select 1 ${holder}`)).rows).toEqual([]);
}

describe('a service whose lock connection broke', () => {
  it('takes the lock again before it commits anything', async () => {
    await breakLock();
    await first.transaction(async () => undefined);
    expect((await admin.query(`select 1 ${holder}`)).rows).toHaveLength(1);
  });

  it('commits nothing while another service has the lock', async () => {
    await breakLock();
    const second = await openDatabase(server.url, { lock: true });
    let committed = false;
    const work = async () => {
      committed = true;
    };
    expect((await refusal(first.transaction(work))).code).toBe('conflict');
    expect(committed).toBe(false);
    await second.close();
    await first.transaction(work);
    expect(committed).toBe(true);
  });
});
