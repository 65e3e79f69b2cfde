/**
 * A NoExecute taint is there at once, and what it does takes its time: pods go, some after the time for which they tolerate
 * it, and others take their place. Until then their disruption budgets are held, or the next taint would take the next pod of
 * each: Kubernetes asks no budget before it deletes these.
 */
import type { ClusterView } from '../core/cluster-facts.ts';
import { FleetError } from '../core/errors.ts';
import type { Taint } from '../core/scheduling.ts';
import { isFinished, pdbsOfPod, qualifiedName } from '../planning/pdb-groups.ts';
import { goesFrom, toleratedForMs } from '../planning/taints.ts';
import type { NodeJob } from './job.ts';
import { answered, waitFor } from './wait.ts';

/** `held`: names of the budgets. Answers what was missing when it waited long enough, or was stopped; empty where nothing is. */
export async function awaitPodsGone(
  job: NodeJob,
  taint: Taint,
  { held, by }: { held: readonly string[]; by: number },
): Promise<string> {
  const { cluster, target, timings, stopReason } = job;
  try {
    const pods = await answered({ job, by, stopReason }, () => cluster.pods(target.node));
    const patience = pods.map(pod => toleratedForMs(taint, pod)).filter(Number.isFinite);
    return await waitFor<string>({
      what: `the pods of ${target.node}`,
      everyMs: timings.pollMs,
      by: by + Math.min(timings.drainMs, Math.max(0, ...patience)),
      stopReason,
      async look() {
        const missing = missingOf(await cluster.view(), { node: target.node, taint, held });
        return missing === undefined ? { value: '' } : { missing };
      },
    });
  } catch (thrown) {
    // The taint is there, and stays.
    if (thrown instanceof FleetError && (thrown.code === 'timeout' || thrown.code === 'stopped')) return thrown.message;
    throw thrown;
  }
}

type Sought = { node: string; taint: Taint; held: readonly string[] };

function missingOf(
  { pods, pdbs }: Pick<ClusterView, 'pods' | 'pdbs'>,
  { node, taint, held }: Sought,
): string | undefined {
  const left = pods.filter(pod => pod.node === node && !isFinished(pod) && goesFrom(taint, pod)).map(qualifiedName);
  if (left.length > 0)
    return `${left.slice(0, 5).join(', ')}${left.length > 5 ? ` and ${left.length - 5} more` : ''} on it`;
  for (const pdb of pdbs.filter(each => held.includes(qualifiedName(each)))) {
    const healthy = pods.filter(pod => pod.ready && !pod.terminating && pdbsOfPod(pod, [pdb]).length > 0).length;
    if (healthy < pdb.desiredHealthy)
      return `${healthy} healthy under ${qualifiedName(pdb)}, which wants ${pdb.desiredHealthy}`;
  }
  return undefined;
}
