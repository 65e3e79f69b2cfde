/** What the drain of the first nodes would do, as it looks when the plan is made: approvers see it before anything is drained. */
import { type PlanDraft, targetOf } from '../../src/core/plan.ts';
import { simulateDrainOf } from '../../src/planning/drain-simulation.ts';
import type { ClusterPart } from '../../src/planning/rollout-target.ts';
import { drainSentence } from './drain-summary.ts';

/** Of those in the first cluster that the plan begins in. */
export function withCanaryDrain(draft: PlanDraft, clusters: ClusterPart[]): PlanDraft {
  const [first = []] = draft.waves;
  const clusterOf = (node: string) => targetOf(draft, node).cluster;
  const part = clusters.find(({ cluster }) => first[0] !== undefined && cluster.name === clusterOf(first[0]));
  if (!part) return draft;
  const nodes = first.filter(node => clusterOf(node) === part.cluster.name);
  const simulation = simulateDrainOf({ nodes, facts: part.facts, options: draft.drain });
  return {
    ...draft,
    canaryDrain: { verdict: simulation.verdict, says: `${nodes.join(', ')}: ${drainSentence(simulation)}` },
  };
}
