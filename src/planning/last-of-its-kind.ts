/** Whether a node is the last that takes pods, in its role or zone: without it that has no capacity left. */
import type { NodeFacts } from '../core/cluster-facts.ts';
import { zoneLabel } from '../core/cluster-marks.ts';
import { isAway } from './taints.ts';

/** What is left without any node that takes pods when all of `leaving` go, while those of `away` are gone too. */
export function lostBy(
  leaving: readonly string[],
  nodes: readonly NodeFacts[],
  away: readonly string[] = [],
): string[] {
  const gone = new Set([...leaving, ...away]);
  const lost = nodes
    .filter(({ name, ready }) => ready && leaving.includes(name))
    .flatMap(
      node =>
        lastOf(
          node,
          nodes.filter(each => each.name === node.name || !gone.has(each.name)),
        ) ?? [],
    );
  return [...new Set(lost)].sort();
}

export function lostWarning(what: string): string {
  return `it leaves ${what} without any node that takes pods`;
}

/** What would be left without any; undefined where others remain. */
export function lastOf(node: NodeFacts, nodes: readonly NodeFacts[]): string | undefined {
  const others = nodes.filter(each => each.name !== node.name && each.role === node.role && !isAway(each));
  if (others.length === 0) return `the role ${node.role}`;
  const zone = node.labels[zoneLabel];
  const near = zone === undefined || others.some(each => each.labels[zoneLabel] === zone);
  return near ? undefined : `the zone ${zone}`;
}
