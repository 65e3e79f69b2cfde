/**
 * Expected decisions, written beside the policies: whoever edits a policy sees
 * at once what else it changed.
 */
import { z } from 'zod';
import { type Decision, type Policy, type PolicyRequest, votesWanted } from '../../core/policy.ts';

const count = z.int();
const given = z.strictObject({
  principal: z.strictObject({ name: z.string(), groups: z.array(z.string()), schedule: z.boolean().optional() }),
  resource: z.strictObject({ site: z.string(), cluster: z.string() }),
  via: z.string(),
  blast: z.strictObject({
    peakUnavailable: count,
    targets: count,
    controlPlane: count,
    quorumLost: z.boolean().default(false),
    lastOf: z.array(z.string()).default([]),
  }),
  maxUnavailable: count,
  declaredOutage: z.boolean().optional(),
  frozen: z.boolean().optional(),
  window: z.strictObject({ open: z.boolean(), closesInMs: count, expectedMs: count }).optional(),
  cleared: z.array(z.string()),
});
const policyCase = given.partial().extend({
  name: z.string(),
  action: z.string(),
  risk: z.enum(['read', 'control', 'disruptive', 'destructive']),
  expect: z.enum(['allow', 'deny', 'needs-approval']),
  by: z.array(z.string()).default([]),
  /** The votes that are wanted, in the words that people read, where the case is about them. */
  votes: z.array(z.string()).optional(),
});
/** An empty list would pass while proving nothing. */
const policyCases = z.strictObject({ defaults: given, cases: z.array(policyCase).min(1) });

/** Of what a case does not speak. */
const calm = { frozen: false, window: { open: true, closesInMs: Number.MAX_SAFE_INTEGER, expectedMs: 0 } };

export type CaseResult = { name: string; ok: boolean; expected: string; actual: string };

/** Decides every case of a parsed `cases.yaml`. Throws a ZodError for a file that is not of that form, or empty. */
export function checkPolicyCases(policy: Policy, document: unknown): CaseResult[] {
  const { defaults, cases } = policyCases.parse(document);
  return cases.map(({ name, action, risk, expect, by, votes, ...own }) => {
    const { principal, resource, maxUnavailable, ...facts } = { ...defaults, ...own };
    const context = { ...calm, ...facts, budget: { maxUnavailable } };
    const request: PolicyRequest = { principal, action, risk, resource, context };
    const decision = policy.decide(request);
    const expected = described(expect, by) + votesText(votes);
    const actual = describeDecision(decision) + votesText(votes && votesIn(decision));
    return { name, ok: actual === expected, expected, actual };
  });
}

function describeDecision(decision: Decision): string {
  if (decision.verdict === 'allow') return described('allow', []);
  const named = decision.verdict === 'deny' ? decision.reasons : decision.requirements;
  return described(
    decision.verdict,
    named.map(({ policy }) => policy),
  );
}

function votesIn(decision: Decision): string[] {
  return decision.verdict === 'needs-approval' ? decision.requirements.map(votesWanted) : [];
}

function votesText(votes: string[] | undefined): string {
  return votes === undefined ? '' : `: ${votes.toSorted().join('; ') || 'no votes'}`;
}

function described(verdict: string, by: string[]): string {
  return by.length === 0 ? verdict : `${verdict} by ${by.toSorted().join(', ')}`;
}
