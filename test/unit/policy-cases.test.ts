import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadPolicy } from '../../src/guard/policy/load-policy.ts';
import { checkPolicyCases } from '../../src/guard/policy/policy-cases.ts';
import { policyRequest } from '../support/policy-request.ts';

const folder = new URL('../../policies/', import.meta.url);
const document: unknown = parse(readFileSync(new URL('cases.yaml', folder), 'utf8'));
const policy = loadPolicy(folder.pathname, { groups: ['operators'], sites: ['boston'] });

describe('the shipped policies', () => {
  const results = checkPolicyCases(policy, document);

  it('come with at least 15 cases', () => {
    expect(results.length).toBeGreaterThanOrEqual(15);
  });

  it.each(results)('$name: $expected', ({ actual, expected }) => {
    expect(actual).toBe(expected);
  });

  it('say who must vote, for how long, and why', () => {
    const decision = policy.decide(policyRequest());
    expect(decision).toEqual({
      verdict: 'needs-approval',
      requirements: [
        {
          policy: 'disruptive-needs-operator',
          approvals: 1,
          from: ['operators', 'boston:operators'],
          distinctGroups: 1,
          tier: 'ordinary',
          ttlMs: 3_600_000,
          reason: 'takes capacity out of a cluster: another operator approves',
        },
      ],
    });
  });
});

describe('checking cases', () => {
  it('refuses an empty list, which would prove nothing', () => {
    expect(() => checkPolicyCases(policy, { ...Object(document), cases: [] })).toThrow();
  });

  it('fails a case whose expectation is wrong', () => {
    const wrong = {
      ...Object(document),
      cases: [{ name: 'wrong', action: 'drainNode', risk: 'disruptive', expect: 'allow' }],
    };
    expect(checkPolicyCases(policy, wrong)).toMatchObject([
      { ok: false, actual: 'needs-approval by disruptive-needs-operator' },
    ]);
  });
});
