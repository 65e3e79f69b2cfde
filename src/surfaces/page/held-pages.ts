/** What somebody stopped: one freeze, or one operation that waits for a person, and the form that lets it go on. */
import { type Freeze, frozenPart } from '../../core/freeze.ts';
import type { Deed } from '../../core/identity.ts';
import { hasEnded, hasNodeEnded, type Operation } from '../../core/operation.ts';
import { type Plan, placeText } from '../../core/plan.ts';
import { deedOn, type PresenceWanted } from '../../gateway/door.ts';
import { factsMarkup } from './blocks.ts';
import type { Visit } from './browser.ts';
import { deedForm } from './deed-form.ts';
import { page } from './layout.ts';
import { type Markup, markup } from './markup.ts';
import { moment } from './moments.ts';

type Held = { visit: Visit; wanted(act: Deed['act']): PresenceWanted; now: Date };

export function freezePage(freeze: Freeze, { visit, wanted, now }: Held): Markup {
  const part = frozenPart(freeze);
  return page(
    visit,
    `Freeze of ${part}`,
    markup`<h1>No changes in ${part}</h1>
${factsMarkup([
  ['frozen by', freeze.by],
  ['because', freeze.reason],
  ['since', moment(freeze.at, now)],
])}
${deedForm({
  visit,
  deed: deedOn('unfreeze', freeze),
  wanted: wanted('unfreeze'),
  about: markup`<h2>Lift it</h2><p>Whatever is asked for there may begin again.</p>`,
  buttons: markup`<button class="yes">Lift the freeze</button>`,
})}`,
  );
}

export function operationPage({ operation, plan }: { operation: Operation; plan: Plan }, held: Held): Markup {
  const { visit, wanted } = held;
  const { id, nodes, state, reason, pausedBy } = operation;
  const form = (act: 'resume' | 'advance', says: { about: Markup; buttons: Markup }) =>
    deedForm({ visit, deed: deedOn(act, operation), wanted: wanted(act), ...says });
  const ended = nodes.filter(part => hasNodeEnded(part.state)).length;
  return page(
    visit,
    `Operation ${id}`,
    markup`<h1>${operation.kind} in ${placeText(plan)}</h1>
<p>${state}, ${ended} of ${nodes.length} nodes ended. ${reason}</p>
${pausedBy === undefined ? '' : markup`<p class="warn">${pausedBy} paused it.</p>`}
${
  pausedBy === undefined
    ? ''
    : form('resume', {
        about: markup`<h2>Resume it</h2><p>Its nodes begin again, one after the other.</p>`,
        buttons: markup`<button class="yes">Resume</button>`,
      })
}
${
  plan.advance !== 'manual' || hasEnded(state)
    ? ''
    : form('advance', {
        about: markup`<h2>Let the next wave begin</h2><p>Once the one before has ended.</p>`,
        buttons: markup`<button class="yes">Advance</button>`,
      })
}`,
  );
}
