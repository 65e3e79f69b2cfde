/** Random clusters for properties over rollouts: what is true of them, and what production code is told. */
import fc from 'fast-check';
import { known, type ServerHealth, unknown } from '../../src/core/bmc.ts';
import { type EtcdFacts, type NodeFacts, type PdbFacts, type PodFacts, zoneLabel } from '../../src/core/cluster.ts';
import {
  budgetOf,
  type FirmwareImage,
  type FleetCluster,
  type FleetNode,
  type NodeRole,
} from '../../src/core/fleet.ts';
import type { RolloutRequest } from '../../src/planning/rollout-target.ts';
import { etcdOf, nodeOf, pdbOf, podOf } from './cluster-facts.ts';

export type NodeStory = {
  cluster: 'a' | 'b';
  declared: NodeRole;
  role: NodeRole;
  zone: string | undefined;
  /** Nodes of one number share a BMC; `own` has one for itself. */
  bmc: number | 'own';
  state: 'well' | 'lost' | 'cordoned';
  behind: boolean;
  /** The workloads that have a pod on it. */
  apps: string[];
};
/** A percentage or number may be of any kind: an operator, or a bug, wrote it. */
export type BudgetStory = { maxUnavailable: unknown; maxPercent?: unknown };
export type FleetStory = { nodes: NodeStory[]; budget: BudgetStory; canary: number };

const worker = fc.constant<NodeRole>('worker');
const roles = fc.oneof(
  { weight: 12, arbitrary: fc.record({ declared: worker, role: worker }) },
  { weight: 2, arbitrary: fc.constant({ declared: 'control-plane' as NodeRole, role: 'control-plane' as NodeRole }) },
  { weight: 1, arbitrary: fc.constant({ declared: 'worker' as NodeRole, role: 'control-plane' as NodeRole }) },
);
const others = fc.record({
  cluster: fc.constantFrom<'a' | 'b'>('a', 'a', 'a', 'b'),
  zone: fc.constantFrom('z1', 'z2', 'z3', 'z4', 'z5', undefined),
  bmc: fc.constantFrom<number | 'own'>('own', 'own', 'own', 'own', 1, 2),
  state: fc.constantFrom<NodeStory['state']>('well', 'well', 'well', 'well', 'well', 'well', 'lost', 'cordoned'),
  behind: fc.constantFrom(true, true, true, false),
  apps: fc.subarray(['api', 'db', 'web', 'mail', 'cache'], { maxLength: 2 }),
});
const node = fc.tuple(roles, others).map(([role, other]): NodeStory => ({ ...role, ...other }));
const zones = fc.constantFrom('as they are', 'none', 'none');
const nodes = fc
  .tuple(fc.array(node, { minLength: 1, maxLength: 10 }), zones)
  .map(([list, kept]) => (kept === 'none' ? list.map(one => ({ ...one, zone: undefined })) : list));

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
  canary: fc.integer({ min: 0, max: 2 }),
});

export type Scene = {
  cluster: FleetCluster;
  fleet: FleetNode[];
  nodes: NodeFacts[];
  pods: PodFacts[];
  pdbs: PdbFacts[];
  etcd: EtcdFacts;
  behind: Set<string>;
  canary: number;
};

const image: FirmwareImage = {
  id: 'bios-new',
  vendor: 'dell',
  models: ['R750'],
  component: 'bios',
  version: '1.12.1',
  source: { file: '/bios.bin' },
  sha256: 'a'.repeat(64),
};

/** Cluster `name` of the story. Every member of its etcd is well and on a node whose true role is control plane. */
export function sceneOf({ nodes: stories, budget: written, canary }: FleetStory, name: 'a' | 'b'): Scene {
  const fleet = stories.map(fleetNode);
  const own = fleet.filter(({ cluster }) => cluster === name);
  const story = (entry: FleetNode) => stories[fleet.indexOf(entry)] as NodeStory;
  const facts = own.map(entry => nodeFacts(entry, story(entry)));
  const apps = [...new Set(own.flatMap(entry => story(entry).apps))];
  const holders = facts.filter(({ role }) => role === 'control-plane').map(each => [each.name, known(true)] as const);
  return {
    cluster: {
      name,
      site: `site-${name}`,
      budget: budgetOf(written as { maxUnavailable: number }, own.length),
      nodes: own,
    },
    fleet,
    nodes: facts,
    pods: own.flatMap(entry => story(entry).apps.map(app => pod(entry.name, app))),
    pdbs: apps.map(app => pdbOf({ name: app, selector: { matchLabels: { app } } })),
    etcd: etcdOf(Object.fromEntries(holders)),
    behind: new Set(own.filter(entry => story(entry).behind).map(entry => entry.name)),
    canary,
  };
}

export function requestOf({ cluster, fleet, nodes: facts, pods, pdbs, etcd, behind, canary }: Scene): RolloutRequest {
  return {
    action: 'firmwareRollout',
    cluster,
    facts: { nodes: facts, pods, pdbs, daemonSets: [] },
    evidence: { etcd: known(etcd), remediators: known([]) },
    candidates: cluster.nodes.map((entry, index) => ({
      entry,
      server: known(serverHealth(entry, behind.has(entry.name) ? '1.0.0' : image.version)),
      node: known(facts[index] as NodeFacts),
    })),
    images: [image],
    stones: [],
    fleet,
    drain: { deleteEmptyDir: false, force: false, byPriority: false },
    canary,
    soakMs: 0,
  };
}

function fleetNode({ cluster, declared, bmc }: NodeStory, index: number): FleetNode {
  const host = bmc === 'own' ? `10.1.1.${index + 1}` : `10.1.0.${bmc}`;
  const server = { bmcUrl: `https://${host}`, credential: 'c', systemUri: `/redfish/v1/Systems/${index}` };
  return { name: `n${index}`, site: `site-${cluster}`, cluster, role: declared, server };
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

export function serverHealth({ name, server }: Pick<FleetNode, 'name' | 'server'>, version: string): ServerHealth {
  const unread = unknown('not read');
  const identity = {
    systemUri: server.systemUri ?? '',
    uuid: known(uuidOf(name)),
    serial: unread,
    manufacturer: unread,
    model: known('R750'),
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
    activations: { bios: known('reset-after'), bmc: unread, nic: unread },
  };
}

function uuidOf(name: string): string {
  return `00000000-0000-4000-8000-${name.slice(1).padStart(11, '0')}1`;
}
