/** Proof that the node is back: another boot ID, Ready since, its lease advancing, no taint that keeps pods away. */
import type { NodeJob } from './job.ts';
import type { BeforeReset } from './reset-host.ts';
import { waitFor } from './wait.ts';

const awayTaints = new Set(['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']);

/** Throws `timeout` naming what was missing. */
export async function proveRejoin(job: NodeJob, before: BeforeReset, by: number): Promise<string> {
  const { cluster, target, timings } = job;
  let lease: string | undefined;
  return waitFor<string>({
    what: `${target.node} to rejoin`,
    everyMs: timings.pollMs,
    by,
    async look() {
      const [node, renewed] = await Promise.all([cluster.node(target.node), cluster.leaseRenewed(target.node)]);
      if (node.bootId === before.bootId) return { missing: 'the node still reports its old boot ID' };
      if (!node.ready) return { missing: 'the node is not Ready' };
      const taint = node.taints.find(candidate => awayTaints.has(candidate.key));
      if (taint) return { missing: `the node has the taint ${taint.key}` };
      const first = lease === undefined;
      const advanced = !first && renewed !== undefined && renewed !== lease;
      if (renewed !== undefined && first) lease = renewed;
      if (!advanced) return { missing: 'its lease has not advanced yet' };
      return { value: `boot ID ${node.bootId}, Ready since ${node.readySince ?? 'unknown'}, lease renewed ${renewed}` };
    },
  });
}

/** The last look after the soak: still Ready, lease still advancing. */
export async function proveSteady(job: NodeJob, by: number): Promise<string> {
  const { cluster, target, timings } = job;
  const before = await cluster.leaseRenewed(target.node);
  return waitFor<string>({
    what: `${target.node} to stay healthy`,
    everyMs: timings.pollMs,
    by,
    async look() {
      const [node, renewed] = await Promise.all([cluster.node(target.node), cluster.leaseRenewed(target.node)]);
      if (!node.ready) return { missing: 'the node is not Ready' };
      if (renewed === before) return { missing: 'its lease does not advance' };
      return { value: 'Ready, lease advancing' };
    },
  });
}
