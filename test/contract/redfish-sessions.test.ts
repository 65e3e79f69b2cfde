/** Sessions on BMCs that answer 401 for nothing, lose the answers of log-ins, or are shared: none of ours stays, none of others' goes. */
import { afterEach, describe, expect, test } from 'vitest';
import { openBmcs } from '../../src/adapters/redfish/open-bmcs.ts';
import type { Bmc, Bmcs } from '../../src/core/bmc.ts';
import { FleetError } from '../../src/core/errors.ts';
import { account, startTestBmc, type TestBmc } from '../support/lab-bmc.ts';
import { type MemoryLedger, memoryLedger, memoryLogins } from '../support/session-ledger.ts';

const sessionsUri = '/redfish/v1/SessionService/Sessions';
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

let host = 0;
async function start(vendor: 'dell' | 'hpe' | 'supermicro' = 'dell', speed?: number): Promise<TestBmc> {
  const lab = await startTestBmc({ vendor, address: `127.70.1.${++host}`, speed });
  closing.push(lab.stop);
  return lab;
}

type Life = { bmcs: Bmcs; bmc: Bmc; ledger: MemoryLedger };

/** One life of the process. */
function live(lab: TestBmc, ledger = memoryLedger(), now?: () => number): Life {
  const life = begin(lab, ledger, now);
  closing.push(() => life.bmcs.closeAll().catch(() => undefined));
  return life;
}

/** One that ends without a word. */
function begin({ bmc: { url, spki } }: TestBmc, ledger: MemoryLedger, now?: () => number): Life {
  const bmcs = openBmcs({
    bmcs: [{ node: 'node', url, spki, ...account }],
    ledger,
    logins: memoryLogins(),
    timeouts: { retryMs: 5 },
    now,
  });
  return { bmcs, bmc: bmcs.of('node'), ledger };
}

async function failure(promise: Promise<unknown>): Promise<FleetError> {
  const error = await promise.then(
    () => undefined,
    thrown => thrown,
  );
  if (!(error instanceof FleetError)) throw new Error(`expected a FleetError, got ${String(error)}`);
  return error;
}

/** Somebody else, with the account that we use. */
async function otherLogIn(lab: TestBmc): Promise<string> {
  const body = { UserName: account.username, Password: account.password };
  const { status, body: session } = await lab.send('POST', sessionsUri, { body, anonymous: true });
  expect(status).toBe(201);
  return session.Id ?? '';
}

const ids = (lab: TestBmc) => lab.bmc.sessions().map(({ id }) => id);
const on = { value: 'on' };

describe('a 401 for nothing', () => {
  test('to every other request is asked again, and costs no log-in and no session', async () => {
    const lab = await start('hpe');
    const { bmc, bmcs, ledger } = live(lab);
    lab.bmc.faults.set({ kind: 'unauthorized-sometimes', every: 2 });
    for (let read = 0; read < 6; read++) expect(await bmc.power()).toEqual(on);
    await bmcs.closeAll();
    expect(lab.bmc.logIns()).toEqual({ good: 1, bad: 0 });
    expect([ids(lab), ledger.entries]).toEqual([[], []]);
  });

  test('to the end of our own session does not count as its end', async () => {
    const lab = await start('hpe');
    const { bmc, bmcs, ledger } = live(lab);
    await bmc.power();
    lab.bmc.faults.set({ kind: 'unauthorized-sometimes', every: 1 });
    expect(await failure(bmcs.closeAll())).toMatchObject({ code: 'bmc_unreachable', retry: 'later' });
    expect(ledger.entries.map(({ sessionUri }) => sessionUri)).toEqual(ids(lab).map(id => `${sessionsUri}/${id}`));
    expect(ids(lab).length).toBeGreaterThan(0);
    lab.bmc.faults.clear();
    await bmcs.closeAll();
    expect([ids(lab), ledger.entries]).toEqual([[], []]);
    expect(lab.bmc.logIns().good).toBeLessThanOrEqual(3);
  });

  test('to the end of a session that is gone is told from that by another one', async () => {
    const lab = await start('hpe');
    const { bmc, bmcs, ledger } = live(lab);
    await bmc.power();
    await lab.send('DELETE', `${sessionsUri}/1`);
    await bmcs.closeAll();
    expect([ids(lab), ledger.entries]).toEqual([[], []]);
  });

  test('to everything is given up after two sessions, tried again after a minute, and never blamed on the password', async () => {
    const lab = await start('hpe');
    let now = Date.now();
    const { bmc, bmcs } = live(lab, memoryLedger(), () => now);
    lab.bmc.faults.set({ kind: 'unauthorized-sometimes', every: 1 });
    for (let read = 0; read < 8; read++) expect(await failure(bmc.power())).toMatchObject({ code: 'bmc_auth' });
    expect(lab.bmc.logIns()).toEqual({ good: 2, bad: 0 });
    lab.bmc.faults.clear();
    now += 60_000;
    expect(await bmc.power()).toEqual(on);
    await bmcs.closeAll();
    expect(ids(lab)).toEqual([]);
  });
});

