/** What the drain of the first nodes would do, as it looks when the plan is made: approvers see it before anything is drained. */
import type { PlanDraft } from '../../src/core/plan.ts';
import { simulateDrainOf } from '../../src/planning/drain-simulation.ts';
import type { ClusterFacts } from '../../src/planning/rollout-target.ts';
import { drainSentence } from './drain-summary.ts';

export function withCanaryDrain(draft: PlanDraft, facts: ClusterFacts): PlanDraft {
  const [nodes = []] = draft.waves;
  const simulation = simulateDrainOf({ nodes, facts, options: draft.drain });
  return {
    ...draft,
    canaryDrain: { verdict: simulation.verdict, says: `${nodes.join(', ')}: ${drainSentence(simulation)}` },
  };
}
