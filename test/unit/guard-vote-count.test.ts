/** What votes on a request come to: for one requirement, for people who read it, and for all clusters of a plan together. */
import { describe, expect, it } from 'vitest';
import type { Approval, Vote } from '../../src/core/approval.ts';
import type { Decision, Requirement } from '../../src/core/policy.ts';
import { standingOf } from '../../src/guard/standing.ts';
import { together } from '../../src/guard/together.ts';
import { meets, suits } from '../../src/guard/vote-count.ts';
import { ordinary } from '../support/ordinary-votes.ts';

const asOf = new Date('2026-11-26T12:00:00Z');
const groups: Record<string, string[]> = {
  ann: ['operators'],
  bob: ['operators'],
  lea: ['leads'],
  dev: ['developers'],
};
const find = (name: string) => groups[name] && { name, groups: groups[name] };

function vote(person: string, change: Partial<Vote> = {}): Vote {
  const how = { channel: 'cli', strength: 'passphrase', vote: 'approve', reason: '' } as const;
  return { digest: 'd', person, groups: [], at: asOf.toISOString(), ...how, ...change };
}

function met(requirement: Partial<Requirement>, ...votes: Vote[]): boolean {
  const request = { digest: 'd', requester: 'ask', author: 'maker', votes };
  return meets({ ...ordinary, ...requirement }, request, { find, asOf });
}

describe('a requirement', () => {
  it('counts a vote for as long as it says, to the millisecond', () => {
    const aged = (ms: number) => met({}, vote('ann', { at: new Date(asOf.getTime() - ms).toISOString() }));
    expect([aged(59_999), aged(60_000), aged(60_001)]).toEqual([true, true, false]);
    expect(met({}, vote('ann', { at: 'some day' }))).toBe(false);
  });

  it('is met by people, never by the lack of a number', () => {
    for (const approvals of [0, -1, Number.NaN, undefined as unknown as number]) {
      expect(met({ approvals }), `${approvals} without a vote`).toBe(false);
      expect(met({ approvals, distinctGroups: 0 }), `${approvals} of no group`).toBe(false);
      expect(met({ approvals }, vote('dev')), `${approvals} by a stranger`).toBe(false);
    }
    expect(met({ distinctGroups: Number.NaN }, vote('ann'))).toBe(false);
  });

  it('wants as many people as it says', () => {
    expect(met({ approvals: 2 }, vote('ann'))).toBe(false);
    expect(met({ approvals: 2 }, vote('ann'), vote('ann'))).toBe(false);
    expect(met({ approvals: 2 }, vote('ann'), vote('bob'))).toBe(true);
    expect(met({ approvals: 2, distinctGroups: 2 }, vote('ann'), vote('bob'))).toBe(false);
    expect(met({ approvals: 2, distinctGroups: 2 }, vote('ann'), vote('lea'))).toBe(true);
    expect(met({ approvals: 1, distinctGroups: 2 }, vote('ann'))).toBe(false);
  });

  it.each([
    ['a no', vote('ann', { vote: 'reject' })],
    ['a vote on another plan', vote('ann', { digest: 'other' })],
    ['the vote of who asked', vote('ask')],
    ['the vote of who made the plan', vote('maker')],
    ['the vote of the program', vote('groundskeeper')],
    ['the vote of who is in none of the groups today', vote('dev')],
    ['the vote of who is not known any more', vote('gone')],
  ])('does not count %s', (_, cast) => {
    Object.assign(groups, { ask: ['operators'], maker: ['operators'], groundskeeper: ['operators'] });
    expect(met({}, cast)).toBe(false);
    expect(met({}, cast, vote('bob'))).toBe(true);
  });

  it('that is critical counts votes of the page alone', () => {
    const tier = 'critical' as const;
    expect([met({ tier }, vote('ann')), met({ tier }, vote('ann', { channel: 'page' }))]).toEqual([false, true]);
    const fits = (channel: Vote['channel'], of: Requirement['tier']) => suits({ ...ordinary, tier: of }, { channel });
    expect([fits('page', 'critical'), fits('cli', 'critical'), fits('cli', 'ordinary')]).toEqual([true, false, true]);
  });
});

it('people read whose votes count towards each requirement, and whether they suffice', () => {
  const two = { ...ordinary, approvals: 2, distinctGroups: 2 };
  const leads = { ...ordinary, from: ['leads'] };
  const request = { digest: 'd', requester: 'ask', author: 'ask', requirements: [ordinary, two, leads] };
  const votes = [vote('ann'), vote('bob'), vote('dev')];
  expect(standingOf({ ...request, votes } as unknown as Approval, { find }, asOf)).toEqual([
    { requirement: ordinary, counted: ['ann', 'bob'], met: true },
    { requirement: two, counted: ['ann', 'bob'], met: false },
    { requirement: leads, counted: [], met: false },
  ]);
});

describe('the decision on a plan of several clusters', () => {
  const allow: Decision = { verdict: 'allow' };
  const wants = (...requirements: Requirement[]): Decision => ({ verdict: 'needs-approval', requirements });
  const denies = (...policies: string[]): Decision => {
    return { verdict: 'deny', reasons: policies.map(policy => ({ policy, reason: policy })) };
  };
  const other = { ...ordinary, policy: 'q' };

  it('is no where one says no, with every reason once, whatever votes the others want', () => {
    expect(together([allow, denies('a', 'b'), wants(ordinary), denies('b', 'c')])).toEqual(denies('a', 'b', 'c'));
  });

  it('wants every vote that one of them wants, the same ones once', () => {
    expect(together([wants(ordinary), allow, wants({ ...ordinary }, other)])).toEqual(wants(ordinary, other));
  });

  it('is yes only where each says yes, and no for no cluster at all', () => {
    expect(together([allow, allow])).toEqual(allow);
    expect(together([allow, denies()]), 'a no without a reason').toEqual(denies());
    expect(together([allow, wants()]), 'votes that nobody names').toEqual(wants());
    expect(together([])).toMatchObject({ verdict: 'deny', reasons: [{ policy: 'host:invalid-request' }] });
  });
});
