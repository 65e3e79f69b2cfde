/** Votes against a count that tries every way in which voters could stand for groups. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Vote } from '../../src/core/approval.ts';
import type { Requirement } from '../../src/core/policy.ts';
import { meets } from '../../src/guard/vote-count.ts';

const digest = 'sha256:d';
const asOf = new Date('2026-11-26T12:00:00Z');
const groups = ['sre', 'dc', 'net'];
const names = ['ask', 'author', 'ann', 'bob', 'cid', 'dee', 'Groundskeeper'];

const vote: fc.Arbitrary<Vote> = fc.record({
  digest: fc.constantFrom(digest, digest, digest, 'sha256:other'),
  person: fc.constantFrom(...names),
  groups: fc.constant(groups),
  channel: fc.constantFrom('cli' as const, 'page' as const),
  strength: fc.constantFrom('passphrase' as const, 'oidc' as const),
  vote: fc.constantFrom('approve' as const, 'approve' as const, 'approve' as const, 'reject' as const),
  reason: fc.constant(''),
  at: fc.integer({ min: 0, max: 90 }).map(minutes => new Date(asOf.getTime() - minutes * 60_000).toISOString()),
});
const requirement: fc.Arbitrary<Requirement> = fc.record({
  policy: fc.constant('p'),
  approvals: fc.integer({ min: 1, max: 4 }),
  from: fc.subarray(groups, { minLength: 1 }),
  distinctGroups: fc.integer({ min: 1, max: 3 }),
  tier: fc.constantFrom('ordinary' as const, 'critical' as const),
  ttlMs: fc.constant(60 * 60_000),
  reason: fc.constant(''),
});
const memberships = fc
  .array(fc.option(fc.subarray([...groups, 'other'])), { minLength: names.length, maxLength: names.length })
  .map(all => new Map(names.flatMap((name, index) => (all[index] ? [[name, all[index]] as const] : []))));

/** Every way of giving each voter one of their groups; the best of them. */
function bestCover(voters: string[][], taken: string[] = []): number {
  const [first, ...rest] = voters;
  if (!first) return new Set(taken).size;
  return Math.max(...first.map(group => bestCover(rest, [...taken, group])));
}

function byHand(need: Requirement, votes: Vote[], of: Map<string, string[]>): boolean {
  const voters = new Map<string, string[]>();
  for (const { person, ...cast } of votes) {
    if (['ask', 'author', 'Groundskeeper'].includes(person)) continue;
    if (cast.vote !== 'approve' || cast.digest !== digest) continue;
    if (asOf.getTime() - Date.parse(cast.at) > 3600_000) continue;
    if (need.tier === 'critical' && cast.channel !== 'page') continue;
    const standing = (of.get(person) ?? []).filter(group => need.from.includes(group));
    if (standing.length > 0) voters.set(person, standing);
  }
  return voters.size >= need.approvals && bestCover([...voters.values()]) >= need.distinctGroups;
}

describe('votes satisfy a requirement', () => {
  it('exactly when some way of counting them does, and never by who asked, made it, or is no person', () => {
    let met = 0;
    fc.assert(
      fc.property(requirement, fc.array(vote, { maxLength: 9 }), memberships, (need, votes, of) => {
        const find = (name: string) => (of.has(name) ? { name, groups: of.get(name) ?? [] } : undefined);
        const approval = { digest, requester: 'ask', author: 'author', votes };
        const answer = meets(need, approval, { find, asOf });
        expect(answer).toBe(byHand(need, votes, of));
        if (answer) met++;
      }),
      { numRuns: 3000, seed: 5 },
    );
    expect(met).toBeGreaterThan(100);
  });

  it('where whoever voted first must stand for the group that nobody else can', () => {
    const asks = { approvals: 2, from: ['sre', 'dc'], distinctGroups: 2 };
    const need: Requirement = { policy: 'p', reason: '', tier: 'ordinary', ttlMs: 1, ...asks };
    const at = asOf.toISOString();
    const by = (person: string): Vote => {
      return { digest, person, groups: [], channel: 'cli', strength: 'passphrase', vote: 'approve', reason: '', at };
    };
    const find = (name: string) => ({ name, groups: name === 'both' ? ['sre', 'dc'] : ['sre'] });
    const met = (...votes: Vote[]) => meets(need, { digest, requester: 'ask', author: 'ask', votes }, { find, asOf });
    expect([met(by('both'), by('one')), met(by('both')), met(by('one'), by('two'))]).toEqual([true, false, false]);
  });
});
