/**
 * Proof, right before a control-plane node is disrupted, that etcd keeps its quorum without its member. Policy is asked the
 * same before every effect that does not settle; this holds whatever the policy says, and for what settles too.
 */
import { known } from '../core/bmc.ts';
import { FleetError } from '../core/errors.ts';
import { endangersEtcd } from '../planning/plan-kinds.ts';
import { quorumAfter, quorumSentence } from '../planning/quorum.ts';
import type { NodeJob } from './job.ts';

/** Throws `precondition_failed` with the evidence, and what reading etcd throws: what is not known is no quorum. */
export async function proveQuorum({
  cluster,
  plan,
  target,
}: Pick<NodeJob, 'cluster' | 'plan' | 'target'>): Promise<void> {
  if (target.role !== 'control-plane' || !endangersEtcd(plan)) return;
  const etcd = await cluster.etcd();
  if (quorumAfter(etcd, target.node).allowed) return;
  throw new FleetError({
    code: 'precondition_failed',
    message: `${target.node} is not disrupted: ${quorumSentence(known(etcd), target.node)}`,
    hint: 'let etcd recover, then plan again',
  });
}
