/** A request as people read it: who asked, what it takes, who voted, how it ended or how far its operation is. */
import type { Approval, TrackedApproval } from '../../src/core/approval.ts';
import { type Block, type Cell, foreign, toned } from '../../src/core/document.ts';
import { votesWanted } from '../../src/core/policy.ts';
import { shortDigest } from '../../src/planning/plan-card.ts';

export function presentApproval(approval: TrackedApproval): Block[] {
  const { id, digest, requester, createdAt, expiresAt, requirements, votes } = approval;
  const blocks: Block[] = [
    { heading: `Request ${id}` },
    {
      facts: [
        ['state', approvalState(approval)],
        ['digest', shortDigest(digest)],
        ['asked by', `${requester}, ${createdAt}`],
        ['expires', expiresAt],
        ['votes', votesCounted(approval)],
        ...endFacts(approval),
      ],
    },
  ];
  const needed = requirements.map(need => `${votesWanted(need)} (${need.policy}): ${need.reason}`);
  if (needed.length > 0) blocks.push({ title: 'Needed', list: needed });
  if (votes.length > 0) blocks.push({ title: 'Cast', list: votes.map(vote => foreign(voteText(vote))) });
  return blocks;
}

/** The state; once it is approved, how far its operation is. */
export function approvalState({ state, execution }: TrackedApproval): Cell {
  switch (state) {
    case 'approved': {
      const bad = execution === 'failed' || execution === 'halted';
      return toned(execution ? `${state}, ${execution}` : state, bad ? 'bad' : 'good');
    }
    case 'rejected':
    case 'revoked':
      return toned(state, 'bad');
    case 'expired':
      return toned(state, 'muted');
    case 'pending':
      return toned(state, 'warn');
  }
}

export function votesCounted({ votes, requirements }: Approval): string {
  const wanted = requirements.map(need => need.approvals);
  return `${votes.filter(({ vote }) => vote === 'approve').length} of ${Math.max(1, ...wanted)}`;
}

function endFacts({ breakGlass, closing, operation, execution, executeUntil }: TrackedApproval): [string, Cell][] {
  const facts: [string, Cell][] = [];
  if (breakGlass)
    facts.push(['break-glass', foreign(toned(`${breakGlass.by}, ${breakGlass.at}: ${breakGlass.reason}`, 'bad'))]);
  if (closing) facts.push(['ended by', foreign(`${closing.by}, ${closing.at}: ${closing.reason}`)]);
  const until = execution === 'executing' ? `; begins steps until ${executeUntil}` : '';
  if (operation) facts.push(['operation', `${operation}, ${execution}${until}`]);
  return facts;
}

function voteText({ person, vote, reason, channel, at }: Approval['votes'][number]): string {
  return `${person}: ${vote} on ${channel}, ${at}${reason ? ` (${reason})` : ''}`;
}
