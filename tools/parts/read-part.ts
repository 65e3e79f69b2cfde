/** Reads the clusters that a rollout is planned for. One that cannot be read leaves its nodes out, with the reason. */
import type { FirmwareImage, FleetCluster } from '../../src/core/fleet.ts';
import type { ToolContext } from '../../src/core/tool.ts';
import { type NodeSurvey, surveyCluster } from '../../src/operations/survey.ts';
import { surveyEvidence } from '../../src/operations/survey-evidence.ts';
import type { RolloutAsked } from '../../src/planning/plan-rollout.ts';
import type { Candidate, ClusterPart } from '../../src/planning/rollout-target.ts';
import { noPlan } from './facts.ts';

type Read = ClusterPart | { failed: string; nodes: string[] };

type Wanted = Pick<ClusterPart, 'images' | 'settings'> & {
  nodes?: string[] | undefined;
  images: FirmwareImage[];
  /** What is more to know of each node. */
  candidate?(found: NodeSurvey): Promise<Candidate>;
};

export async function readPart(
  context: ToolContext,
  cluster: FleetCluster,
  { nodes, candidate = async found => found, ...wanted }: Wanted,
): Promise<Read> {
  const [survey, evidence] = await Promise.all([
    surveyCluster(context, cluster, nodes),
    surveyEvidence(context, cluster),
  ]);
  const { kubernetes } = survey;
  if ('unknown' in kubernetes)
    return { failed: kubernetes.unknown, nodes: survey.nodes.map(({ entry }) => entry.name) };
  const candidates = await Promise.all(survey.nodes.map(candidate));
  return { cluster, facts: kubernetes.value, evidence, candidates, ...wanted };
}

/** Throws `cluster_unreachable` where none could be read. */
export function allParts(read: Read[]): Pick<RolloutAsked, 'clusters' | 'unread'> {
  const clusters = read.flatMap(part => ('failed' in part ? [] : [part]));
  const failed = read.flatMap(part => ('failed' in part ? [part] : []));
  if (clusters.length === 0) throw noPlan('cluster_unreachable', failed.map(part => part.failed).join('; '));
  const unread = failed.flatMap(part => part.nodes.map(node => ({ node, reason: `Kubernetes: ${part.failed}` })));
  return { clusters, unread };
}
