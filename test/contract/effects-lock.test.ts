/** Several processes over one database: what ends the life of one, and what does not. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase, type WorkerDatabase } from '../../src/adapters/postgres/database.ts';
import { Life } from '../../src/adapters/postgres/life.ts';
import type { Tables } from '../../src/adapters/postgres/schema.ts';
import { databaseWay } from '../support/database-way.ts';
import { refusal } from '../support/guard.ts';
import { freshDatabase } from '../support/postgres.ts';

let server: Awaited<ReturnType<typeof freshDatabase>>;
let admin: pg.Client;
let first: WorkerDatabase;
let second: WorkerDatabase;

beforeEach(async () => {
  server = await freshDatabase();
  // At the same moment, on an empty database.
  [first, second] = await Promise.all([open(), open()]);
  admin = new pg.Client({ connectionString: server.url });
  await admin.connect();
});
afterEach(async () => {
  await first.close();
  await second.close();
  await admin.end();
  await server.drop();
});

const open = () => openDatabase(server.url, { lock: true });

/** Of this database alone: the server has those of other tests, too. */
async function connections(where: string): Promise<number | null> {
  const { rowCount } = await admin.query(
    `select from pg_stat_activity where datname = current_database() and ${where}`,
  );
  return rowCount;
}

/** Ends the connection whose lock says that this process lives. */
async function breakLock({ life: { executor } }: WorkerDatabase): Promise<void> {
  const holder = `from pg_locks where locktype = 'advisory' and objsubid = 2 and database = (select oid from pg_database where datname = current_database())
    and objid::bigint = (hashtext($1)::bigint & 4294967295)`;
  const { rowCount } = await admin.query(`select pg_terminate_backend(pid) ${holder}`, [executor]);
  expect(rowCount).toBe(1);
  await expect.poll(async () => (await admin.query(`select ${holder}`, [executor])).rowCount).toBe(0);
}

it('asks one thing at a time on its connection, whoever asks', async () => {
  const warnings: string[] = [];
  const note = ({ message }: Error) => warnings.push(message);
  process.on('warning', note);
  const { life } = first;
  await Promise.all([life.beat(), life.endDead(), life.holdsService(), life.beat()]);
  await nextTurn();
  process.off('warning', note);
  expect(warnings).toEqual([]);
});

describe('a process whose lock connection broke', () => {
  it('lives on where nobody took over meanwhile, and is left alone again', async () => {
    await breakLock(first);
    await first.transaction(async () => undefined);
    await expect.poll(() => first.life.beat().then(() => 'lives', String)).toBe('lives');
    expect(await second.life.endDead()).toEqual([]);
    await first.transaction(async () => undefined);
  });

  it('commits nothing any more once another took over, even though it got its lock back', async () => {
    await breakLock(first);
    expect(await second.life.endDead()).toEqual([first.life.executor]);
    let committed = false;
    const work = first.transaction(async () => {
      committed = true;
    });
    expect((await refusal(work)).code).toBe('conflict');
    expect(committed).toBe(false);
    expect((await refusal(first.life.prove())).code).toBe('conflict');
    await expect.poll(() => first.life.beat().catch((error: { code: string }) => error.code)).toBe('conflict');
    await second.transaction(async () => undefined);
  });

  it('keeps a take-over waiting while it commits', async () => {
    await breakLock(first);
    const { executor } = first.life;
    const [begun, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    // Once it runs, its transaction holds the row.
    const work = first.transaction(async () => {
      begun.resolve();
      await goOn.promise;
    });
    await begun.promise;
    let waits = true;
    const over = second.life.endDead().finally(() => {
      waits = false;
    });
    await expect.poll(async () => (waits ? connections("wait_event_type = 'Lock'") : 1)).toBe(1);
    const lives = await admin.query('select from executor where id = $1 and ended_at is null', [executor]);
    expect(lives.rowCount).toBe(1);
    goOn.resolve();
    await Promise.all([work, over]);
    // One that has waited long enough has given up, for this time.
    await expect.poll(() => second.life.endDead()).toEqual([executor]);
  });
});

it('a host that vanished without a word is gone once it was silent for long enough', async () => {
  const way = await databaseWay(server.url);
  const db = new Kysely<Tables>({
    dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: server.url, max: 2 }) }),
  });
  const vanishing = await Life.begin(way.url, db, 5_000);
  await vanishing.beat();
  expect(await second.life.endDead()).toEqual([]);
  way.stall();
  await expect.poll(() => second.life.endDead()).toEqual([vanishing.executor]);
  expect((await refusal(vanishing.prove())).code).toBe('conflict');
  await way.close();
  await vanishing.end();
  await db.destroy();
});

describe('processes that live', () => {
  it('are told apart, and none ends another', async () => {
    expect(first.life.executor).not.toBe(second.life.executor);
    expect(await first.life.endDead()).toEqual([]);
    expect(await second.life.endDead()).toEqual([]);
  });

  it('have one among them that serves, and the next one when that is gone', async () => {
    expect(await first.life.holdsService()).toBe(true);
    expect([await second.life.holdsService(), await first.life.holdsService()]).toEqual([false, true]);
    await first.close();
    expect(await second.life.holdsService()).toBe(true);
    expect(await second.life.endDead()).toEqual([first.life.executor]);
  });

  it('inherit the BMC sessions of the dead and of nobody else', async () => {
    const { sessions } = second;
    await first.sessions.opened('https://bmc', '/session/1');
    await sessions.opened('https://bmc', '/session/2');
    expect(await sessions.list()).toMatchObject([
      { sessionUri: '/session/1', foreign: true },
      { sessionUri: '/session/2' },
    ]);
    expect(await second.life.inherit(await second.life.endDead())).toBe(false);
    await first.close();
    expect(await second.life.inherit(await second.life.endDead())).toBe(true);
    expect((await sessions.list('https://bmc')).filter(({ foreign }) => foreign)).toEqual([]);
  });
});
