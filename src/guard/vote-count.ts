/**
 * Whether the votes on a request satisfy one requirement. Nothing is taken
 * over from the moment of the vote but the vote itself: who may vote is a
 * matter of today's groups. Pure.
 */
import type { Approval, Vote } from '../core/approval.ts';
import { isServiceName, type Person } from '../core/fleet.ts';
import type { Requirement } from '../core/policy.ts';

export type Counting = {
  find(name: string): Person | undefined;
  /** The moment for which votes are counted: the start of the operation, or now. */
  asOf: Date;
};

type VotedOn = Pick<Approval, 'digest' | 'requester' | 'author' | 'votes'>;

/** Enough different people of the asked groups, never none, in enough different groups, each standing for one. */
export function meets(need: Requirement, approval: VotedOn, { find, asOf }: Counting): boolean {
  const groupsByPerson = new Map<string, string[]>();
  for (const vote of approval.votes) {
    if (!counts(need, approval, vote, asOf)) continue;
    const groups = need.from.filter(group => find(vote.person)?.groups.includes(group));
    if (groups.length > 0) groupsByPerson.set(vote.person, groups);
  }
  const enough = groupsByPerson.size >= Math.max(1, need.approvals);
  return enough && groupsCovered([...groupsByPerson.values()]) >= need.distinctGroups;
}

/** Whether a vote cast this way is of any use for the requirement. */
export function suits(need: Requirement, { channel }: Pick<Vote, 'channel'>): boolean {
  return need.tier !== 'critical' || channel === 'page';
}

function counts(need: Requirement, approval: VotedOn, vote: Vote, asOf: Date): boolean {
  if (vote.vote !== 'approve' || vote.digest !== approval.digest || !suits(need, vote)) return false;
  if (isServiceName(vote.person) || vote.person === approval.requester || vote.person === approval.author) return false;
  return asOf.getTime() - Date.parse(vote.at) <= need.ttlMs;
}

/**
 * The most groups that the voters can stand for at once, one each. A voter takes a group that is free, or one whose voter can
 * move to another: counting in order would let who came first, and could stand elsewhere, block who cannot.
 */
function groupsCovered(voters: string[][]): number {
  const standsFor = new Map<string, string[]>();
  const place = (voter: string[], tried: Set<string>): boolean =>
    voter.some(group => {
      if (tried.has(group)) return false;
      tried.add(group);
      const there = standsFor.get(group);
      if (there && !place(there, tried)) return false;
      standsFor.set(group, voter);
      return true;
    });
  return voters.filter(voter => place(voter, new Set())).length;
}
