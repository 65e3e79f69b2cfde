/** What a person may do about a request, or why there is nothing. What it offers is a courtesy: the guard decides what counts. */
import type { Approval } from '../../core/approval.ts';
import type { Deed } from '../../core/identity.ts';
import { deedOn, type PresenceWanted } from '../../gateway/door.ts';
import type { Visit } from './browser.ts';
import { deedForm } from './deed-form.ts';
import { type Markup, markup } from './markup.ts';

export type VoteForm = {
  visit: Visit;
  approval: Approval;
  digest: string;
  wanted(act: Deed['act']): PresenceWanted;
  /** The person is one of those who may, in an emergency. */
  mayBreakGlass: boolean;
};

export function voteSection(form: VoteForm): Markup {
  return markup`${vote(form)}${takeBack(form)}${breakGlass(form)}`;
}

function vote(form: VoteForm): Markup {
  const why = closedBecause(form);
  if (why !== undefined) return markup`<p class="note">${why}</p>`;
  const short = form.digest.replace('sha256:', '').slice(0, 12);
  return section(form, 'vote', {
    about: markup`<p>You decide on exactly this plan, digest <span class="digest">${short}</span>. A rejection is final.</p>`,
    buttons: markup`<button class="yes" name="vote" value="approve">Approve</button><button class="no" name="vote" value="reject">Reject</button>`,
  });
}

function takeBack(form: VoteForm): Markup {
  const { visit, approval } = form;
  const name = visit.session?.caller.person.name;
  const voted = approval.votes.some(cast => cast.person === name && cast.vote === 'approve');
  const mine = voted || name === approval.requester || name === approval.breakGlass?.by;
  if (!mine || (approval.state !== 'pending' && approval.state !== 'approved')) return markup``;
  return section(form, 'revoke', {
    about: markup`<h3>Take it back</h3><p>What you asked for or agreed to counts no more. What runs under it stops where that is safe.</p>`,
    buttons: markup`<button class="no">Take back</button>`,
  });
}

function breakGlass(form: VoteForm): Markup {
  if (form.approval.state !== 'pending' || !form.mayBreakGlass) return markup``;
  return section(form, 'break-glass', {
    about: markup`<h3>Break glass</h3><p class="bad">Starts it now without its votes, for fifteen minutes. Everybody is told, with your name and reason.</p>`,
    buttons: markup`<button class="no">Start without votes</button>`,
  });
}

function section(form: VoteForm, act: Deed['act'], says: { about: Markup; buttons: Markup }): Markup {
  return deedForm({ visit: form.visit, deed: deedOn(act, form.approval), wanted: form.wanted(act), ...says });
}

function closedBecause({ visit, approval }: VoteForm): string | undefined {
  if (approval.state !== 'pending') return `This request is ${approval.state}. There is nothing to decide any more.`;
  const person = visit.session?.caller.person;
  if (person === undefined) return 'Log in to decide.';
  if (person.name === approval.requester) return 'You asked for this plan. Another person decides.';
  if (person.name === approval.author) return 'You made this plan. Another person decides.';
  if (approval.votes.some(cast => cast.person === person.name)) return 'You have voted. Others still have to.';
  const from = [...new Set(approval.requirements.flatMap(need => need.from))];
  if (!person.groups.some(group => from.includes(group)))
    return `Votes are for ${from.join(' or ')}; you are in none of them.`;
  return undefined;
}
