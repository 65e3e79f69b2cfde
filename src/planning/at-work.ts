/** A node that an operation works on, and which others go down with it. */
import type { Plan, PlanTarget } from '../core/plan.ts';

export type AtWork = { plan: Pick<Plan, 'kind' | 'targets' | 'taint'>; target: PlanTarget };

/** The node, and those behind its BMC. A BMC that restarts leaves all its servers running. */
export function downWith({ plan, target }: AtWork): string[] {
  return plan.kind === 'bmc-change' ? [target.node] : [target.node, ...(target.alongside ?? [])];
}
