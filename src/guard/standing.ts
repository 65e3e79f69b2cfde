/** How far the votes on a request go today, for people to read; whether they suffice is decided elsewhere, by the same count. */
import type { Approval } from '../core/approval.ts';
import type { Requirement } from '../core/policy.ts';
import type { People } from './authority.ts';
import { meets } from './vote-count.ts';

export type Standing = {
  requirement: Requirement;
  /** Whose votes count towards it. */
  counted: string[];
  met: boolean;
};

export function standingOf(approval: Approval, people: People, asOf: Date): Standing[] {
  const counting = { find: (name: string) => people.find(name), asOf };
  return approval.requirements.map(requirement => {
    const alone = { ...requirement, approvals: 1, distinctGroups: 1 };
    const votes = approval.votes.filter(vote => meets(alone, { ...approval, votes: [vote] }, counting));
    return { requirement, counted: votes.map(vote => vote.person), met: meets(requirement, approval, counting) };
  });
}
