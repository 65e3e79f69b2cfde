/** What is true now of the clusters in which nodes wait for their start, as the watches hold it: a read of each would be a load. */
import { type Fact, known, unknown } from '../core/bmc.ts';
import type { Cluster, Clusters } from '../core/cluster.ts';
import type { FleetNow } from '../core/fleet.ts';
import type { PlanTarget } from '../core/plan.ts';
import { factOf } from '../operations/survey.ts';
import type { ClusterNow } from '../planning/next-starts.ts';

/** By cluster, with those of what is behind the same BMCs; one that answers nothing, or whose watches lost it, is unknown with its reason. */
export async function readClusters(
  ports: Pick<FleetNow, 'budgetOf' | 'clusterOf'> & { clusters: Clusters },
  targets: readonly PlanTarget[],
): Promise<Map<string, Fact<ClusterNow>>> {
  const beside = targets.flatMap(({ alongside = [] }) => alongside.flatMap(node => ports.clusterOf(node) ?? []));
  const critical = new Set(targets.flatMap(({ role, cluster }) => (role === 'control-plane' ? [cluster] : [])));
  const names = new Set([...targets.map(({ cluster }) => cluster), ...beside]);
  const facts = [...names].map(async (name): Promise<[string, Fact<ClusterNow>]> => {
    const now = await clusterNow(ports.clusters.of(name), critical.has(name));
    return [name, 'unknown' in now ? now : known({ ...now.value, budget: ports.budgetOf(name) })];
  });
  return new Map(await Promise.all(facts));
}

async function clusterNow(cluster: Cluster, critical: boolean): Promise<Fact<Omit<ClusterNow, 'budget'>>> {
  const view = await factOf(() => cluster.view());
  if ('unknown' in view) return view;
  const { nodes, lostSince } = view.value;
  if (lostSince !== undefined) return unknown(`contact to it is lost since ${lostSince}`);
  return known({ nodes, ...(critical ? { etcd: await factOf(() => cluster.etcd()) } : {}) });
}