describe('a log-in whose answer is lost', () => {
  test('is not repeated at once, and its session goes with the next log-in', async () => {
    const lab = await start();
    const { bmc, bmcs, ledger } = live(lab);
    lab.bmc.faults.set({ kind: 'drop-after-log-in' });
    expect(await failure(bmc.power())).toMatchObject({ code: 'bmc_unreachable', retry: 'later' });
    expect([lab.bmc.logIns().good, ids(lab)]).toEqual([1, ['1']]);
    expect(await bmc.power()).toEqual(on);
    expect(ids(lab)).toEqual(['2']);
    expect(ledger.entries.map(({ sessionUri }) => sessionUri)).toEqual([`${sessionsUri}/2`]);
    await bmcs.closeAll();
    expect([ids(lab), ledger.entries]).toEqual([[], []]);
  });

  test('is cleaned up after by the next life, where this one ends before it could read the answer', async () => {
    const lab = await start('supermicro');
    const ledger = memoryLedger();
    const { opened } = ledger;
    const reached = Promise.withResolvers<void>();
    ledger.opened = async (url, uri) => {
      if (!uri.startsWith('/')) return opened(url, uri);
      reached.resolve();
      return new Promise(() => {});
    };
    // A process that is killed reads nothing more: this read never ends.
    void begin(lab, ledger).bmc.power();
    await reached.promise;
    expect(ids(lab)).toEqual(['1']);
    const next = live(lab, memoryLedger(ledger.entries));
    await next.bmcs.closeAll();
    expect([ids(lab), next.ledger.entries, lab.bmc.logIns().good]).toEqual([[], [], 2]);
  });

  test('leaves the session of somebody else alone, by whatever clock the BMC goes', async () => {
    const lab = await start();
    const { bmc, bmcs } = live(lab);
    lab.bmc.faults.set({ kind: 'clock-skew', ms: -4 * 3_600_000 });
    const theirs = await otherLogIn(lab);
    lab.bmc.faults.set({ kind: 'clock-skew', ms: -3 * 3_600_000 });
    lab.bmc.faults.set({ kind: 'drop-after-log-in' });
    await failure(bmc.power());
    expect(ids(lab)).toHaveLength(2);
    await bmc.power();
    await bmcs.closeAll();
    expect(ids(lab)).toEqual([theirs]);
  });

  test('leaves both where nobody can tell which is ours, says so, and forgets it once the BMC must have', async () => {
    const lab = await start();
    let now = Date.now();
    const { bmc, bmcs, ledger } = live(lab, memoryLedger(), () => now);
    lab.bmc.faults.set({ kind: 'drop-after-log-in' });
    await failure(bmc.power());
    await otherLogIn(lab);
    expect((await failure(bmcs.closeAll())).message).toContain(lab.bmc.url);
    expect(ids(lab)).toHaveLength(2);
    expect(ledger.entries).toHaveLength(1);
    now += 24 * 3_600_000;
    await bmcs.closeAll();
    expect(ledger.entries).toEqual([]);
  });

  test('twice in ten minutes ends log-ins for that long, and until then every answer tells for how long', async () => {
    const lab = await start();
    const begun = Date.now();
    let now = begun;
    const { bmc } = live(lab, memoryLedger(), () => now);
    const told: number[] = [];
    for (let read = 0; read < 5; read++) {
      lab.bmc.faults.set({ kind: 'drop-after-log-in' });
      const { code, after = '' } = await failure(bmc.power());
      expect(code).toBe('bmc_unreachable');
      told.push(Date.parse(after) - begun);
      now += 1_000;
    }
    const rests = 10 * 60_000;
    expect([lab.bmc.logIns().good, told]).toEqual([2, [0, 1_000, rests, rests, rests]]);
    lab.bmc.faults.clear();
    now = begun + rests - 1;
    await failure(bmc.power());
    now += 1;
    expect(await bmc.power()).toEqual(on);
  });
});

describe('a shared account', () => {
  test('that somebody else gets locked is asked for twice, and used again later', async () => {
    const lab = await start('supermicro', 20);
    let now = Date.now();
    const { bmc } = live(lab, memoryLedger(), () => now);
    const wrong = { UserName: account.username, Password: 'wrong' };
    for (let guess = 0; guess < 3; guess++) await lab.send('POST', sessionsUri, { body: wrong, anonymous: true });
    const before = lab.bmc.logIns().bad;
    for (let read = 0; read < 6; read++) expect((await failure(bmc.power())).code).toBe('bmc_auth');
    expect(lab.bmc.logIns().bad - before).toBeLessThanOrEqual(2);
    await lab.clock.sleep(31_000);
    now += 10 * 60_000;
    expect(await bmc.power()).toEqual(on);
  });

  test('whose sessions are all taken is used without one, and with one as soon as there is', async () => {
    const lab = await startTestBmc({ vendor: 'dell', address: '127.70.1.100', sessionLimit: 1 });
    closing.push(lab.stop);
    const { bmc, bmcs } = live(lab);
    const theirs = await otherLogIn(lab);
    expect(await bmc.power()).toEqual(on);
    expect(ids(lab)).toEqual([theirs]);
    await bmc.close();
    await lab.send('DELETE', `${sessionsUri}/${theirs}`);
    expect(await bmc.power()).toEqual(on);
    expect(ids(lab)).toHaveLength(1);
    await bmcs.closeAll();
    expect([ids(lab), lab.bmc.logIns().bad]).toEqual([[], 0]);
  });
});
