/** What a person who asked for a change reads: what was planned, how it stands, and what to do next. */
import type { Approval } from '../core/approval.ts';
import type { ChangeAnswer } from '../core/change.ts';
import { type Plan, placeText, type StoredPlan } from '../core/plan.ts';
import { reasonsOf } from './authority.ts';

const nodesTold = 10;

/** The answer to asking for a plan that has a request already. */
export function askedBefore(stored: StoredPlan, approval: Approval): ChangeAnswer {
  const { requirements } = approval;
  return answerOf(stored, 'approval_required', reasonsOf({ verdict: 'needs-approval', requirements }), approval);
}

export const unasked = "policy lets it begin without a vote, and the person's last message does not ask for it";

/** The answer to a model that chose what its person has not asked for. */
export function unaskedAnswer(stored: StoredPlan): ChangeAnswer {
  const { plan, digest } = stored;
  const next = `not started: ${unasked}. Where they want it, they say "start it", or: groundskeeper start-plan ${plan.id} ${digest}`;
  return { ...answerOf(stored, 'planned', []), next };
}

/** The answer of every change. */
export function answerOf(
  stored: StoredPlan,
  status: ChangeAnswer['status'],
  reasons: string[],
  approval?: Approval,
): ChangeAnswer {
  return {
    status,
    plan: stored.plan.id,
    digest: stored.digest,
    summary: summaryOf(stored.plan),
    warnings: stored.plan.warnings,
    reasons,
    approval: approval?.id,
    operation: approval?.operation,
    next: nextStep(status, approval),
  };
}

function nextStep(status: ChangeAnswer['status'], approval?: Approval): string {
  if (status === 'denied') return 'change what the reasons name, then plan again';
  if (!approval) return 'nothing was asked for yet; start it with start-plan';
  if (approval.state === 'pending')
    return `another person votes before ${approval.expiresAt}: groundskeeper approvals approve ${approval.id}`;
  return `request ${approval.id} is ${approval.state}${approval.operation ? `; operation ${approval.operation}` : ''}`;
}

/** One line that tells a plan. */
export function summaryOf(plan: Plan): string {
  const { scopes, targets, waves } = plan;
  const nodes = targets.length > nodesTold ? `${targets.length} nodes` : targets.map(({ node }) => node).join(', ');
  const peak = Math.max(...scopes.map(({ blast }) => blast.peakUnavailable));
  const each = scopes.length > 1 ? ' in any of them' : '';
  const waits = plan.waitForWindow ? ', in maintenance windows' : '';
  return `${plan.kind} of ${nodes} in ${placeText(plan)}, ${waves.length} wave${waves.length > 1 ? 's' : ''}, at most ${peak} unavailable at once${each}${waits}`;
}
