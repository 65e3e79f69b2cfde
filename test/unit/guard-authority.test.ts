/** What policy is asked about a plan, and which votes clear what: told from facts that each test changes one at a time. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Approval } from '../../src/core/approval.ts';
import type { Decision, Requirement, WindowFacts } from '../../src/core/policy.ts';
import { type Ask, reasonsOf } from '../../src/guard/authority.ts';
import { authorityScene, blast, iso, need, now } from '../support/authority-scene.ts';

const other: Requirement = { ...need, policy: 'needs-lead', from: ['leads'] };
let { facts, place, authority, conditionsOf, decided } = authorityScene();
beforeEach(() => {
  ({ facts, place, authority, conditionsOf, decided } = authorityScene());
});

describe('policy is asked', () => {
  it('with the facts of each cluster of the plan and of this moment, and in whose name', () => {
    const calendar = { open: true, closesInMs: 5, expectedMs: 3, opensAt: 9, why: 'x' };
    decided({ conditions: conditionsOf({ frozen: true, window: calendar }) });
    expect(facts.asked).toEqual([
      {
        principal: { name: 'ask', groups: ['operators'] },
        action: 'firmwareRollout',
        risk: 'disruptive',
        resource: { site: 'boston', cluster: 'boston' },
        context: {
          via: 'cli',
          blast,
          budget: { maxUnavailable: 2 },
          declaredOutage: false,
          frozen: true,
          window: { open: true, closesInMs: 5, expectedMs: 3 },
          cleared: [],
        },
      },
    ]);
    place({ declaredOutage: true });
    decided();
    expect(facts.asked.at(-1)?.context.declaredOutage).toBe(true);
  });

  it('with the budget that is configured today where it was lowered, and with the one of the plan where it was raised', () => {
    for (const maxUnavailable of [1, 0, Number.NaN, 3]) {
      facts.budget = { maxUnavailable };
      decided();
    }
    expect(facts.asked.map(({ context }) => context.budget?.maxUnavailable)).toEqual([1, 0, Number.NaN, 2]);
  });

  it('of the one cluster where an effect is, with what is down there now', () => {
    const [scope] = facts.stored.plan.scopes;
    const [target] = facts.stored.plan.targets;
    if (!scope || !target) throw new Error('the plan is empty');
    place({ scopes: [scope, { ...scope, cluster: 'other' }] });
    decided({ at: { target, blast: { ...blast, peakUnavailable: 2 } } });
    expect(facts.asked.map(({ resource, context }) => [resource.cluster, context.blast?.peakUnavailable])).toEqual([
      ['boston', 2],
    ]);
    expect(() => decided(), 'nothing was read of the other cluster').toThrow('nothing was read of what holds in other');
  });
});

describe('votes', () => {
  const verdict = (change: Partial<Approval> = {}, more: Partial<Ask> = {}) =>
    decided({ approval: { ...(facts.approval as Approval), ...change }, ...more }).verdict;

  it('clear what they suffice for while the request lives, and nothing after', () => {
    expect(decided().verdict).toBe('needs-approval');
    for (const state of ['pending', 'approved'] as const) expect(verdict({ state })).toBe('allow');
    for (const state of ['rejected', 'expired', 'revoked'] as const) expect(verdict({ state })).toBe('needs-approval');
    facts.says = cleared =>
      cleared.length === 2 ? { verdict: 'allow' } : { verdict: 'needs-approval', requirements: [need, other] };
    expect(verdict()).toBe('needs-approval');
    expect(facts.asked.at(-1)?.context.cleared).toEqual(['needs-one']);
    facts.groups.vote = [];
    expect(verdict()).toBe('needs-approval');
    expect(facts.asked.at(-1)?.context.cleared).toEqual([]);
  });

  it('are asked about only where policy wants some', () => {
    facts.says = () => ({ verdict: 'allow' });
    expect(verdict()).toBe('allow');
    facts.says = () => ({ verdict: 'deny', reasons: [] });
    expect(verdict()).toBe('deny');
    expect(facts.asked).toHaveLength(2);
  });

  it('are as old as they were when the operation began, or else as they are now', () => {
    const votes = (facts.approval as Approval).votes.map(vote => ({ ...vote, at: iso(now - 60_001) }));
    expect(verdict({ votes })).toBe('needs-approval');
    expect(verdict({ votes }, { asOf: new Date(now - 1) })).toBe('allow');
  });

  it('are stood for by who broke glass, as long as they are of the group, and never by the program', () => {
    const broke = (by: string, breakGlassGroup?: string) =>
      decided(
        { approval: { ...(facts.approval as Approval), votes: [], breakGlass: { by, reason: '', at: '' } } },
        breakGlassGroup,
      ).verdict;
    expect(broke('fire')).toBe('allow');
    for (const by of ['vote', 'stranger', 'groundskeeper']) expect(broke(by)).toBe('needs-approval');
    expect(broke('fire', 'another group')).toBe('needs-approval');
    expect(authority().mayBreakGlass('fire')).toBe(true);
    expect(authority('').mayBreakGlass('fire'), 'no group is named').toBe(false);
    facts.groups.fire = ['operators'];
    expect(broke('fire')).toBe('needs-approval');
  });
});

describe('a denial says when it fits', () => {
  const deny: Decision = { verdict: 'deny', reasons: [{ policy: 'outside', reason: 'closed' }] };
  const reasons = (change: Partial<WindowFacts>) => {
    facts.says = () => deny;
    const answer = decided({
      conditions: conditionsOf({ window: { open: true, closesInMs: 10, expectedMs: 10, ...change } }),
    });
    return answer.verdict === 'deny' ? answer.reasons.slice(1).map(({ policy, reason }) => `${policy}: ${reason}`) : [];
  };

  it('only where the calendar may be why', () => {
    expect(reasons({})).toEqual([]);
    expect(reasons({ closesInMs: 11 })).toEqual([]);
    const none = 'host:window: no window in sight is long enough';
    expect(reasons({ closesInMs: 9 })).toEqual([none]);
    expect(reasons({ open: false })).toEqual([none]);
    expect(reasons({ open: false, opensAt: Date.UTC(2026, 11, 1, 3) })).toEqual([
      'host:window: it fits from 2026-12-01T03:00:00.000Z on, and a plan with waitForWindow waits for that',
    ]);
    expect(reasons({ open: false, why: 'year end' })).toEqual([
      'host:window: year end; no window in sight is long enough',
    ]);
    facts.says = () => ({ verdict: 'allow' });
    expect(decided({ conditions: conditionsOf({ window: { open: false, closesInMs: 0, expectedMs: 1 } }) })).toEqual({
      verdict: 'allow',
    });
  });
});

it('reasons are told in words that name their policy', () => {
  expect(reasonsOf({ verdict: 'allow' })).toEqual([]);
  expect(reasonsOf({ verdict: 'deny', reasons: [{ policy: 'p', reason: 'r' }] })).toEqual(['r (p)']);
  expect(reasonsOf({ verdict: 'needs-approval', requirements: [need] })).toEqual([
    '1 approval from operators: why (needs-one)',
  ]);
});
