/** The scene of that name: BIOS settings were changed on one node and are in force; a drain of another waits for a budget. */
import { hasEnded } from '../../src/core/operation.ts';
import { pinned } from '../../test/support/rollout.ts';
import { eventually } from '../../test/support/stack.ts';
import { allEnded, begun, type Scene, storedPlan } from './scene.ts';

export const busy = {
  /** A Dell. */
  changed: 'bos-w-3',
  setting: { name: 'LogicalProc', from: 'Enabled', to: 'Disabled' },
  /** The budget that the drain waits for. */
  budget: 'media/pinned',
};

export async function makeBusy(scene: Scene): Promise<void> {
  const { name, to } = busy.setting;
  const input = { node: busy.changed, settings: [`${name}=${to}`], deleteEmptyDir: true };
  await allEnded(scene, [await begun(scene, await storedPlan(scene, 'planBiosChange', input))]);
  const [site] = scene.stack.lab.sites;
  if (site) await pinned(site);
  await underWay(scene);
}

/** The drain that waits, begun anew where an earlier attempt ended or paused it. */
export async function underWay(scene: Scene): Promise<{ operation: string; node: string }> {
  const [open] = await scene.rows<{ id: string; node: string }>(
    `select id, node from operation join operation_node on operation = id where kind = 'drain' and ended_at is null and paused_by is null`,
  );
  if (open) return { operation: open.id, node: open.node };
  await endPaused(scene);
  const node = pinnedNode(scene);
  const operation = await begun(scene, await storedPlan(scene, 'drainNode', { node, deleteEmptyDir: true }));
  await eventually('the drain to wait for the budget', async () => {
    const [blocked] = await scene.rows(
      `select 1 from operation_event where operation = '${operation}' and message like '%allows no disruption%'`,
    );
    return blocked;
  });
  return { operation, node };
}

/** Of the change of BIOS settings. */
export async function endedOperation(scene: Scene): Promise<string> {
  const [found] = await scene.rows<{ id: string; state: Parameters<typeof hasEnded>[0] }>(
    `select id, state from operation where kind = 'bios-change'`,
  );
  if (!found || !hasEnded(found.state)) throw new Error('the change of BIOS settings has not ended');
  return found.id;
}

async function endPaused(scene: Scene): Promise<void> {
  const paused = await scene.rows<{ id: string }>(`select id from operation where ended_at is null`);
  for (const { id } of paused) await scene.read('cancelOperation', { operation: id });
  await allEnded(
    scene,
    paused.map(({ id }) => id),
  );
}

function pinnedNode({ stack }: Scene): string {
  const pods = stack.lab.sites.flatMap(site => site.cluster.store.list('pods'));
  const single = pods.find(({ metadata }) => metadata.labels?.app === 'single' && metadata.name !== 'pinned');
  if (!single?.spec.nodeName) throw new Error('the pod media/single runs nowhere');
  return single.spec.nodeName;
}
