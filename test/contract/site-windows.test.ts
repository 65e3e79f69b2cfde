/** What a site's calendar and the durations on record say of the next node. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Calendar } from '../../src/core/calendar.ts';
import type { Timings } from '../../src/core/timings.ts';
import { siteWindows } from '../../src/operations/site-windows.ts';
import { insideWindows } from '../../src/workflows/wait-for-window.ts';
import { examplePlan } from '../support/example-plan.ts';
import { approvedOperation, type GuardScene, guardScene } from '../support/guard.ts';

const minute = 60_000;
const timings = {
  drainMs: 10 * minute,
  updateMs: 40 * minute,
  rebootMs: 20 * minute,
  rejoinMs: 15 * minute,
} as Timings;
const night: Calendar = {
  timeZone: 'America/New_York',
  windows: [{ days: ['mon', 'tue'], from: '22:00', to: '02:00' }],
  changeFreezes: [],
};
/** A Tuesday, 23:00 in New York. */
const now = new Date('2026-06-03T03:00:00Z');
const rollout = examplePlan().plan;

let scene: GuardScene;
beforeAll(async () => {
  scene = await guardScene();
});
afterAll(() => scene.close());

function facts(calendar: Calendar = night, plan = rollout, at = now, site = 'boston', spareMs = 0) {
  const { durations } = scene.records;
  const calendars = new Map([['boston', calendar]]);
  return siteWindows({ calendars, durations, timings, marginMs: 5 * minute, now: () => at })(plan, site, spareMs);
}

/** Parts of one operation, each of so many minutes. */
async function took(minutes: number[], state = 'done'): Promise<void> {
  const operation = await approvedOperation(scene);
  for (const [index, length] of minutes.entries()) {
    const node = `n-${index}`;
    await scene.admin.query(
      'insert into operation_node (operation, node, wave, state, step, message) values ($1, $2, 1, $3, $4, $4)',
      [operation, node, state, ''],
    );
    for (const after of [0, length])
      await scene.admin.query(
        `insert into operation_event (operation, key, time, node, step, status, message) values ($1, $2, $3, $4, '', 'ok', '')`,
        [operation, `${node}/${after}`, new Date(now.getTime() + after * minute), node],
      );
  }
  await scene.admin.query(`update operation set state = 'done'`);
}

it('a site without windows asks nobody how long anything takes', async () => {
  expect(await facts({ ...night, windows: [] })).toEqual({
    open: true,
    closesInMs: Number.MAX_SAFE_INTEGER,
    expectedMs: 0,
  });
});

it('where too few nodes are on record, a node may take all that its limits allow', async () => {
  await took(Array.from({ length: 19 }, () => 1));
  const all = (10 + 40 + 20 + 15 + 5) * minute;
  expect(await facts()).toMatchObject({ open: true, closesInMs: 180 * minute, expectedMs: all });
  const drain = { ...rollout, kind: 'drain' as const };
  expect(await facts(night, drain)).toMatchObject({ expectedMs: 15 * minute });
});

it('else as long as nearly all of those that ended well', async () => {
  await took([30]);
  await took([600, 600, 600], 'failed');
  expect(await facts()).toMatchObject({ expectedMs: (1 + 5) * minute });
  await took([30]);
  expect(await facts()).toMatchObject({ expectedMs: (30 + 5) * minute });
});

it('says when it fits, where it does not', async () => {
  const late = new Date('2026-06-03T05:50:00Z');
  expect(await facts(night, rollout, late)).toMatchObject({
    open: true,
    closesInMs: 10 * minute,
    opensAt: Date.parse('2026-06-09T02:00:00Z'),
  });
  expect(await facts(night, rollout, new Date('2026-06-04T12:00:00Z'))).toMatchObject({
    open: false,
    opensAt: Date.parse('2026-06-09T02:00:00Z'),
    why: 'no maintenance window is open',
    opens: '2026-06-08 22:00 (America/New_York)',
  });
});

it('leaves out a window that closes before a node that begins a little later is done', async () => {
  const { expectedMs } = await facts();
  const inTime = new Date(Date.parse('2026-06-03T06:00:00Z') - expectedMs);
  expect(await facts(night, rollout, inTime)).toMatchObject({ opensAt: inTime.getTime() });
  expect(await facts(night, rollout, inTime, 'boston', 1)).toMatchObject({
    expectedMs: expectedMs + 1,
    opensAt: Date.parse('2026-06-09T02:00:00Z'),
  });
});

it('of a plan that may wait, nodes of a site whose window is shut wait and say for what, and the others begin', async () => {
  const [target] = rollout.targets;
  const targets = [
    target,
    { ...target, node: 'w-2', site: 'york' },
    { ...target, node: 'w-3', site: 'paris' },
  ] as never;
  const change = { waitForWindow: true, targets, waves: [['w-1', 'w-2', 'w-3']] } as const;
  await scene.records.leases.release((await scene.records.operations.list({ limit: 1 }))[0]?.id ?? '');
  const id = await approvedOperation(scene, change as never);
  const operation = await scene.records.operations.get(id);
  const calendars = new Map<string, Calendar>([
    ['boston', { ...night, windows: [] }],
    ['york', night],
    ['paris', { ...night, changeFreezes: [{ from: '2026-06-01', to: '2028-06-01', reason: 'the works' }] }],
  ]);
  const at = new Date('2026-06-04T12:00:00Z');
  const { records } = scene;
  const windowOf = siteWindows({ calendars, durations: records.durations, timings, marginMs: 0, now: () => at });
  const { plan } = await records.plans.get(operation.plan);
  const waiting = () => records.operations.get(id).then(({ nodes }) => nodes);
  const begin = await insideWindows({ records, windowOf }, { operation, plan }, await waiting());
  expect(begin.map(({ node }) => node)).toEqual(['w-1']);
  expect((await waiting()).map(({ message }) => message)).toEqual([
    '',
    'waits for the window of york that opens 2026-06-08 22:00 (America/New_York)',
    expect.stringMatching(/^no window of paris in sight is long enough: changes rest from 2026-06-01/),
  ]);
  await insideWindows({ records, windowOf }, { operation, plan }, await waiting());
  expect(await records.operations.events(id, 0)).toHaveLength(2);
  const hurried = { operation, plan: { ...plan, waitForWindow: undefined } } as never;
  expect(await insideWindows({ records, windowOf }, hurried, await waiting())).toHaveLength(3);
});

it('knows nothing of a site that is not configured', async () => {
  await expect(facts(night, rollout, now, 'york')).rejects.toThrow('not configured any more');
});
