/** What waits for people: requests, freezes, and operations that somebody paused. */
import { type Approval, isCritical } from '../../core/approval.ts';
import { toned } from '../../core/document.ts';
import { type Freeze, frozenPart } from '../../core/freeze.ts';
import type { OperationHead } from '../../core/operation.ts';
import { type Plan, placeText } from '../../core/plan.ts';
import { tableMarkup } from './blocks.ts';
import type { Visit } from './browser.ts';
import { page } from './layout.ts';
import { type Markup, markup } from './markup.ts';
import { moment } from './moments.ts';

export type Waiting = {
  waiting: { approval: Approval; plan: Plan }[];
  freezes: Freeze[];
  /** Those that are paused. */
  held: OperationHead[];
};

export function listPage(visit: Visit, { waiting, freezes, held }: Waiting, now: Date): Markup {
  const rows = waiting.map(({ approval, plan }) => [
    markup`<a href="/approvals/${approval.id}">${plan.kind} in ${placeText(plan)}</a>`,
    plan.targets.length === 1 ? (plan.targets[0]?.node ?? '') : `${plan.targets.length} nodes`,
    approval.requester,
    isCritical(approval) ? toned('critical', 'bad') : '',
    plan.irreversible.length > 0 ? toned('cannot be undone', 'bad') : '',
    moment(approval.expiresAt, now),
  ]);
  return page(
    visit,
    'Requests',
    markup`${freezes.map(
      freeze =>
        markup`<p class="warn"><a href="/freezes/${freeze.id}">No changes in ${frozenPart(freeze)}</a>: ${freeze.by}, ${freeze.reason}</p>`,
    )}
${held.map(
  ({ id, kind, pausedBy }) =>
    markup`<p class="warn"><a href="/operations/${id}">${kind} ${id}</a> is paused by ${pausedBy ?? ''}</p>`,
)}
<h1>Requests that wait for a decision</h1>
${rows.length === 0 ? markup`<p class="muted">None. Nothing is waiting for you.</p>` : tableMarkup(['plan', 'what', 'asked by', '', '', 'expires'], rows)}`,
  );
}
