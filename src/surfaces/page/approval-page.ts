/**
 * A request as an approver reads it at three in the morning: first what cannot
 * be undone, then who has to agree, then the whole plan, and at the end the
 * vote. Like the card it is a pure function of plan and request.
 */
import { type Approval, isCritical } from '../../core/approval.ts';
import { type Block, toned } from '../../core/document.ts';
import { type Plan, placeText, type StoredPlan, targetOf } from '../../core/plan.ts';
import { votesWanted } from '../../core/policy.ts';
import type { Standing } from '../../gateway/door.ts';
import { blockMarkup, factsMarkup, sharedTone, tableMarkup } from './blocks.ts';
import { page } from './layout.ts';
import { type Markup, markup } from './markup.ts';
import { moment } from './moments.ts';
import { type VoteForm, voteSection } from './vote-section.ts';

export type ApprovalPage = StoredPlan &
  VoteForm & {
    /** The plan's card, word for word. */
    card: Block[];
    standing: Standing[];
    now: Date;
  };

export function approvalPage(shown: ApprovalPage): Markup {
  const { visit, plan, card, approval, now } = shown;
  const grave = card.filter(block => toneOf(block) === 'bad');
  const warnings = card.filter(block => toneOf(block) === 'warn');
  const rest = card.filter(block => !grave.includes(block) && !warnings.includes(block));
  return page(
    visit,
    `${plan.kind} in ${placeText(plan)}`,
    markup`<h1>${plan.kind} in ${placeText(plan)}</h1>
<p class="lead">${nodesText(plan)}. Asked for by <strong>${approval.requester}</strong> over ${approval.channel}.</p>
<p>${stateMarkup(approval)}${isCritical(approval) ? markup` <span class="state bad">critical</span>` : ''}
${approval.state === 'pending' ? markup` <span class="muted">expires ${moment(approval.expiresAt, now)}</span>` : ''}</p>
${grave.map(blockMarkup)}
${warnings.map(blockMarkup)}
<h2>Who has to agree</h2>
${agreement(shown)}
<h2>The plan</h2>
${rest.map(blockMarkup)}
<h3>Steps on each node</h3>
${stepTable(plan)}
<h3>Machines</h3>
${machineTable(plan)}
<h2 id="decide">Your decision</h2>
${voteSection(shown)}`,
  );
}

function stateMarkup({ state, operation }: Approval): Markup {
  const tones: Record<string, string> = { pending: 'warn', approved: 'good', rejected: 'bad' };
  const led = operation === undefined ? '' : markup` <span class="muted">operation ${operation}</span>`;
  return markup`<span class="state ${tones[state] ?? 'muted'}">${state}</span>${led}`;
}

/** The tone of a list that is of one tone throughout. */
function toneOf(block: Block): string {
  return 'list' in block && block.list.length > 0 ? sharedTone(block.list) : 'plain';
}

function nodesText({ targets, scopes }: Plan): string {
  const [only] = targets;
  const which = targets.length === 1 && only ? only.node : `${targets.length} nodes`;
  const most = Math.max(...scopes.map(({ blast }) => blast.peakUnavailable));
  const where = scopes.length > 1 ? ' in each cluster' : ` at ${scopes[0]?.site}`;
  return `${which}, at most ${most} unavailable at once${where}`;
}

function agreement({ approval, standing, now }: ApprovalPage): Markup {
  const needs = standing.map(({ requirement, counted, met }) => [
    votesWanted(requirement),
    requirement.reason,
    toned(
      `${counted.length} of ${requirement.approvals}${counted.length > 0 ? `: ${counted.join(', ')}` : ''}`,
      met ? 'good' : 'warn',
    ),
    requirement.policy,
  ]);
  const votes = approval.votes.map(({ person, vote, reason, at }) => [
    person,
    toned(vote, vote === 'approve' ? 'good' : 'bad'),
    reason,
    moment(at, now),
  ]);
  return markup`${tableMarkup(['wanted', 'because', 'so far', 'policy'], needs)}
${votes.length === 0 ? markup`<p class="muted">Nobody has voted yet.</p>` : tableMarkup(['who', 'vote', 'reason', 'when'], votes)}`;
}

/** Settling steps run on whatever anybody says later: that is what an approver gives away. */
function stepTable(plan: Plan): Markup {
  const rows = plan.steps.map(({ name, does, settling }, index) => [
    String(index + 1),
    name,
    does,
    settling ? toned('runs on after a cancel or freeze', 'warn') : '',
  ]);
  return tableMarkup(['', 'step', 'what it does', ''], rows);
}

function machineTable(plan: Plan): Markup {
  const rows = plan.waves.flatMap((wave, index) =>
    wave.map(node => {
      const { role, vendor, bmcUrl, systemUri, zone = '', alongside = [] } = targetOf(plan, node);
      return [String(index + 1), node, role, zone, vendor, `${bmcUrl}${systemUri}`, alongside.join(', ')];
    }),
  );
  const drain = plan.drain;
  const means = factsMarkup([
    [
      'drains',
      drain.deleteEmptyDir
        ? toned('pods with local data are evicted, and lose it', 'warn')
        : 'pods with local data stay',
    ],
    ['force', drain.force ? toned('pods without a controller are deleted for good', 'bad') : 'no'],
    ['policy', plan.policyDigest],
    ['nonce', plan.nonce],
  ]);
  return markup`${tableMarkup(['wave', 'node', 'role', 'zone', 'vendor', 'BMC', 'alongside'], rows)}${means}`;
}
