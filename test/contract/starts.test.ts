/** Operations that look at the same moment for what to begin: one chooses at a time, and sees what the other one chose. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Parts } from '../../src/operations/job.ts';
import { nextTick } from '../../src/workflows/next-tick.ts';
import { examplePlan } from '../support/example-plan.ts';
import { approvedOperation, type GuardScene, guardScene } from '../support/guard.ts';
import { eventually } from '../support/stack.ts';

let scene: GuardScene;

beforeAll(async () => {
  scene = await guardScene();
});
afterAll(() => scene?.close());

/** A drain in rack 1. */
async function drainOf(node: string): Promise<string> {
  const [target] = examplePlan().plan.targets;
  if (!target) throw new Error('the plan has no target');
  const own = { ...target, node, rack: '1', bmcUrl: `https://${node}` };
  return approvedOperation(scene, {
    kind: 'drain',
    action: 'drainNode',
    targets: [own],
    waves: [[node]],
    canaries: [],
  });
}

it('two that are about to empty nodes of one rack begin one of them, and the other waits', async () => {
  const operations = [await drainOf('w-1'), await drainOf('w-2')];
  const clusters = { of: () => ({ view: () => Promise.reject(new Error('not looked at')) }) };
  const parts = { records: scene.records, clusters, timings: { pollMs: 20, rejoinMs: 60_000 } } as unknown as Parts;
  const sofar = { started: new Set<string>(), settled: new Set<string>(), opened: 1, closed: 0 };
  const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
  const holder = scene.records.transaction(async tx => {
    await tx.operations.holdStarts();
    await held;
  });
  const ticks = operations.map(async operation => ({ operation, tick: await nextTick(parts, operation, sofar) }));
  await eventually('both to be about to choose', async () => {
    const { rows } = await scene.admin.query(
      "select 1 from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())",
    );
    return rows.length === 2 || undefined;
  });
  letGo();
  await holder;
  const first = await Promise.race(ticks);
  expect(first.tick.do).toBe('start');
  const other = operations.find(operation => operation !== first.operation) ?? '';
  await eventually('the other to wait', async () => {
    const [part] = (await scene.records.operations.get(other)).nodes;
    return (part?.state === 'waiting' && part.message.includes('rack 1 of boston')) || undefined;
  });
  const [done] = (await scene.records.operations.get(first.operation)).nodes;
  await scene.records.operations.setNode(first.operation, {
    node: done?.node ?? '',
    state: 'done',
    step: '',
    message: '',
  });
  expect((await Promise.all(ticks)).map(({ tick }) => tick.do)).toEqual(['start', 'start']);
});
