/**
 * Nodes that cannot start: each tells why, and none waits for ever. Where nothing that is worked on could make room, a cluster
 * is given the time in which a node is expected back; then its nodes of the wave are left out, and the others go on.
 */
import { type Fact, factValue } from '../core/bmc.ts';
import type { Operation, OperationNode } from '../core/operation.ts';
import type { Parts } from '../operations/job.ts';
import { type AtWork, downWith } from '../planning/at-work.ts';
import type { ClusterNow, Wait } from '../planning/next-starts.ts';

type Waiting = { wait: Wait[]; elsewhere: AtWork[]; clusters: ReadonlyMap<string, Fact<ClusterNow>> };

/** Step at which a node is shown that was left out because nothing is known of its site. */
const unreachable = 'unreachable';

/** Sites at which a node was left out because they could not be reached. */
export function lostSites(nodes: readonly OperationNode[]): string[] {
  const lost = nodes.filter(({ state, step }) => state === 'skipped' && step === unreachable);
  return [...new Set(lost.map(({ site }) => site))];
}

export async function keepWaiting(parts: Parts, operation: Operation, { wait, ...now }: Waiting): Promise<void> {
  const parted = new Map(operation.nodes.map(part => [part.node, part]));
  const waits = wait.flatMap(each => {
    const part = parted.get(each.node);
    return part ? [{ ...each, part }] : [];
  });
  const { operations } = parts.records;
  const told = waits.filter(({ part, why }) => part.message !== why);
  if (told.length > 0)
    await operations.setNodes(
      operation.id,
      told.map(({ node, why: message }) => ({ node, state: 'waiting', step: '', message })),
    );
  for (const [cluster, all] of Map.groupBy(waits, ({ part }) => part.cluster)) {
    const [first] = all;
    if (
      !first ||
      all.some(({ part, why }) => part.message !== why) ||
      mayChange(operation, first.part.site, now) ||
      all.some(isOfSites)
    )
      continue;
    const since = Math.max(
      ...operation.nodes.filter(part => part.cluster === cluster && part.message !== '').map(lastChange),
    );
    if (Date.now() < since + parts.timings.rejoinMs) continue;
    for (const { node, cause, why } of all) {
      const silent = cause === 'unread';
      const step = silent ? unreachable : 'no room';
      const message = `${silent ? 'site unreachable' : 'never started'}: ${why}`;
      await operations.setNode(operation.id, { node, state: 'skipped', step, message });
    }
  }
}

/** Something is worked on that may make room when it ends. */
function mayChange(operation: Operation, site: string, { elsewhere, clusters }: Omit<Waiting, 'wait'>): boolean {
  if (operation.nodes.some(part => part.state === 'running' && part.site === site)) return true;
  const names = [...clusters.values()].flatMap(now => factValue(now)?.nodes ?? []).map(({ name }) => name);
  return elsewhere.some(work => work.target.site === site || downWith(work).some(node => names.includes(node)));
}

function isOfSites({ cause }: Wait): boolean {
  return cause === 'sites';
}

function lastChange({ updatedAt }: OperationNode): number {
  return Date.parse(updatedAt);
}
