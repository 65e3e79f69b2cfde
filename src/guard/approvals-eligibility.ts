/** Who may decide on a request, from where, and with which words. Pure; each refusal says what would do instead. */
import type { Approval, VoteChannel } from '../core/approval.ts';
import { FleetError } from '../core/errors.ts';
import { isServiceName, type Person } from '../core/fleet.ts';
import { plainWords } from '../core/plain-words.ts';
import type { Caller } from '../core/tool.ts';
import { suits } from './vote-count.ts';

const longestReason = 500;

/** The surface on which a person decides. Throws `forbidden` for those where a program could be the one that answers. */
export function decidingChannel({ channel }: Caller): VoteChannel {
  switch (channel) {
    case 'cli':
    case 'demo':
    case 'page':
    case 'slack':
      return channel;
    case 'mcp':
      throw forbidden('votes are not taken over MCP', 'a person decides on the CLI or on the approval page');
    case 'assistant':
      throw forbidden('votes are not taken from a model', 'a person decides on the CLI or on the approval page');
    case 'watch':
    case 'schedule':
      throw forbidden('the program itself never votes');
  }
}

/** The reason as it goes on record: one bounded line without control and bidi characters. Throws when a needed one is empty. */
export function recordedReason(reason: string, { needed }: { needed: boolean }): string {
  const words = plainWords(reason, longestReason);
  if (words !== '' || !needed) return words;
  throw new FleetError({
    code: 'invalid_input',
    message: 'a reason is needed: whoever asked reads it, and it stays on record',
    hint: '--reason "<why>"',
  });
}

/** Throws `conflict` unless the request still waits for votes. */
export function checkOpen({ id, state, expiresAt }: Approval, now: Date): void {
  const stands = state === 'pending' && new Date(expiresAt) <= now ? 'expired' : state;
  if (stands !== 'pending')
    throw new FleetError({ code: 'conflict', message: `request ${id} is ${stands}; votes are closed` });
}

export type Candidate = { person: Person; channel: VoteChannel; vote: 'approve' | 'reject' };

/** Throws unless this person may cast this vote, and it would count for something. */
export function checkVoter(approval: Approval, { person, channel, vote }: Candidate): void {
  const { id, requester, author, requirements, votes } = approval;
  if (isServiceName(person.name)) throw forbidden('the program itself never votes');
  if (person.name === requester)
    throw forbidden(`${person.name} asked for this plan and cannot vote on it`, 'another person has to');
  if (person.name === author)
    throw forbidden(`${person.name} made this plan and cannot vote on it`, 'another person has to');
  const mine = requirements.filter(need => need.from.some(group => person.groups.includes(group)));
  if (mine.length === 0) {
    const from = requirements.flatMap(need => need.from);
    throw forbidden(`${person.name} is in none of the groups that may vote: ${from.join(', ')}`);
  }
  // A no is safe from anywhere. A yes that a part of the request cannot count would be spent for nothing.
  if (vote === 'approve' && !mine.every(need => suits(need, { channel })))
    throw forbidden(
      `request ${id} is critical: a vote for it counts only from the approval page`,
      `open /approvals/${id} of the service in a browser`,
    );
  if (votes.some(cast => cast.person === person.name))
    throw new FleetError({
      code: 'conflict',
      message: `${person.name} has voted on ${id} before`,
      hint: `take it back first: groundskeeper approvals revoke ${id}`,
    });
}

export function forbidden(message: string, hint?: string): FleetError {
  return new FleetError({ code: 'forbidden', message, ...(hint === undefined ? {} : { hint }) });
}
