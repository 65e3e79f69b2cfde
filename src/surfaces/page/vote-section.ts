/** The form of a vote, or why there is none. What it offers is a courtesy: the guard decides what counts. */
import type { Approval } from '../../core/approval.ts';
import type { PresenceWanted } from '../../gateway/door.ts';
import type { Visit } from './browser.ts';
import { csrfField } from './layout.ts';
import { type Markup, markup } from './markup.ts';

export type VoteForm = {
  visit: Visit;
  approval: Approval;
  digest: string;
  wanted: PresenceWanted;
};

export function voteSection(form: VoteForm): Markup {
  const why = closedBecause(form);
  if (why !== undefined) return markup`<p class="note">${why}</p>`;
  const { approval, digest, wanted, visit } = form;
  const about = markup`<p>You decide on exactly this plan, digest <span class="digest">${digest.replace('sha256:', '').slice(0, 12)}</span>. A rejection is final.</p>`;
  if (wanted === 'fresh-login')
    return markup`<div class="decide">${about}
<p>This vote needs a log-in of its own. You come back here, and have two minutes then to vote.</p>
<p class="buttons"><a class="button" href="/auth/login?vote=${approval.id}">Log in again to decide</a></p></div>`;
  return markup`<form class="decide" method="post" action="/approvals/${approval.id}/vote">${about}
${noVoteByEnter}${csrfField(visit)}<input type="hidden" name="digest" value="${digest}">
<label for="reason">Reason, for the record</label>
<input id="reason" name="reason" required maxlength="1000" autocomplete="off">
${wanted === 'passphrase' ? passphraseField : ''}
<div class="buttons"><button class="yes" name="vote" value="approve">Approve</button><button class="no" name="vote" value="reject">Reject</button></div>
</form>`;
}

/** Enter in a field presses a form's first button, were it not for this one. */
const noVoteByEnter = markup`<button disabled hidden></button>`;

const passphraseField = markup`<label for="passphrase">Your passphrase, again</label>
<input id="passphrase" name="passphrase" type="password" autocomplete="current-password" required maxlength="1000">`;

function closedBecause({ visit, approval }: VoteForm): string | undefined {
  if (approval.state !== 'pending') return `This request is ${approval.state}. There is nothing to decide any more.`;
  const person = visit.session?.caller.person;
  if (person === undefined) return 'Log in to decide.';
  if (person.name === approval.requester) return 'You asked for this plan. Another person decides.';
  if (person.name === approval.author) return 'You made this plan. Another person decides.';
  if (approval.votes.some(vote => vote.person === person.name)) return 'You have voted. Others still have to.';
  const from = [...new Set(approval.requirements.flatMap(need => need.from))];
  if (!person.groups.some(group => from.includes(group)))
    return `Votes are for ${from.join(' or ')}; you are in none of them.`;
  return undefined;
}
