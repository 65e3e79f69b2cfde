/** The clusters of the fleet by name, each with connections of its own. */
import Bottleneck from 'bottleneck';
import type { Clusters, EtcdEndpoint } from '../../core/cluster.ts';
import { FleetError } from '../../core/errors.ts';
import type { ClusterAccess } from './access.ts';
import { KubernetesCluster } from './kubernetes-cluster.ts';
import type { MirrorTimings } from './reflector.ts';
import { Sharing } from './sharing.ts';

export type OpenClustersOptions = {
  /** `etcd`: where its members answer for themselves, when they do. */
  clusters: ({ name: string; etcd?: EtcdEndpoint[] | undefined } & ClusterAccess)[];
  /** Time limit of every request in milliseconds; 30,000 by default. */
  timeoutMs?: number;
  mirror?: Partial<MirrorTimings>;
};

const mirrorTimings: MirrorTimings = { silenceMs: 150_000, lostMs: 60_000, longestPauseMs: 15_000 };
const pagesAtOnce = 4;

/** Opens nothing by itself: a kubeconfig is read at the first use of its cluster. `of` throws not_found. */
export function openClusters({
  clusters,
  timeoutMs = 30_000,
  mirror = {},
}: OpenClustersOptions): Clusters & { close(): Promise<void> } {
  const mirroring = {
    pages: new Bottleneck({ maxConcurrent: pagesAtOnce }),
    sharing: new Sharing(),
    timings: { ...mirrorTimings, ...mirror },
  };
  const byName = new Map(
    clusters.map(({ name, ...access }) => [
      name,
      new KubernetesCluster({ ...access, cluster: name, timeoutMs }, mirroring),
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
