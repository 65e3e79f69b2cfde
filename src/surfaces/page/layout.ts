/** What every page has around it. No script, nothing from elsewhere. */
import type { FleetError } from '../../core/errors.ts';
import type { Visit } from './browser.ts';
import { type Markup, markup, trusted } from './markup.ts';
import { style } from './style.ts';

export function page(visit: Visit, title: string, body: Markup): Markup {
  return markup`${trusted('<!doctype html>')}
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Groundskeeper</title>
<style>${trusted(style)}</style>
</head>
<body>
<header><a href="/approvals">Groundskeeper</a>${who(visit)}</header>
<main>
${body}
</main>
</body>
</html>`;
}

function who(visit: Visit): Markup {
  if (!visit.session) return markup``;
  return markup`<form method="post" action="/auth/logout">${visit.session.caller.person.name} · ${csrfField(visit)}<button>log out</button></form>`;
}

export function csrfField(visit: Visit): Markup {
  return markup`<input type="hidden" name="csrf" value="${visit.csrf}">`;
}

export function errorPage(visit: Visit, error: FleetError, back: string): Markup {
  return page(
    visit,
    'Not done',
    markup`<h1>This was not done</h1>
<section class="list warn"><ul><li>${error.message}</li>${error.hint === undefined ? '' : markup`<li>${error.hint}</li>`}</ul></section>
${error.untrusted === undefined ? '' : markup`<p class="muted">From outside: <code>${error.untrusted}</code></p>`}
<p><a class="button" href="${back}">Back</a></p>`,
  );
}
