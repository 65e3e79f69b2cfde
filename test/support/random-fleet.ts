/** Random clusters for properties over rollouts: what is true of them, and what production code is told. */
import fc from 'fast-check';
import { known, type ServerHealth, unknown } from '../../src/core/bmc.ts';
import type { EtcdFacts, NodeFacts, PdbFacts, PodFacts } from '../../src/core/cluster-facts.ts';
import { zoneLabel } from '../../src/core/cluster-marks.ts';
import {
  budgetOf,
  type FirmwareImage,
  type FleetCluster,
  type FleetNode,
  type NodeRole,
} from '../../src/core/fleet.ts';
import type { RolloutLimits } from '../../src/core/plan.ts';
import type { RolloutAsked } from '../../src/planning/plan-rollout.ts';
import { etcdOf, nodeOf, pdbOf, podOf } from './cluster-facts.ts';

/** The first two are at one site. */
export const clusterNames = ['a', 'b', 'c'] as const;
export type ClusterName = (typeof clusterNames)[number];
const siteOf = (cluster: ClusterName) => (cluster === 'c' ? 'far' : 'near');

export type NodeStory = {
  cluster: ClusterName;
  declared: NodeRole;
  role: NodeRole;
  zone: string | undefined;
  rack?: string | undefined;
  model?: string;
  /** Nodes of one number share a BMC; `own` has one for itself. */
  bmc: number | 'own';
  state: 'well' | 'lost' | 'cordoned';
  behind: boolean;
  /** The workloads that have a pod on it. */
  apps: string[];
};
/** A percentage or number may be of any kind: an operator, or a bug, wrote it. */
export type BudgetStory = { maxUnavailable: unknown; maxPercent?: unknown };
export type FleetStory = {
  nodes: NodeStory[];
  budget: BudgetStory;
  /** Of the others than `a`; the same unless said. */
  elsewhere?: BudgetStory;
  canary: number;
  percentages?: number[];
  limits?: RolloutLimits;
  controlPlane?: boolean;
  outage?: boolean;
};

const worker = fc.constant<NodeRole>('worker');
const roles = fc.oneof(
  { weight: 12, arbitrary: fc.record({ declared: worker, role: worker }) },
  { weight: 2, arbitrary: fc.constant({ declared: 'control-plane' as NodeRole, role: 'control-plane' as NodeRole }) },
  { weight: 1, arbitrary: fc.constant({ declared: 'worker' as NodeRole, role: 'control-plane' as NodeRole }) },
);
const others = fc.record({
  cluster: fc.constantFrom<ClusterName>('a', 'a', 'a', 'a', 'b', 'c', 'c'),
  zone: fc.constantFrom('z1', 'z2', 'z3', 'z4', 'z5', undefined),
  rack: fc.constantFrom('r1', 'r2', 'r3', 'r4', 'r5', 'r6', undefined),
  model: fc.constantFrom('R750', 'R750', 'R650'),
  bmc: fc.constantFrom<number | 'own'>('own', 'own', 'own', 'own', 1, 2),
  state: fc.constantFrom<NodeStory['state']>('well', 'well', 'well', 'well', 'well', 'well', 'lost', 'cordoned'),
  behind: fc.constantFrom(true, true, true, false),
  apps: fc.subarray(['api', 'db', 'web', 'mail', 'cache'], { maxLength: 2 }),
});
const node = fc.tuple(roles, others).map(([role, other]): NodeStory => ({ ...role, ...other }));
/** What the nodes tell of where they are: often nothing, so that budgets are what binds. */
const told = fc.constantFrom('all', 'zones', 'racks', 'none', 'none', 'none');
const nodes = fc.tuple(fc.array(node, { minLength: 1, maxLength: 12 }), told).map(([list, kept]) =>
  list.map(one => ({
    ...one,
    zone: kept === 'all' || kept === 'zones' ? one.zone : undefined,
    rack: kept === 'all' || kept === 'racks' ? one.rack : undefined,
  })),
);

const malformed = fc.constantFrom<unknown>(undefined, null, Number.NaN, -1, 1.5, Number.POSITIVE_INFINITY, 'many');
const budget: fc.Arbitrary<BudgetStory> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ maxUnavailable: fc.integer({ min: 1, max: 6 }) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      maxUnavailable: fc.integer({ min: 1, max: 9 }),
      maxPercent: fc.integer({ min: 5, max: 100 }),
    }),
  },
  { weight: 1, arbitrary: fc.constantFrom({ maxUnavailable: 0 }, { maxUnavailable: 5, maxPercent: 0 }) },
  { weight: 1, arbitrary: fc.record({ maxUnavailable: malformed }) },
  { weight: 1, arbitrary: fc.record({ maxUnavailable: fc.constant(5), maxPercent: fc.constantFrom(Number.NaN, -1) }) },
);

export const fleetStory: fc.Arbitrary<FleetStory> = fc.record({
  nodes,
  budget,
  elsewhere: budget,
  canary: fc.integer({ min: 0, max: 2 }),
  percentages: fc.constantFrom([100], [10, 50, 100], [40, 100]),
  limits: fc.record({
    maxSites: fc.integer({ min: 1, max: 2 }),
    cohortFailures: fc.integer({ min: 1, max: 3 }),
    failures: fc.integer({ min: 1, max: 3 }),
    lostSites: fc.constant(1),
  }),
  controlPlane: fc.boolean(),
  outage: fc.constantFrom(true, true, false),
});

export type Scene = {
  cluster: FleetCluster;
  fleet: FleetNode[];
  nodes: NodeFacts[];
  pods: PodFacts[];
  pdbs: PdbFacts[];
  etcd: EtcdFacts;
  behind: Set<string>;
  models: Map<string, string>;
  story: FleetStory;
};

