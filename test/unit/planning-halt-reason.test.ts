/** Why a rollout ends before its end: whose failure speaks for the others, how many are enough, and which say nothing. */
import { describe, expect, it } from 'vitest';
import type { NodeState } from '../../src/core/operation.ts';
import type { Plan } from '../../src/core/plan.ts';
import { haltReason, type Silence } from '../../src/planning/halt-reason.ts';
import { examplePlan } from '../support/example-plan.ts';

const [example] = examplePlan().plan.targets;
if (!example) throw new Error('the example has one target');
const target = (node: string, site: string, cohort: string) => ({ ...example, node, site, cohort });

type Planned = Pick<Plan, 'targets' | 'waves' | 'canaries' | 'limits'>;
const plan: Planned = {
  targets: [
    target('canary', 'boston', 'old'),
    target('old-1', 'boston', 'old'),
    target('old-2', 'austin', 'old'),
    target('new-1', 'boston', 'new'),
    target('odd-1', 'boston', 'odd'),
  ],
  waves: [['canary'], ['old-1', 'old-2', 'new-1', 'odd-1']],
  canaries: ['canary'],
  limits: { maxSites: 2, cohortFailures: 2, failures: 3, lostSites: 2 },
};

const none: Silence = { lost: [], silent: [] };

/** The reason where these nodes ended so, and all others wait. */
function reason(ended: Record<string, NodeState>, silence: Partial<Silence> = {}, change: Partial<Planned> = {}) {
  const nodes = plan.targets.map(({ node }) => ({ node, state: ended[node] ?? 'waiting', message: `m-${node}` }));
  return haltReason({ ...plan, ...change }, nodes, { ...none, ...silence });
}

describe('a rollout is ended', () => {
  it('by nothing while all goes well', () => {
    expect(reason({})).toBeUndefined();
    expect(reason({ canary: 'done', 'old-1': 'running', 'old-2': 'cancelled', 'new-1': 'skipped' })).toBeUndefined();
  });

  it.each(['failed', 'ambiguous', 'skipped'] as const)('by a canary that is %s', state => {
    expect(reason({ canary: state })).toBe(`the canary canary is ${state}: m-canary`);
  });

  it('by the one node of a plan of one wave, which nobody calls a canary', () => {
    expect(reason({ canary: 'failed' }, {}, { waves: [['canary']] })).toBe('canary is failed: m-canary');
  });

  it('by as many of one cohort as its limit, and by one less not', () => {
    expect(reason({ 'old-1': 'failed' })).toBeUndefined();
    expect(reason({ 'old-1': 'failed', 'new-1': 'failed' })).toBeUndefined();
    expect(reason({ 'old-1': 'failed', 'old-2': 'ambiguous' })).toBe(
      '2 nodes of old did not end well: old-1 is failed: m-old-1; old-2 is ambiguous: m-old-2',
    );
  });

  it('by as many of all cohorts as their limit', () => {
    expect(reason({ 'old-1': 'failed', 'new-1': 'failed', 'odd-1': 'failed' })).toMatch(/^3 nodes did not end well: /);
  });

  it('by as many lost sites as their limit', () => {
    expect(reason({}, { lost: ['austin'] })).toBeUndefined();
    expect(reason({}, { lost: ['austin', 'boston'] })).toBe('2 sites cannot be reached: austin, boston');
  });

  it('not by nodes of a site that is silent: that says nothing of the update', () => {
    const ended = { 'old-1': 'failed', 'old-2': 'failed' } as const;
    expect(reason(ended, { silent: ['austin'] })).toBeUndefined();
    expect(reason(ended, { silent: ['chicago'] })).toMatch(/^2 nodes of old/);
  });

  it('by the first failure where a limit is malformed', () => {
    const limits = { ...plan.limits, failures: Number.NaN, cohortFailures: Number.NaN };
    expect(reason({ 'old-1': 'failed' }, {}, { limits })).toMatch(/^1 nodes of old/);
    expect(reason({}, {}, { limits: { ...plan.limits, lostSites: Number.NaN } })).toMatch(/^0 sites/);
  });
});
