/** One decision on a plan of what the policy says for each of its clusters: a deny of one denies, and every vote is needed. */
import type { Decision, PolicyReason, Requirement } from '../core/policy.ts';

/** Same reasons, and requirements that the same votes meet, are told once. Of none there is nothing that allows. */
export function together(decisions: Decision[]): Decision {
  if (decisions.length === 0)
    return { verdict: 'deny', reasons: [{ policy: 'host:invalid-request', reason: 'the plan names no cluster' }] };
  const denials = decisions.flatMap(each => (each.verdict === 'deny' ? [each.reasons] : []));
  if (denials.length > 0) return { verdict: 'deny', reasons: unique<PolicyReason>(denials.flat()) };
  const wanted = decisions.flatMap(each => (each.verdict === 'needs-approval' ? [each.requirements] : []));
  return wanted.length > 0
    ? { verdict: 'needs-approval', requirements: unique<Requirement>(wanted.flat()) }
    : { verdict: 'allow' };
}

function unique<T>(list: T[]): T[] {
  return [...new Map(list.map(each => [JSON.stringify(each), each])).values()];
}
