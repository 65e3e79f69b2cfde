/** Random fleets of many clusters for properties of starts: plans as they would be made, and nodes that take their time. */
import fc from 'fast-check';
import { type Fact, known, unknown } from '../../src/core/bmc.ts';
import type { NodeFacts } from '../../src/core/cluster-facts.ts';
import type { NodeRole } from '../../src/core/fleet.ts';
import type { Plan, PlanTarget } from '../../src/core/plan.ts';
import type { ClusterNow } from '../../src/planning/next-starts.ts';
import { planWaves } from '../../src/planning/waves.ts';
import { etcdOf, nodeOf } from './cluster-facts.ts';

export type Machine = {
  name: string;
  site: string;
  cluster: string;
  role: NodeRole;
  zone: string | undefined;
  rack: string | undefined;
  bmc: string;
  groups: string[];
  cohort: string;
  /** Cordoned or lost for reasons of its own, and for good. */
  away: boolean;
  target: boolean;
  minutes: number;
};
export type Fleet = {
  machines: Machine[];
  budgets: Map<string, number>;
  plan: Scheduled;
  nodes: Map<string, NodeFacts>;
};
export type Scheduled = Pick<Plan, 'kind' | 'scopes' | 'targets' | 'waves' | 'canaries' | 'limits' | 'declaredOutage'>;

const machine = fc.record({
  zone: fc.nat(8),
  rack: fc.nat(8),
  twin: fc.constantFrom(false, false, false, false, false, false, true),
  groups: fc.constantFrom<string[]>([], [], [], ['web'], ['db'], ['web', 'db']),
  cohort: fc.constantFrom('old', 'new', 'odd'),
  away: fc.constantFrom(false, false, false, false, false, false, false, false, false, true),
  target: fc.constantFrom(true, true, true, true, false),
  minutes: fc.integer({ min: 1, max: 9 }),
});
const cluster = fc.record({
  site: fc.nat(3),
  workers: fc.array(machine, { minLength: 1, maxLength: 6 }),
  members: fc.constantFrom(0, 0, 0, 1, 3, 5),
  budget: fc.integer({ min: 1, max: 5 }),
  /** How many zones and racks its nodes tell of; none: they say nothing. */
  zones: fc.constantFrom(0, 0, 3, 8),
  racks: fc.constantFrom(0, 0, 0, 4, 8),
  /** Some do not say. */
  silent: fc.constantFrom(false, false, false, true),
});
const fleets = fc.record({
  clusters: fc.array(cluster, { minLength: 1, maxLength: 4 }),
  canary: fc.integer({ min: 0, max: 2 }),
  percentages: fc.constantFrom([100], [10, 50, 100], [30, 100]),
  maxSites: fc.integer({ min: 1, max: 4 }),
});

export const scheduledFleet: fc.Arbitrary<Fleet> = fleets.map(fleetOf);

/** Sites as one builds them: many alike, each node in one of several zones, and an update takes about the same time. */
export const evenFleet: fc.Arbitrary<Fleet> = fc
  .record({
    sites: fc.integer({ min: 2, max: 8 }),
    workers: fc.integer({ min: 12, max: 30 }),
    zones: fc.constantFrom(0, 0, 3, 6),
    budget: fc.integer({ min: 1, max: 6 }),
    minutes: fc.array(fc.constantFrom(9, 10, 11), { minLength: 5, maxLength: 9 }),
    maxSites: fc.integer({ min: 1, max: 8 }),
  })
  .map(({ sites, workers, zones, budget, minutes, maxSites }) => {
    const one = { rack: 0, twin: false, groups: [], cohort: 'new' as const, away: false, target: true };
    const list = Array.from({ length: workers }, (_, n) => ({
      ...one,
      zone: n,
      minutes: minutes[n % minutes.length] ?? 10,
    }));
    const clusters = Array.from({ length: sites }, (_, site) => {
      return { site, workers: list, members: 0, budget, zones, racks: 0, silent: false };
    });
    return fleetOf({ clusters, canary: 1, percentages: [10, 50, 100], maxSites });
  });

type MachineStory = Pick<Machine, 'groups' | 'cohort' | 'away' | 'target' | 'minutes'> & {
  zone: number;
  rack: number;
  twin: boolean;
};
type ClusterStory = {
  site: number;
  workers: MachineStory[];
  members: number;
  budget: number;
  zones: number;
  racks: number;
  silent: boolean;
};
type FleetStory = { clusters: ClusterStory[]; canary: number; percentages: readonly number[]; maxSites: number };

