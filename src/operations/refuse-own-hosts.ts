/** Proof, right before a disruption, that neither the node nor any behind the same BMC carries Groundskeeper or its database. */
import type { NodeFacts } from '../core/cluster-facts.ts';
import { FleetError } from '../core/errors.ts';
import type { Plan, PlanTarget } from '../core/plan.ts';
import type { Stores } from '../core/records.ts';
import { ownParts } from '../planning/own-hosts.ts';
import { endangersEtcd } from '../planning/plan-kinds.ts';

/** Throws `precondition_failed` where one does, and what reading throws: what is not known is no permission. */
export async function proveNotOurs(
  { records }: { records: Pick<Stores, 'hosts'> },
  plan: Pick<Plan, 'kind' | 'taint'>,
  { target, nodes }: { target: PlanTarget; nodes: readonly NodeFacts[] },
): Promise<void> {
  // What may take a member of etcd down takes its node down.
  if (!endangersEtcd(plan)) return;
  const parts = ownParts(nodes, await records.hosts.own());
  const [name] = [target.node, ...(target.alongside ?? [])].filter(each => parts.has(each));
  if (name === undefined) return;
  throw new FleetError({
    code: 'precondition_failed',
    message: `${target.node} is not disrupted; of ${name}: ${parts.get(name)}`,
    hint: 'move it to another host first',
  });
}
