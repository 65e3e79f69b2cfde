/** The waves of a plan as a table: a row for each cluster, a column for each wave. */
import type { Block } from '../core/document.ts';
import type { Plan } from '../core/plan.ts';

/** Names tell more than a number as long as they are few. */
const namesInCell = 3;

type Planned = Pick<Plan, 'scopes' | 'targets' | 'waves' | 'canaries'>;

export function waveTable({ scopes, targets, waves, canaries }: Planned): Block {
  const clusterOf = new Map(targets.map(({ node, cluster }) => [node, cluster]));
  const parts = waves.map(wave => Map.groupBy(wave, node => clusterOf.get(node)));
  const isCanary = (wave: string[]) => waves.length > 1 && wave.every(node => canaries.includes(node));
  return {
    table: {
      columns: [
        'site',
        'cluster',
        'budget',
        'away at most',
        ...waves.map((wave, index) => `wave ${index + 1}${isCanary(wave) ? ' (canary)' : ''}`),
      ],
      rows: scopes.map(({ site, cluster, budget, blast }) => [
        site,
        cluster,
        `${budget.maxUnavailable}`,
        `${blast.peakUnavailable}`,
        ...parts.map(part => nodesText(part.get(cluster) ?? [])),
      ]),
    },
  };
}

function nodesText(nodes: string[]): string {
  return nodes.length > namesInCell ? `${nodes.length} nodes` : nodes.join(', ');
}
