/** Reads what a disruption must know beyond the node itself. What cannot be read is unknown with its reason. */
import type { Clusters } from '../core/cluster.ts';
import type { Evidence } from '../planning/evidence.ts';
import { factOf } from './survey.ts';

export async function surveyEvidence({ clusters }: { clusters: Clusters }, name: string): Promise<Evidence> {
  const cluster = clusters.of(name);
  const [etcd, remediators] = await Promise.all([factOf(() => cluster.etcd()), factOf(() => cluster.remediators())]);
  return { etcd, remediators };
}
