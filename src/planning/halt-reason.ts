/**
 * Why a rollout ends before its end, by what became of its nodes. A canary that does not end well speaks for all that would
 * follow. So do several others, except where their site is lost: that says nothing of the update.
 */
import type { NodeState } from '../core/operation.ts';
import type { Plan } from '../core/plan.ts';

export type NodeEnd = { node: string; state: NodeState; message: string };

type Planned = Pick<Plan, 'targets' | 'waves' | 'canaries' | 'limits'>;

/** Sites that are given up, and those, with them, that cannot be reached at this moment. */
export type Silence = { lost: readonly string[]; silent: readonly string[] };

/** Undefined where nothing ends it. */
export function haltReason(plan: Planned, nodes: readonly NodeEnd[], { lost, silent }: Silence): string | undefined {
  const canary = nodes.find(({ node, state }) => plan.canaries.includes(node) && (isBad(state) || state === 'skipped'));
  if (canary) return `${plan.waves.length > 1 ? 'the canary ' : ''}${told(canary)}`;
  const { limits } = plan;
  if (!(lost.length < limits.lostSites)) return `${lost.length} sites cannot be reached: ${lost.join(', ')}`;
  const targets = new Map(plan.targets.map(target => [target.node, target]));
  const bad = nodes.filter(({ node, state }) => isBad(state) && !silent.includes(targets.get(node)?.site ?? ''));
  for (const [cohort, same] of Map.groupBy(bad, ({ node }) => targets.get(node)?.cohort))
    if (!(same.length < limits.cohortFailures))
      return `${same.length} nodes of ${cohort} did not end well: ${list(same)}`;
  return bad.length < limits.failures ? undefined : `${bad.length} nodes did not end well: ${list(bad)}`;
}

export function isBad(state: NodeState): boolean {
  return state === 'failed' || state === 'ambiguous';
}

function list(nodes: NodeEnd[]): string {
  return nodes.map(told).join('; ');
}

function told({ node, state, message }: NodeEnd): string {
  return `${node} is ${state}: ${message}`;
}
