/** Several processes at one BMC: none deletes what another uses, none is refused beside another, none writes once it may not. */
import { afterEach, expect, test } from 'vitest';
import { openBmcs } from '../../src/adapters/redfish/open-bmcs.ts';
import type { Bmcs, LoginLedger, SessionLedger } from '../../src/core/bmc.ts';
import { FleetError } from '../../src/core/errors.ts';
import { testGrant } from '../support/grant.ts';
import { account, startTestBmc, type TestBmc } from '../support/lab-bmc.ts';
import { type MemoryLogins, memoryLogins } from '../support/session-ledger.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

let host = 0;
async function start(): Promise<TestBmc> {
  const lab = await startTestBmc({ vendor: 'dell', address: `127.92.0.${++host}` });
  closing.push(lab.stop);
  return lab;
}

type Row = { bmcUrl: string; sessionUri: string; owner: string };

/** One ledger as each process sees it; what a dead one had is handed on with `inherit`. */
function sharedLedger() {
  let rows: Row[] = [];
  return {
    inherit(from: string, to: string) {
      rows = rows.map(row => (row.owner === from ? { ...row, owner: to } : row));
    },
    of: (owner: string): SessionLedger => ({
      opened: async (bmcUrl, sessionUri) => void rows.push({ bmcUrl, sessionUri, owner }),
      async closed(bmcUrl, sessionUri) {
        rows = rows.filter(row => row.bmcUrl !== bmcUrl || row.sessionUri !== sessionUri);
      },
      list: async bmcUrl =>
        rows
          .filter(row => bmcUrl === undefined || row.bmcUrl === bmcUrl)
          .map(row => ({ ...row, ...(row.owner === owner ? {} : { foreign: true as const }) })),
    }),
  };
}

type Options = { ledger: SessionLedger; logins?: LoginLedger; password?: string; mayWrite?: () => Promise<void> };

function begin(
  { bmc: { url, spki } }: TestBmc,
  { ledger, password, mayWrite, logins = memoryLogins() }: Options,
): Bmcs {
  const access = { node: 'node', url, spki, ...account, ...(password ? { password } : {}) };
  const bmcs = openBmcs({ bmcs: [access], ledger, logins, timeouts: { retryMs: 5, answerMs: 1_000 }, mayWrite });
  closing.push(() => bmcs.closeAll().catch(() => undefined));
  return bmcs;
}

const ids = (lab: TestBmc) => lab.bmc.sessions().map(({ id }) => id);

test('what the log-in of a dead process left is deleted, and the session of one that lives stays', async () => {
  const lab = await start();
  const ledger = sharedLedger();
  lab.bmc.faults.set({ kind: 'drop-after-log-in' });
  await expect(
    begin(lab, { ledger: ledger.of('dead') })
      .of('node')
      .power(),
  ).rejects.toThrow();
  const [lost] = ids(lab);
  const living = begin(lab, { ledger: ledger.of('living') });
  await living.of('node').power();
  const used = ids(lab).filter(id => id !== lost);
  const heir = begin(lab, { ledger: ledger.of('heir') });
  ledger.inherit('dead', 'heir');
  await heir.closeInherited();
  expect(ids(lab)).toEqual(expect.arrayContaining(used));
  expect(ids(lab)).not.toContain(lost);
  expect(lab.bmc.logIns().good).toBe(3);
  await living.of('node').power();
  expect(lab.bmc.logIns().good).toBe(3);
});

test('a session that is recorded of a dead process is deleted, without a word to those in use', async () => {
  const lab = await start();
  const ledger = sharedLedger();
  await begin(lab, { ledger: ledger.of('dead') })
    .of('node')
    .power();
  const heir = begin(lab, { ledger: ledger.of('heir') });
  await heir.of('node').power();
  const [left, used] = ids(lab);
  ledger.inherit('dead', 'heir');
  await heir.closeInherited();
  expect([ids(lab), left === used]).toEqual([[used], false]);
});

test('three that have a wrong password are refused twice between them, although they begin at once', async () => {
  const lab = await start();
  const ledger = sharedLedger();
  const logins: MemoryLogins = memoryLogins();
  lab.bmc.faults.set({ kind: 'slow', ms: 60 });
  const all = ['one', 'two', 'three'].map(owner =>
    begin(lab, { ledger: ledger.of(owner), logins, password: 'wrong' })
      .of('node')
      .power(),
  );
  const ends = await Promise.all(all.map(each => each.catch((thrown: unknown) => FleetError.from(thrown).code)));
  expect(ends).toEqual(['bmc_auth', 'bmc_auth', 'bmc_auth']);
  expect(lab.bmc.logIns().bad).toBe(2);
});

test('a process that may not act any more reads, and sends no write', async () => {
  const lab = await start();
  let replaced = false;
  const bmc = begin(lab, {
    ledger: sharedLedger().of('one'),
    mayWrite: async () => {
      if (replaced) throw new FleetError({ code: 'conflict', message: 'another process has taken over' });
    },
  }).of('node');
  const { type } = await bmc.resetTarget();
  replaced = true;
  await expect(bmc.reset(testGrant, type)).rejects.toMatchObject({ code: 'conflict' });
  expect(await bmc.power()).toEqual({ value: 'on' });
  expect(lab.bmc.received().filter(({ path }) => path.includes('ComputerSystem.Reset'))).toEqual([]);
});
