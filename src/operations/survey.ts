/** Reads what planning and answers stand on. What cannot be read is a fact with its reason, never left out. */
import { type Bmcs, type Fact, known, type ServerHealth, unknown } from '../core/bmc.ts';
import type { Clusters, NodeFacts, PdbFacts, PodFacts } from '../core/cluster.ts';
import { FleetError } from '../core/errors.ts';
import type { FleetCluster, FleetNode } from '../core/fleet.ts';

export type ClusterSurvey = { nodes: NodeFacts[]; pods: PodFacts[]; pdbs: PdbFacts[]; daemonSets: string[] };
export type NodeSurvey = { entry: FleetNode; server: Fact<ServerHealth>; node: Fact<NodeFacts> };
export type Survey = { cluster: FleetCluster; kubernetes: Fact<ClusterSurvey>; nodes: NodeSurvey[] };

type Ports = { bmcs: Bmcs; clusters: Clusters };

/** Everything of one cluster: Kubernetes and every BMC, in parallel; `only` limits the BMCs that are asked. */
export async function surveyCluster(ports: Ports, cluster: FleetCluster, only?: string[]): Promise<Survey> {
  const entries = cluster.nodes.filter(entry => !only || only.includes(entry.name));
  const [kubernetes, ...servers] = await Promise.all([
    factOf(() => readCluster(ports, cluster.name)),
    ...entries.map(entry => surveyServer(ports, entry)),
  ]);
  const nodes = entries.map((entry, index) => ({
    entry,
    server: servers[index] ?? unknown('not read'),
    node: nodeOf(kubernetes, entry.name),
  }));
  return { cluster, kubernetes, nodes };
}

/** The BMC's view of one server. */
export function surveyServer(ports: Ports, entry: FleetNode): Promise<Fact<ServerHealth>> {
  return factOf(() => ports.bmcs.of(entry.name).health());
}

async function readCluster({ clusters }: Ports, name: string): Promise<ClusterSurvey> {
  const cluster = clusters.of(name);
  const [nodes, pods, pdbs, daemonSets] = await Promise.all([
    cluster.nodes(),
    cluster.pods(),
    cluster.pdbs(),
    cluster.daemonSets(),
  ]);
  return { nodes, pods, pdbs, daemonSets };
}

function nodeOf(kubernetes: Fact<ClusterSurvey>, name: string): Fact<NodeFacts> {
  if ('unknown' in kubernetes) return kubernetes;
  const node = kubernetes.value.nodes.find(facts => facts.name === name);
  return node ? known(node) : unknown('the cluster has no such Node');
}

async function factOf<T>(read: () => Promise<T>): Promise<Fact<T>> {
  try {
    return known(await read());
  } catch (thrown) {
    return unknown(FleetError.from(thrown).message);
  }
}
