/** Reads what planning and answers stand on. What cannot be read is a fact with its reason, never left out. */
import { type Bmcs, type Fact, factValue, known, type ServerHealth, unknown } from '../core/bmc.ts';
import type { Cluster, Clusters, ClusterView, DaemonSetFacts, NodeFacts, PdbFacts, PodFacts } from '../core/cluster.ts';
import { FleetError } from '../core/errors.ts';
import type { FleetCluster, FleetNode } from '../core/fleet.ts';
import { withVolumes } from '../planning/volume-ties.ts';

export type ClusterSurvey = { nodes: NodeFacts[]; pods: PodFacts[]; pdbs: PdbFacts[]; daemonSets: DaemonSetFacts[] };
export type NodeSurvey = { entry: FleetNode; server: Fact<ServerHealth>; node: Fact<NodeFacts> };
export type Survey<K = ClusterSurvey> = { cluster: FleetCluster; kubernetes: Fact<K>; nodes: NodeSurvey[] };

type Ports = { bmcs: Bmcs; clusters: Clusters };

/** Everything of one cluster, read now: Kubernetes and every BMC, in parallel; `only` limits the BMCs that are asked. */
export function surveyCluster(ports: Ports, cluster: FleetCluster, only?: string[]): Promise<Survey> {
  const entries = cluster.nodes.filter(entry => !only || only.includes(entry.name));
  return surveyWith(ports, { cluster, entries }, () => readLists(ports.clusters.of(cluster.name)));
}

/** One node, with what plans of it stand on. Throws `precondition_failed` where any of it cannot be read now. */
export async function surveyNode(
  ports: Ports,
  cluster: FleetCluster,
  { name }: FleetNode,
): Promise<{ facts: ClusterSurvey; server: ServerHealth; node: NodeFacts }> {
  const { kubernetes, nodes } = await surveyCluster(ports, cluster, [name]);
  const [found] = nodes;
  const facts = factValue(kubernetes);
  const server = found && factValue(found.server);
  const node = found && factValue(found.node);
  if (facts && server && node) return { facts, server, node };
  const reasons = [kubernetes, found?.server, found?.node].flatMap(fact =>
    fact && 'unknown' in fact ? [fact.unknown] : [],
  );
  throw new FleetError({
    code: 'precondition_failed',
    retry: 'later',
    message: `${name} cannot be read now: ${reasons.join('; ')}`,
  });
}

/** The same for questions over many clusters: Kubernetes as its watches hold it, BMCs read now. Plans need the other. */
export function surveyView(ports: Ports, cluster: FleetCluster): Promise<Survey<ClusterView>> {
  return surveyWith(ports, { cluster, entries: cluster.nodes }, () => ports.clusters.of(cluster.name).view());
}

type Kubernetes = { readonly nodes: readonly NodeFacts[] };

async function surveyWith<K extends Kubernetes>(
  ports: Ports,
  { cluster, entries }: { cluster: FleetCluster; entries: FleetNode[] },
  read: () => Promise<K>,
): Promise<Survey<K>> {
  const [kubernetes, ...servers] = await Promise.all([
    factOf(read),
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

/** The lists that plans and forecasts stand on, all read now. */
export async function readLists(cluster: Cluster): Promise<ClusterSurvey> {
  const [nodes, pods, pdbs, daemonSets, ties] = await Promise.all([
    cluster.nodes(),
    cluster.pods(),
    cluster.pdbs(),
    cluster.daemonSets(),
    cluster.volumeTies(),
  ]);
  return { nodes, pods: withVolumes(pods, ties), pdbs, daemonSets };
}

function nodeOf(kubernetes: Fact<Kubernetes>, name: string): Fact<NodeFacts> {
  if ('unknown' in kubernetes) return kubernetes;
  const node = kubernetes.value.nodes.find(facts => facts.name === name);
  return node ? known(node) : unknown('the cluster has no such Node');
}

/** The value, or why it could not be read. */
export async function factOf<T>(read: () => Promise<T>): Promise<Fact<T>> {
  try {
    return known(await read());
  } catch (thrown) {
    return unknown(FleetError.from(thrown).message);
  }
}
