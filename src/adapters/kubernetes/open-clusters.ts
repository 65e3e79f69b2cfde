/** The clusters of the fleet by name, each with connections of its own. */
import type { Clusters } from '../../core/cluster.ts';
import { FleetError } from '../../core/errors.ts';
import { KubernetesCluster } from './kubernetes-cluster.ts';

export type OpenClustersOptions = {
  clusters: { name: string; kubeconfigFile: string; context?: string }[];
  /** Time limit of every request in milliseconds; 30,000 by default. */
  timeoutMs?: number;
};

/** Opens nothing by itself: a kubeconfig is read at the first use of its cluster. `of` throws not_found. */
export function openClusters({
  clusters,
  timeoutMs = 30_000,
}: OpenClustersOptions): Clusters & { close(): Promise<void> } {
  const byName = new Map(
    clusters.map(({ name, kubeconfigFile, context }) => [
      name,
      new KubernetesCluster({ cluster: name, kubeconfigFile, context, timeoutMs }),
    ]),
  );
  return {
    of: name => {
      const cluster = byName.get(name);
      if (cluster !== undefined) return cluster;
      throw new FleetError({ code: 'not_found', message: `no cluster is configured under the name ${name}` });
    },
    close: async () => {
      await Promise.all([...byName.values()].map(cluster => cluster.close()));
    },
  };
}
