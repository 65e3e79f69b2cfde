/** Proof that other clusters can spare those of their nodes that are behind the same BMC: policy is asked for the node's own cluster alone. */
import type { Clusters } from '../core/cluster.ts';
import { FleetError } from '../core/errors.ts';
import type { FleetNow } from '../core/fleet.ts';
import type { Plan, PlanTarget } from '../core/plan.ts';
import { overBudget, unavailableOf } from '../planning/blast.ts';
import { takesNothing } from '../planning/plan-kinds.ts';

type Ports = Pick<FleetNow, 'budgetOf' | 'clusterOf'> & { clusters: Clusters };

/**
 * Throws `precondition_failed` where one cannot, and what reading throws: what is not known is no permission. `running`: nodes
 * that operations work on, and what goes down with them.
 */
export async function proveRoomBeside(
  { clusters, budgetOf, clusterOf }: Ports,
  plan: Pick<Plan, 'kind'>,
  { target, running }: { target: PlanTarget; running: readonly string[] },
): Promise<void> {
  if (takesNothing(plan.kind)) return;
  for (const [name, beside] of Map.groupBy(target.alongside ?? [], clusterOf)) {
    if (name === undefined || name === target.cluster) continue;
    const nodes = await clusters.of(name).nodes();
    const taken = new Set([...running, ...beside]);
    const here = nodes.filter(node => taken.has(node.name)).map(node => node.name);
    const full = overBudget(name, budgetOf(name), new Set([...unavailableOf(nodes), ...here]).size);
    if (full === undefined) continue;
    throw new FleetError({
      code: 'precondition_failed',
      message: `${target.node} is not disrupted: its BMC serves ${beside.join(', ')} of ${name} too; ${full}`,
      hint: `wait until more nodes of ${name} are back`,
    });
  }
}
