/** Which nodes are cordoned for their hardware. The Node names the operation, and our own record says what that was. */
import type { NodeFacts } from '../core/cluster-facts.ts';
import { cordonOwner } from '../core/cluster-marks.ts';
import { FleetError } from '../core/errors.ts';
import type { Operation } from '../core/operation.ts';
import type { Stores } from '../core/records.ts';
import { isCordonOf } from './cordon.ts';

type Records = Pick<Stores, 'operations'>;

/** The operation that cordoned this node for its hardware, while that cordon stands; what no record knows is none. */
export async function healthCordonOf({ operations }: Records, node: NodeFacts): Promise<Operation | undefined> {
  const owner = node.annotations[cordonOwner];
  if (!node.unschedulable || owner === undefined || !isCordonOf(node, owner)) return undefined;
  const operation = await operations.get(owner).catch((thrown: unknown) => {
    const error = FleetError.from(thrown);
    if (error.code === 'not_found') return undefined;
    throw error;
  });
  return operation?.kind === 'health-cordon' ? operation : undefined;
}

export async function healthCordonsAmong(
  records: Records,
  nodes: readonly NodeFacts[],
): Promise<Map<string, Operation>> {
  const found = new Map<string, Operation>();
  for (const node of nodes) {
    const operation = await healthCordonOf(records, node);
    if (operation) found.set(node.name, operation);
  }
  return found;
}