const image: FirmwareImage = {
  id: 'bios-new',
  vendor: 'dell',
  models: ['R750', 'R650'],
  component: 'bios',
  version: '1.12.1',
  source: { file: '/bios.bin' },
  sha256: 'a'.repeat(64),
};

/** Cluster `name` of the story. The members of its etcd are on the nodes whose true role is control plane, and as well as these. */
export function sceneOf(whole: FleetStory, name: ClusterName): Scene {
  const { nodes: stories } = whole;
  const written = budgetStory(whole, name);
  const fleet = stories.map(fleetNode);
  const own = fleet.filter(({ cluster }) => cluster === name);
  const story = (entry: FleetNode) => stories[fleet.indexOf(entry)] as NodeStory;
  const facts = own.map(entry => nodeFacts(entry, story(entry)));
  const apps = [...new Set(own.flatMap(entry => story(entry).apps))];
  const holders = facts
    .filter(({ role }) => role === 'control-plane')
    .map(each => [each.name, known(each.ready)] as const);
  return {
    cluster: {
      name,
      site: siteOf(name),
      budget: budgetOf(written as { maxUnavailable: number }, own.length),
      nodes: own,
    },
    fleet,
    nodes: facts,
    pods: own.flatMap(entry => story(entry).apps.map(app => pod(entry.name, app))),
    pdbs: apps.map(app => pdbOf({ name: app, selector: { matchLabels: { app } } })),
    etcd: ledByFirst(etcdOf(Object.fromEntries(holders))),
    behind: new Set(own.filter(entry => story(entry).behind).map(entry => entry.name)),
    models: new Map(own.map(entry => [entry.name, story(entry).model ?? 'R750'])),
    story: whole,
  };
}

function versionOf({ behind }: Scene, { name }: FleetNode): string {
  return behind.has(name) ? '1.0.0' : image.version;
}

function ledByFirst(etcd: EtcdFacts): EtcdFacts {
  return { ...etcd, members: etcd.members.map((member, index) => ({ ...member, leader: known(index === 0) })) };
}

export function budgetStory({ budget: first, elsewhere = first }: FleetStory, name: ClusterName): BudgetStory {
  return name === 'a' ? first : elsewhere;
}

/** The clusters of one story. */
export function requestOf(scenes: Scene[]): RolloutAsked {
  const { fleet = [], story } = scenes[0] ?? {};
  return {
    action: 'firmwareRollout',
    clusters: scenes.map(scene => ({
      cluster: scene.cluster,
      facts: { nodes: scene.nodes, pods: scene.pods, pdbs: scene.pdbs, daemonSets: [] },
      evidence: { etcd: known(scene.etcd), remediators: known([]), own: known(new Map()) },
      candidates: scene.cluster.nodes.map((entry, index) => ({
        entry,
        server: known(serverHealth(entry, versionOf(scene, entry), scene.models.get(entry.name))),
        node: known(scene.nodes[index] as NodeFacts),
      })),
      images: [image],
    })),
    stones: [],
    fleet,
    drain: { deleteEmptyDir: false, force: false, byPriority: false },
    controlPlane: story?.controlPlane ?? false,
    declareOutage: story?.outage ?? true,
    canary: story?.canary ?? 1,
    percentages: story?.percentages ?? [100],
    limits: story?.limits ?? { maxSites: 10, cohortFailures: 2, failures: 5, lostSites: 2 },
    soakMs: 0,
  };
}

function fleetNode({ cluster, declared, bmc, rack }: NodeStory, index: number): FleetNode {
  const host = bmc === 'own' ? `10.1.1.${index + 1}` : `10.1.0.${bmc}`;
  const server = {
    bmcUrl: `https://${host}`,
    credential: 'c',
    systemUri: `/redfish/v1/Systems/${index}`,
    ...(rack === undefined ? {} : { rack }),
  };
  return { name: `n${index}`, site: siteOf(cluster), cluster, role: declared, server };
}

function nodeFacts({ name }: FleetNode, { role, zone, state }: NodeStory): NodeFacts {
  return nodeOf(name, {
    role,
    labels: zone === undefined ? {} : { [zoneLabel]: zone },
    ready: state !== 'lost',
    unschedulable: state === 'cordoned',
    systemUuid: uuidOf(name),
  });
}

function pod(onNode: string, app: string): PodFacts {
  return podOf({ node: onNode, labels: { app }, controller: { kind: 'ReplicaSet', name: app } });
}

export function serverHealth(
  { name, server }: Pick<FleetNode, 'name' | 'server'>,
  version: string,
  model = 'R750',
): ServerHealth {
  const unread = unknown('not read');
  const identity = {
    systemUri: server.systemUri ?? '',
    uuid: known(uuidOf(name)),
    serial: unread,
    manufacturer: unread,
    model: known(model),
    vendor: 'dell' as const,
  };
  const bios = {
    uri: '/bios',
    id: 'bios',
    name: 'BIOS',
    version: known(version),
    state: 'active',
    component: 'bios',
  } as const;
  return {
    identity,
    power: known('on'),
    health: known('ok'),
    temperatures: unread,
    fans: unread,
    memory: unread,
    log: unread,
    firmware: known([bios]),
    neighbours: [],
    activations: { bios: known('reset-after'), bmc: unread, nic: unread, drive: unread },
  };
}

function uuidOf(name: string): string {
  return `00000000-0000-4000-8000-${name.slice(1).padStart(11, '0')}1`;
}
