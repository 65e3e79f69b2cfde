/**
 * Proof that the node is back: the same Node with another boot ID and the same kubelet, Ready, its lease advancing, no
 * taint that keeps pods away, and its DaemonSets' pods ready as before.
 */
import { FleetError } from '../core/errors.ts';
import type { NodeJob } from './job.ts';
import { type BeforeReset, readyDaemons } from './reset-host.ts';
import { enough, waitFor } from './wait.ts';

const awayTaints = new Set(['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']);

export type Rejoined = { proof: string; bootId: string };

/** Throws `timeout` naming what was missing. */
export async function proveRejoin(job: NodeJob, before: BeforeReset, by: number): Promise<Rejoined> {
  const { cluster, target, timings } = job;
  let lease: string | undefined;
  return waitFor<Rejoined>({
    what: `${target.node} to rejoin`,
    everyMs: timings.pollMs,
    by: enough(by, timings.pollMs),
    async look() {
      const [node, renewed, pods] = await Promise.all([
        cluster.node(target.node),
        cluster.leaseRenewed(target.node),
        cluster.pods(target.node),
      ]);
      if (node.uid !== target.nodeUid) throw changed(target.node, 'it was deleted and made again');
      if (node.bootId === before.bootId) return { missing: 'the node still reports its old boot ID' };
      if (!node.ready) return { missing: 'the node is not Ready' };
      if (node.kubeletVersion !== before.kubeletVersion)
        throw changed(target.node, `its kubelet was ${before.kubeletVersion} and is ${node.kubeletVersion}`);
      const taint = node.taints.find(candidate => awayTaints.has(candidate.key));
      if (taint) return { missing: `the node has the taint ${taint.key}` };
      const back = readyDaemons(pods);
      const away = before.daemons.filter(name => !back.includes(name));
      if (away.length > 0) return { missing: `not ready again: DaemonSet ${away.join(', ')}` };
      const first = lease === undefined;
      const advanced = !first && renewed !== undefined && renewed !== lease;
      if (renewed !== undefined && first) lease = renewed;
      if (!advanced) return { missing: 'its lease has not advanced yet' };
      const proof = `boot ID ${node.bootId}, Ready since ${node.readySince ?? 'unknown'}, lease renewed ${renewed}`;
      return { value: { proof, bootId: node.bootId } };
    },
  });
}

function changed(node: string, how: string): FleetError {
  return new FleetError({
    code: 'precondition_failed',
    message: `${node} came back as another Node: ${how}`,
    hint: 'look at the node before it takes pods again',
  });
}

/** The same boot, still Ready, lease still advancing: after the soak, or after what left the host alone. */
export async function proveSteady(job: NodeJob, bootId: string, by: number): Promise<string> {
  const { cluster, target, timings } = job;
  const before = await cluster.leaseRenewed(target.node);
  return waitFor<string>({
    what: `${target.node} to stay healthy`,
    everyMs: timings.pollMs,
    by: enough(by, timings.pollMs),
    async look() {
      const [node, renewed] = await Promise.all([cluster.node(target.node), cluster.leaseRenewed(target.node)]);
      if (node.bootId !== bootId) throw changed(target.node, 'it started again, and nobody asked it to');
      if (!node.ready) return { missing: 'the node is not Ready' };
      if (renewed === before) return { missing: 'its lease does not advance' };
      return { value: 'Ready, lease advancing' };
    },
  });
}
