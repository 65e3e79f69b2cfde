/** Logging in by name and passphrase where no issuer is configured, and saying yes to a terminal. */

import type { Visit } from './browser.ts';
import { csrfField, page } from './layout.ts';
import { type Markup, markup } from './markup.ts';

export function passphrasePage(visit: Visit, returnTo: string): Markup {
  return page(
    visit,
    'Log in',
    markup`<h1>Log in</h1>
<form class="decide" method="post" action="/auth/passphrase">${csrfField(visit)}
<input type="hidden" name="to" value="${returnTo}">
<label for="name">Name</label><input id="name" name="name" autocomplete="username" required autofocus maxlength="200">
<label for="passphrase">Passphrase</label><input id="passphrase" name="passphrase" type="password" autocomplete="current-password" required maxlength="1000">
<div class="buttons"><button>Log in</button></div>
</form>`,
  );
}

export function terminalPage(visit: Visit, { id, code }: { id: string; code: string }): Markup {
  return page(
    visit,
    'Log a terminal in',
    markup`<h1>A terminal asks to log in as you</h1>
<p>It gets what a log-in gives: it can look and ask in your name, and cannot vote. Does your own terminal show this code?</p>
<p class="code">${code}</p>
<p class="bad">If somebody sent you here, or your terminal shows another code or none, close this page.</p>
<form method="post" action="/auth/terminal/${id}">${csrfField(visit)}
<div class="buttons"><button class="yes">Yes, log my terminal in</button><a class="button" href="/approvals">No</a></div>
</form>`,
  );
}

export function terminalDonePage(visit: Visit): Markup {
  return page(visit, 'Terminal logged in', markup`<h1>Your terminal is logged in</h1><p>You can close this page.</p>`);
}
