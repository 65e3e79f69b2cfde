/** What is true now of the clusters in which nodes wait for their start, as the watches hold it: a read of each would be a load. */
import { type Fact, known, unknown } from '../core/bmc.ts';
import type { Cluster, Clusters } from '../core/cluster.ts';
import type { PlanTarget } from '../core/plan.ts';
import { factOf } from '../operations/survey.ts';
import type { ClusterNow } from '../planning/next-starts.ts';

/** By cluster; one that answers nothing, or whose watches lost it, is unknown with its reason. */
export async function readClusters(
  ports: { clusters: Clusters },
  targets: readonly PlanTarget[],
): Promise<Map<string, Fact<ClusterNow>>> {
  const names = Map.groupBy(targets, ({ cluster }) => cluster);
  const facts = [...names].map(async ([name, there]): Promise<[string, Fact<ClusterNow>]> => {
    const critical = there.some(({ role }) => role === 'control-plane');
    return [name, await clusterNow(ports.clusters.of(name), critical)];
  });
  return new Map(await Promise.all(facts));
}

async function clusterNow(cluster: Cluster, critical: boolean): Promise<Fact<ClusterNow>> {
  const view = await factOf(() => cluster.view());
  if ('unknown' in view) return view;
  const { nodes, lostSince } = view.value;
  if (lostSince !== undefined) return unknown(`contact to it is lost since ${lostSince}`);
  return known({ nodes, ...(critical ? { etcd: await factOf(() => cluster.etcd()) } : {}) });
}
