/** The form of one deed: what a person has to bring to it, and no more. What it offers is a courtesy: the guard decides what counts. */
import type { PresenceWanted, ProvedDeed } from '../../gateway/door.ts';
import type { Visit } from './browser.ts';
import { pageOf } from './deed-routes.ts';
import { csrfField } from './layout.ts';
import { type Markup, markup } from './markup.ts';

export type DeedForm = {
  visit: Visit;
  deed: ProvedDeed;
  wanted: PresenceWanted;
  /** What the person is about to do. */
  about: Markup;
  buttons: Markup;
};

export function deedForm({ visit, deed, wanted, about, buttons }: DeedForm): Markup {
  if (wanted === 'fresh-login')
    return markup`<div class="decide">${about}
<p>This needs a log-in of its own. You come back here, and have two minutes then to decide.</p>
<p class="buttons"><a class="button" href="/auth/login?act=${deed.act}&amp;on=${deed.on}">Log in again to decide</a></p></div>`;
  const reason = `reason-${deed.act}`;
  return markup`<form class="decide" method="post" action="${pageOf(deed)}/${deed.act}">${about}
${nothingByEnter}${csrfField(visit)}<input type="hidden" name="digest" value="${deed.digest}">
<label for="${reason}">Reason, for the record</label>
<input id="${reason}" name="reason" required maxlength="1000" autocomplete="off">
${wanted === 'passphrase' ? passphraseField(deed.act) : ''}
<div class="buttons">${buttons}</div>
</form>`;
}

/** Enter in a field presses a form's first button, were it not for this one. */
const nothingByEnter = markup`<button disabled hidden></button>`;

function passphraseField(act: string): Markup {
  return markup`<label for="passphrase-${act}">Your passphrase, again</label>
<input id="passphrase-${act}" name="passphrase" type="password" autocomplete="current-password" required maxlength="1000">`;
}
