import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/adapters/postgres/database.ts';
import type { Finding } from '../../src/core/finding.ts';
import { freshDatabase } from '../support/postgres.ts';

let fresh: Awaited<ReturnType<typeof freshDatabase>>;
let database: Database;
beforeAll(async () => {
  fresh = await freshDatabase();
  database = await openDatabase(fresh.url, { lock: false });
});
afterAll(async () => {
  await database?.close();
  await fresh?.drop();
});

const minute = (n: number) => new Date(Date.parse('2026-03-01T00:00:00Z') + n * 60_000);

describe('refused log-ins', () => {
  it('are found by BMC, credential and time, and outlive the connection', async () => {
    const { refusedLogins } = database;
    await refusedLogins.failed('https://10.0.0.1', 'a', minute(0));
    await refusedLogins.failed('https://10.0.0.1', 'a', minute(5));
    await refusedLogins.failed('https://10.0.0.1', 'b', minute(6));
    await refusedLogins.failed('https://10.0.0.2', 'a', minute(6));
    await database.close();
    database = await openDatabase(fresh.url, { lock: false });
    const since = async (at: Date) =>
      (await database.refusedLogins.failures('https://10.0.0.1', at)).map(each => each.credentialDigest).sort();
    expect([await since(minute(-1)), await since(minute(0)), await since(minute(5))]).toEqual([
      ['a', 'a', 'b'],
      ['a', 'b'],
      ['b'],
    ]);
  });

  it('of more than a day ago are forgotten', async () => {
    await database.refusedLogins.failed('https://10.0.0.3', 'a', minute(0));
    await database.refusedLogins.failed('https://10.0.0.3', 'a', minute(25 * 60));
    expect(await database.refusedLogins.failures('https://10.0.0.3', minute(-1))).toEqual([
      { credentialDigest: 'a', at: minute(25 * 60) },
    ]);
  });
});

it('what the watch remembers is the newest of each key', async () => {
  await database.healthStates.save([]);
  await database.healthStates.save([
    ['server/n1', { at: 1, tracks: {} }],
    ['server/n2', { at: 1 }],
  ]);
  await database.healthStates.save([['server/n1', { at: 2, tracks: { 'fan /x': { recent: 'oo' } } }]]);
  expect(await database.healthStates.load()).toEqual(
    new Map([
      ['server/n1', { at: 2, tracks: { 'fan /x': { recent: 'oo' } } }],
      ['server/n2', { at: 1 }],
    ]),
  );
});

describe('findings of the past', () => {
  const finding = (change: Partial<Finding>) =>
    ({ id: 'f1', node: 'n1', site: 'boston', state: 'open', since: minute(0).toISOString(), ...change }) as Finding;

  it('are kept once for each time that they opened, as they were at last', async () => {
    const { findings } = database;
    await findings.put([finding({ text: 'first' })]);
    await findings.put([finding({ state: 'cleared', clearedAt: minute(10).toISOString() })]);
    await findings.put([finding({ since: minute(30).toISOString() }), finding({ id: 'f2', node: 'n2' })]);
    const told = async (node: string | undefined, since: Date) =>
      (await findings.list({ ...(node ? { node } : {}), since, limit: 10 })).map(({ id, since: from, state }) => [
        id,
        from,
        state,
      ]);
    const again = ['f1', minute(30).toISOString(), 'open'];
    expect(await told('n1', minute(5))).toEqual([again, ['f1', minute(0).toISOString(), 'cleared']]);
    expect(await told('n1', minute(11))).toEqual([again]);
    expect(await told(undefined, minute(11))).toEqual([again, ['f2', minute(0).toISOString(), 'open']]);
    expect(await findings.list({ since: minute(0), limit: 1 })).toHaveLength(1);
  });
});
