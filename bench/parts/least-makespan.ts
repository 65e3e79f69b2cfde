/**
 * How long a rollout takes at least under its constraints, whoever decides which node starts when: from what each node took,
 * and from nothing of the product's own reckoning. Waves are barriers, so it is the sum of the least of each wave.
 */
export type Worked = {
  wave: number;
  site: string;
  cluster: string;
  /** What only one node may take at a time: its zone, its rack, PodDisruptionBudgets. */
  exclusive: string[];
  /** When its own work began and ended, milliseconds since the epoch. */
  from: number;
  to: number;
};

export type Limits = {
  /** Nodes of one cluster that may be away at once. */
  budget: number;
  /** Sites at which work goes on at once. */
  maxSites: number;
};

/** What binds the wave, and the milliseconds that it takes at least for that. */
export type Bound = { by: 'one node' | 'a failure domain' | 'a budget' | 'the sites'; ms: number };

export function leastOfWave(nodes: readonly Worked[], { budget, maxSites }: Limits): Bound {
  const clusters = [...Map.groupBy(nodes, ({ cluster }) => cluster).values()];
  const sites = [...Map.groupBy(nodes, ({ site }) => site).values()];
  const widestSite = Math.max(...sites.map(site => budget * new Set(site.map(({ cluster }) => cluster)).size));
  const bounds: Bound[] = [
    { by: 'one node', ms: Math.max(...nodes.map(lengthOf)) },
    { by: 'a failure domain', ms: Math.max(...chains(nodes)) },
    { by: 'a budget', ms: Math.max(...clusters.map(cluster => leastOn(cluster, budget))) },
    { by: 'the sites', ms: leastOn(nodes, Math.min(maxSites, sites.length) * widestSite) },
  ];
  return bounds.reduce((most, each) => (each.ms > most.ms ? each : most));
}

/** For each thing that only one may take at a time, how long all that take it need, one after the other. */
function chains(nodes: readonly Worked[]): number[] {
  const sums = new Map<string, number>();
  for (const node of nodes) for (const key of node.exclusive) sums.set(key, (sums.get(key) ?? 0) + lengthOf(node));
  return [...sums.values()];
}

/**
 * On so many places, all of the work is done no sooner than its share for each; and one of the places gets at least the number
 * of nodes divided by places, rounded up, which take no less than as many of the shortest.
 */
function leastOn(nodes: readonly Worked[], places: number): number {
  const lengths = nodes.map(lengthOf).sort((a, b) => a - b);
  const sum = (all: number[]) => all.reduce((total, each) => total + each, 0);
  return Math.max(sum(lengths) / places, sum(lengths.slice(0, Math.ceil(lengths.length / places))));
}

function lengthOf({ from, to }: Worked): number {
  return to - from;
}
