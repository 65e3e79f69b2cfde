/** A BMC that starts shows its tree bit by bit, and what it does not show yet (404) is waited for: a restart goes with many an update. */
import { afterEach, expect, it } from 'vitest';
import { openBmcs } from '../../src/adapters/redfish/open-bmcs.ts';
import { FleetError } from '../../src/core/errors.ts';
import { bmcProfiles } from '../../src/lab/bmc/profiles/catalog.ts';
import { followTask } from '../../src/operations/follow-task.ts';
import type { NodeJob } from '../../src/operations/job.ts';
import { proveBios } from '../../src/operations/prove-bios.ts';
import { proveBmcVersion } from '../../src/operations/prove-bmc-version.ts';
import { proveVersion } from '../../src/operations/prove-version.ts';
import { account, eventually, startTestBmc } from '../support/lab-bmc.ts';
import { memoryLedger } from '../support/session-ledger.ts';

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const before = { bootId: 'before' };
const inAMinute = () => Date.now() + 60_000;

const { vendor, firmware, systemId } = bmcProfiles.dell;
const image = (component: 'bios' | 'bmc') => ({ kind: 'firmware', component, from: 'old', to: firmware[component] });
const noSettings = { kind: 'bios-settings', settings: [] };

const system = `/Systems/${systemId}`;

const waits: [what: string, missing: string, wanted: object, (job: NodeJob) => Promise<unknown>][] = [
  ['its task', system, image('bios'), job => followTask(job, { task: '/redfish/v1/TaskService/Tasks/1' }, inAMinute())],
  ['its BIOS', system, image('bios'), job => proveVersion(job, before as never, inAMinute())],
  [
    'its own version',
    '/UpdateService',
    image('bmc'),
    job => proveBmcVersion(job, { lastReset: '2001-01-01T00:00:00Z' } as never, inAMinute()),
  ],
  ['its settings', system, noSettings, job => proveBios(job, { before, task: undefined } as never, inAMinute())],
];

it.each(waits)('what asks for %s goes on', async (_what, path, wanted, wait) => {
  const lab = await startTestBmc({ vendor: 'dell', address: '127.33.3.1' });
  const bmcs = openBmcs({
    bmcs: [{ node: 'node', url: lab.bmc.url, ...account, spki: lab.bmc.spki }],
    ledger: memoryLedger(),
    timeouts: { retryMs: 20 },
  });
  stops.push(lab.stop, () => bmcs.closeAll().catch(() => undefined));
  const job = {
    bmc: bmcs.of('node'),
    cluster: { node: async () => ({ bootId: 'after' }) },
    target: { node: 'node', vendor, bmcUrl: lab.bmc.url },
    change: { wanted },
    plan: { kind: 'firmware-rollout' },
    timings: { pollMs: 20, resetSettleMs: 0, stallMs: 60_000 },
    ...{ report: async () => undefined, keep: async () => undefined },
  } as unknown as NodeJob;
  lab.bmc.faults.set({ kind: 'resource-fails', path, every: 1, missing: true });
  const end = wait(job).then(
    () => 'told',
    thrown => FleetError.from(thrown).message,
  );
  const looks = () => lab.bmc.received().filter(read => read.path.endsWith(path)).length;
  const missed = await Promise.race([end, eventually('several looks', () => looks() > 3).then(() => 'waits')]);
  expect(missed).toBe('waits');
  lab.bmc.faults.clear('resource-fails');
  expect(await end).toBe('told');
});
