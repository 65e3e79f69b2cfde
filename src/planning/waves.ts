/**
 * In which waves a rollout goes over the fleet: first few nodes, then one of each further hardware cohort, at one site as far
 * as that has them, and then growing shares of the rest, each spread over all clusters and failure domains. A fault that sits
 * in the image or in one kind of hardware shows where it hurts least. The control plane comes after all workers, in the same
 * way. Whether two nodes of a wave may be away at once is not decided here: see next-starts.ts.
 */
import type { PlanTarget } from '../core/plan.ts';
import { byText } from './text-order.ts';

export type WaveTarget = Pick<PlanTarget, 'node' | 'site' | 'cluster' | 'role' | 'zone' | 'rack' | 'cohort'> & {
  /** Not serving now. Such nodes come last, so that a canary is a node that works. */
  unavailable: boolean;
};

export type WaveRules = {
  /** How many nodes go first of all. */
  canary: number;
  /** Shares of what is left after the canaries, each with those before it; the last is all. */
  percentages: number[];
};

export type Waves = { waves: string[][]; canaries: string[] };

/** Every target exactly once, in an order that depends on nothing but the targets and rules. */
export function planWaves(targets: WaveTarget[], rules: WaveRules): Waves {
  const { worker = [], 'control-plane': controlPlane = [] } = Object.groupBy(targets, ({ role }) => role);
  const [workers, members] = [workerWaves(worker, rules), controlPlaneWaves(controlPlane)];
  return { waves: [...workers.waves, ...members.waves], canaries: [...workers.canaries, ...members.canaries] };
}

function workerWaves(targets: WaveTarget[], { canary, percentages }: WaveRules): Waves {
  const ordered = inOrder(targets);
  const bySite = canarySitesFirst(ordered);
  const cohorts = Map.groupBy(bySite, ({ cohort }) => cohort).values();
  const firsts = [...cohorts].flatMap(([one]) => one ?? []);
  const first = [...new Set([...firsts, ...bySite])].slice(0, canary);
  const perCohort = firsts.filter(one => !first.includes(one));
  const canaries = new Set([...first, ...perCohort]);
  const rest = ordered.filter(one => !canaries.has(one));
  const ends = percentages.map((percent, index) =>
    index === percentages.length - 1 ? rest.length : Math.floor((rest.length * percent) / 100),
  );
  const shares = ends.map((end, index) => rest.slice(ends[index - 1] ?? 0, end));
  return { waves: wavesOf([first, perCohort, ...shares]), canaries: [...canaries].map(({ node }) => node) };
}

/** That of one cluster first, whole: its leader goes last, wherever it is by then. */
function controlPlaneWaves(targets: WaveTarget[]): Waves {
  const ordered = inOrder(targets);
  const [canary] = canarySitesFirst(ordered);
  const first = ordered.filter(({ cluster }) => cluster === canary?.cluster);
  const rest = ordered.filter(({ cluster }) => cluster !== canary?.cluster);
  return { waves: wavesOf([first, rest]), canaries: first.map(({ node }) => node) };
}

function wavesOf(parts: WaveTarget[][]): string[][] {
  return parts.filter(part => part.length > 0).map(part => part.map(({ node }) => node));
}

function inOrder(targets: WaveTarget[]): WaveTarget[] {
  const { true: away = [], false: serving = [] } = Object.groupBy(targets, one => `${one.unavailable}` as const);
  return [...spread(serving), ...spread(away)];
}

/** What serves before what does not, and then sites with many cohorts before those with few. */
function canarySitesFirst(targets: WaveTarget[]): WaveTarget[] {
  const sites = Map.groupBy(targets, ({ site }) => site);
  const cohorts = ({ site }: WaveTarget) => new Set(sites.get(site)?.map(({ cohort }) => cohort)).size;
  return targets.toSorted(
    (a, b) => Number(a.unavailable) - Number(b.unavailable) || cohorts(b) - cohorts(a) || byText(a.site, b.site),
  );
}

/** An order whose every part has about the same share of each cluster, and within a cluster of each failure domain. */
function spread(targets: WaveTarget[]): WaveTarget[] {
  const named = targets.toSorted((a, b) => byText(a.node, b.node));
  const inCluster = interleaved(named, ({ cluster, zone, rack }) => JSON.stringify([cluster, zone, rack]));
  return interleaved(inCluster, ({ cluster }) => cluster);
}

/** Merges groups so that each is used up evenly; within a group the order stays. */
function interleaved(list: WaveTarget[], groupOf: (target: WaveTarget) => string): WaveTarget[] {
  const groups = Map.groupBy(list, groupOf).values();
  const placed = [...groups].flatMap(group =>
    group.map((target, index) => ({ target, place: (index + 0.5) / group.length })),
  );
  return placed.sort((a, b) => a.place - b.place).map(({ target }) => target);
}
