/** Reads what planning and answers stand on. What cannot be read is a fact with its reason, never left out. */
import { type Bmcs, type Fact, factValue, known, type ServerHealth, type ServerMakeup, unknown } from '../core/bmc.ts';
import type { Cluster, Clusters } from '../core/cluster.ts';
import type { ClusterView, DaemonSetFacts, NodeFacts, PdbFacts, PodFacts } from '../core/cluster-facts.ts';
import { FleetError } from '../core/errors.ts';
import type { FleetCluster, FleetNode } from '../core/fleet.ts';
import { withVolumes } from '../planning/volume-ties.ts';

export type ClusterSurvey = { nodes: NodeFacts[]; pods: PodFacts[]; pdbs: PdbFacts[]; daemonSets: DaemonSetFacts[] };
export type NodeSurvey<S = ServerMakeup> = { entry: FleetNode; server: Fact<S>; node: Fact<NodeFacts> };
export type Survey<K = ClusterSurvey, S = ServerMakeup> = {
  cluster: FleetCluster;
  kubernetes: Fact<K>;
  nodes: NodeSurvey<S>[];
};

type Ports = { bmcs: Bmcs; clusters: Clusters };

/** Everything of one cluster, read now: Kubernetes and every BMC, in parallel; `only` limits the BMCs that are asked. */
export function surveyCluster(ports: Ports, cluster: FleetCluster, only?: string[]): Promise<Survey> {
  const entries = cluster.nodes.filter(entry => !only || only.includes(entry.name));
  return surveyWith(
    { cluster, entries },
    {
      kubernetes: () => readLists(ports.clusters.of(cluster.name)),
      server: entry => surveyServer(ports, entry),
    },
  );
}

/** One node, with what plans of it stand on. Throws `precondition_failed` where any of it cannot be read now. */
export async function surveyNode(
  ports: Ports,
  cluster: FleetCluster,
  { name }: FleetNode,
): Promise<{ facts: ClusterSurvey; server: ServerMakeup; node: NodeFacts }> {
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

/** For questions over many clusters: Kubernetes as its watches hold it, how servers fare read now. Plans need the other. */
export function surveyView(ports: Ports, cluster: FleetCluster): Promise<Survey<ClusterView, ServerHealth>> {
  return surveyWith(
    { cluster, entries: cluster.nodes },
    {
      kubernetes: () => ports.clusters.of(cluster.name).view(),
      server: ({ name }) => factOf(() => ports.bmcs.of(name).health()),
    },
  );
}

type Kubernetes = { readonly nodes: readonly NodeFacts[] };
type Reads<K, S> = { kubernetes(): Promise<K>; server(entry: FleetNode): Promise<Fact<S>> };

async function surveyWith<K extends Kubernetes, S>(
  { cluster, entries }: { cluster: FleetCluster; entries: FleetNode[] },
  read: Reads<K, S>,
): Promise<Survey<K, S>> {
  const [kubernetes, ...servers] = await Promise.all([factOf(read.kubernetes), ...entries.map(read.server)]);
  const nodes = entries.map((entry, index) => ({
    entry,
    server: servers[index] ?? unknown('not read'),
    node: nodeOf(kubernetes, entry.name),
  }));
  return { cluster, kubernetes, nodes };
}

/** What the BMC says that its server is. */
export function surveyServer(ports: Pick<Ports, 'bmcs'>, { name }: FleetNode): Promise<Fact<ServerMakeup>> {
  return factOf(() => ports.bmcs.of(name).makeup());
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
