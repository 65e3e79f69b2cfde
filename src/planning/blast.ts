/**
 * How many nodes of a cluster are away at one moment. Whatever is away already counts first, whoever took it; then what
 * operations work on, and what hangs on the same BMCs. Planning and the guard count by this, so that what was approved is
 * what is let through.
 */
import type { NodeFacts } from '../core/cluster.ts';
import type { PlanDraft } from '../core/plan.ts';
import type { Blast } from '../core/policy.ts';

/** Names of those that take no pods now: lost, cordoned by anybody, or both. */
export function unavailableOf(nodes: readonly NodeFacts[]): string[] {
  return nodes.filter(({ ready, unschedulable }) => !ready || unschedulable).map(({ name }) => name);
}

export type Moment = {
  /** All of the cluster, read now. */
  nodes: readonly NodeFacts[];
  /** Nodes of the cluster that operations work on, of this plan or another. */
  running: string[];
};

type Planned = Pick<PlanDraft, 'kind' | 'targets' | 'blast'>;

/** The blast of a plan at the moment at which it would act on `node`. */
export function blastNow(plan: Planned, node: string, { nodes, running }: Moment): Blast {
  const atWork = new Set([...running, node]);
  // A BMC that restarts leaves all its servers running.
  const beside = plan.kind === 'bmc-change' ? [] : plan.targets.filter(target => atWork.has(target.node));
  const taken = beside
    .flatMap(({ alongside = [] }) => alongside)
    .filter(name => nodes.some(facts => facts.name === name));
  return { ...plan.blast, peakUnavailable: new Set([...unavailableOf(nodes), ...atWork, ...taken]).size };
}
