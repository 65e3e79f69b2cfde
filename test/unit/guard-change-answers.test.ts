/** What a person who asked for a change is told to do next, and the line that tells a plan. */
import { describe, expect, it } from 'vitest';
import type { Approval } from '../../src/core/approval.ts';
import { answerOf, askedBefore, summaryOf } from '../../src/guard/change-answers.ts';
import { examplePlan } from '../support/example-plan.ts';

const stored = examplePlan({ waves: [['w-1']] });
const approval: Approval = {
  id: 'apr-1',
  plan: stored.plan.id,
  digest: stored.digest,
  requester: 'ask',
  channel: 'cli',
  author: 'ask',
  state: 'pending',
  requirements: [],
  createdAt: '2026-11-26T12:00:00Z',
  expiresAt: '2026-11-26T13:00:00Z',
  votes: [],
};

describe('who asked is told what to do next', () => {
  it('by how the request stands', () => {
    const next = (change: Partial<Approval>) => askedBefore(stored, { ...approval, ...change }).next;
    expect(next({})).toBe('another person votes before 2026-11-26T13:00:00Z: groundskeeper approvals approve apr-1');
    expect(next({ state: 'rejected' })).toBe('request apr-1 is rejected');
    expect(next({ state: 'approved', operation: 'op-1' })).toBe('request apr-1 is approved; operation op-1');
  });

  it('where there is none yet, and where policy denied', () => {
    expect(answerOf(stored, 'planned', []).next).toContain('start-plan');
    expect(answerOf(stored, 'denied', ['no']).next).toContain('plan again');
  });
});

describe('the line of a plan', () => {
  const [target] = stored.plan.targets;
  const targets = (count: number) =>
    Array.from({ length: count }, (_, n) => ({ ...target, node: `w-${n}` })) as never[];

  it('names its nodes, or how many where they are many', () => {
    expect(summaryOf({ ...stored.plan, targets: targets(10) })).toContain('of w-0, w-1,');
    expect(summaryOf({ ...stored.plan, targets: targets(11) })).toContain('of 11 nodes in');
  });

  it('says how many waves, and how many may be unavailable where', () => {
    const [scope] = stored.plan.scopes;
    expect(summaryOf(stored.plan)).toMatch(/1 wave, at most 1 unavailable at once$/);
    expect(summaryOf({ ...stored.plan, waitForWindow: true })).toMatch(/at once, in maintenance windows$/);
    const scopes = [scope, { ...scope, cluster: 'other' }] as never[];
    expect(summaryOf({ ...stored.plan, waves: [['w-1'], ['w-2']], scopes })).toMatch(
      /2 waves, at most 1 unavailable at once in any of them$/,
    );
  });
});
