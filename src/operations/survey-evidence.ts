/** Reads what a disruption must know beyond the node itself. What cannot be read is unknown with its reason. */
import type { Clusters } from '../core/cluster.ts';
import type { FleetCluster } from '../core/fleet.ts';
import type { Stores } from '../core/records.ts';
import type { Evidence } from '../planning/evidence.ts';
import { ownParts } from '../planning/own-hosts.ts';
import { factOf } from './survey.ts';

type Ports = { clusters: Clusters; records: Pick<Stores, 'hosts'> };

export async function surveyEvidence(
  { clusters, records }: Ports,
  { name, pausesRemediators }: Pick<FleetCluster, 'name' | 'pausesRemediators'>,
): Promise<Evidence> {
  const cluster = clusters.of(name);
  const [etcd, remediators, own] = await Promise.all([
    factOf(() => cluster.etcd()),
    factOf(() => cluster.remediators()),
    factOf(async () => ownParts(await cluster.nodes(), await records.hosts.own())),
  ]);
  return { etcd, remediators, own, ...(pausesRemediators ? { pauses: true } : {}) };
}