function fleetOf({ clusters, canary, percentages, maxSites }: FleetStory): Fleet {
  const machines = clusters.flatMap((story, c): Machine[] => {
    const place = { site: `site${story.site}`, cluster: `c${c}` };
    const workers = story.workers.map((one, n): Machine => {
      const says = !story.silent || n % 4 !== 3;
      const beside = one.twin && n > 0 ? n - 1 : n;
      return {
        ...place,
        name: `c${c}n${n}`,
        role: 'worker',
        zone: story.zones > 0 && says ? `z${one.zone % story.zones}` : undefined,
        rack: story.racks > 0 && says ? `r${one.rack % story.racks}` : undefined,
        bmc: `https://c${c}b${beside}`,
        groups: one.groups,
        cohort: one.cohort,
        away: one.away,
        target: one.target,
        minutes: one.minutes,
      };
    });
    const members = Array.from({ length: story.members }, (_, n): Machine => {
      const own = {
        zone: undefined,
        rack: undefined,
        groups: [],
        cohort: 'old',
        away: false,
        target: true,
        minutes: 2,
      };
      return { ...place, ...own, name: `c${c}m${n}`, role: 'control-plane', bmc: `https://c${c}m${n}` };
    });
    return [...workers, ...members];
  });
  const budgets = new Map(clusters.map(({ budget }, c) => [`c${c}`, budget]));
  const targets = machines.filter(one => one.target).map(one => targetOf(one, machines));
  const away = new Set(machines.filter(one => one.away).map(({ name }) => name));
  const waves = planWaves(
    targets.map(target => ({ ...target, unavailable: away.has(target.node) })),
    { canary, percentages: [...percentages] },
  );
  const scopes = clusters.map((story, c) => ({
    site: `site${story.site}`,
    cluster: `c${c}`,
    budget: { maxUnavailable: story.budget },
    blast: { peakUnavailable: 0, targets: 0, controlPlane: 0, quorumLost: false, lastOf: [] },
  }));
  const limits = { maxSites, cohortFailures: 1, failures: 1, lostSites: 1 };
  // What is the last of its kind is another property's.
  const nodes = new Map(
    machines.map(({ name, role, away: unschedulable }) => [name, nodeOf(name, { role, unschedulable })]),
  );
  return {
    machines,
    budgets,
    nodes,
    plan: { kind: 'firmware-rollout', scopes, targets, ...waves, limits, declaredOutage: true },
  };
}

function targetOf(one: Machine, machines: Machine[]): PlanTarget {
  const beside = machines.filter(each => each.bmc === one.bmc && each.name !== one.name).map(({ name }) => name);
  return {
    node: one.name,
    site: one.site,
    cluster: one.cluster,
    role: one.role,
    nodeUid: one.name,
    systemUuid: one.name,
    serial: unknown('not read'),
    model: unknown('not read'),
    vendor: 'dell',
    bmcUrl: one.bmc,
    systemUri: '/',
    ...(one.zone === undefined ? {} : { zone: one.zone }),
    ...(one.rack === undefined ? {} : { rack: one.rack }),
    cohort: one.cohort,
    ...(beside.length > 0 ? { alongside: beside } : {}),
    drain: { evict: [], skip: [], block: [], warnings: [], pdbs: one.groups },
  };
}

/** Every cluster as it is while these nodes are worked on. The first member of each leads. */
export function clustersNow({ machines, budgets, nodes }: Fleet, running: ReadonlySet<string>) {
  const of = Map.groupBy(machines, each => each.cluster);
  const facts = [...budgets].map(([name, maxUnavailable]): [string, Fact<ClusterNow>] => {
    const own = of.get(name) ?? [];
    const seen = own.map((one): NodeFacts => {
      const calm = nodes.get(one.name) ?? nodeOf(one.name);
      return running.has(one.name) ? { ...calm, unschedulable: true } : calm;
    });
    const members = own.filter(({ role }) => role === 'control-plane');
    const etcd = etcdOf(Object.fromEntries(members.map(each => [each.name, known(!running.has(each.name))])));
    const led = etcd.members.map((member, index) => ({ ...member, leader: known(index === 0) }));
    return [name, known({ nodes: seen, budget: { maxUnavailable }, etcd: known({ ...etcd, members: led }) })];
  });
  return new Map(facts);
}
