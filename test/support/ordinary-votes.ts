/** What an ordinary change wants: one vote of either of two groups. */
import type { Requirement } from '../../src/core/policy.ts';

export const ordinary: Requirement = {
  policy: 'p',
  approvals: 1,
  from: ['operators', 'leads'],
  distinctGroups: 1,
  tier: 'ordinary',
  ttlMs: 60_000,
  reason: 'r',
};
