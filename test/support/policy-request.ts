/** What policy is asked about a drain in an ordinary moment; a test changes what it is about. */
import type { PolicyRequest } from '../../src/core/policy.ts';

export function policyRequest(
  change: Partial<PolicyRequest> = {},
  context: Partial<PolicyRequest['context']> = {},
): PolicyRequest {
  return {
    principal: { name: 'ana', groups: ['operators'] },
    action: 'drainNode',
    risk: 'disruptive',
    resource: { site: 'boston', cluster: 'prod' },
    ...change,
    context: {
      via: 'cli',
      blast: { peakUnavailable: 1, targets: 1, controlPlane: 0, quorumLost: false, lastOf: [] },
      budget: { maxUnavailable: 1 },
      frozen: false,
      window: { open: true, closesInMs: 60_000, expectedMs: 0 },
      cleared: [],
      ...context,
    },
  };
}
