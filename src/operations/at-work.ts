/** What operations work on at this moment, as their plans say: what goes down with a node is nobody else's to take for standing. */
import { targetOf } from '../core/plan.ts';
import type { Stores } from '../core/records.ts';
import { type AtWork, downWith } from '../planning/at-work.ts';

type Records = Pick<Stores, 'operations' | 'plans'>;

/** Of all operations, or of all but one. Throws where a plan cannot be read: what it takes down is not known then. */
export async function readAtWork({ operations, plans }: Records, except?: string): Promise<AtWork[]> {
  const all = await operations.nodesAtWork();
  const others = all.filter(({ operation }) => operation !== except);
  const read = [...Map.groupBy(others, ({ plan }) => plan)].map(async ([id, parts]) => {
    const { plan } = await plans.get(id);
    return parts.map(({ node }) => ({ plan, target: targetOf(plan, node) }));
  });
  return (await Promise.all(read)).flat();
}

/** Names of the nodes that are down because of it, or may be. */
export async function readDown(records: Records): Promise<string[]> {
  return [...new Set((await readAtWork(records)).flatMap(downWith))];
}
