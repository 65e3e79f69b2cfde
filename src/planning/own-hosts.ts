/** Which Nodes carry Groundskeeper itself: who takes one of them down ends what it is doing halfway. Pure. */
import type { NodeFacts } from '../core/cluster-facts.ts';
import type { OwnHosts } from '../core/records.ts';

type Told = Pick<NodeFacts, 'name' | 'bootId' | 'internalIp'>;

/** What of it runs on each of these Nodes, by name; those that carry nothing are left out. */
export function ownParts(nodes: readonly Told[], own: OwnHosts): ReadonlyMap<string, string> {
  return new Map(nodes.flatMap(node => partOn(node, own).map(part => [node.name, part] as const)));
}

function partOn({ bootId, internalIp = '' }: Told, { bootIds, addresses }: OwnHosts): string[] {
  if (bootIds.includes(bootId)) return ['Groundskeeper itself runs on it'];
  return addresses.includes(internalIp) ? ['the database of Groundskeeper runs on it'] : [];
}
