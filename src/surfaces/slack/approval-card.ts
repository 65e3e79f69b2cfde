/**
 * A request in a channel: what is asked for, what it takes, what cannot be
 * undone, who has to agree. A pure function of plan, request and today's count
 * of votes; no word of a model is in it. Buttons carry the id of the request
 * alone: what may be done with it is decided anew when one is pressed.
 */
import { isCritical, type TrackedApproval, type Vote } from '../../core/approval.ts';
import { type Plan, type PlanScope, type PlanTarget, placeText } from '../../core/plan.ts';
import { planFacts, stepLines } from '../../core/plan-facts.ts';
import { isFirmware, showChanges } from '../../core/planned-change.ts';
import { votesWanted } from '../../core/policy.ts';
import type { Standing } from '../../gateway/door.ts';
import { charactersOf } from './blocks/text.ts';
import { button, type Card, context, facts, header, listsWithin, notice, type Piece } from './pieces.ts';

export type ShownRequest = {
  approval: TrackedApproval;
  plan: Plan;
  digest: string;
  standing: Standing[];
  /** Where people decide on it in a browser. */
  page: string;
};

export const actions = {
  review: 'approval-review',
  approve: 'approval-approve',
  reject: 'approval-reject',
  page: 'approval-page',
};

type Fact = [name: string, value: string];

/** Slack refuses what is much longer, and then a request has no card at all. */
const mostCharacters = 12_000;
/** What cannot be undone is cut where no card could hold it, and nowhere else. */
const [mostLines, roomForLoss] = [200, 6_000];
/** Names tell more than a number as long as they are few. */
const [mostWaves, namesOfWave] = [6, 3];

export function approvalCard(shown: ShownRequest): Card {
  const { approval, plan, digest } = shown;
  const title = `${plan.kind} in ${placeText(plan)}`;
  const [only, ...others] = plan.scopes;
  const head = [
    header(title),
    ...facts([
      ['asked for by', `${approval.requester}, over ${approval.channel}`],
      ['state', stateWords(approval)],
      ...planFacts(plan).map(([name, value]): Fact => [name, typeof value === 'string' ? value : value.text]),
      ...wavesFact(plan),
      ['plan', `${plan.id}, digest ${shortDigest(digest)}`],
      ['made by', `${plan.author}, ${plan.createdAt}; expires ${plan.expiresAt}`],
      ['request', approval.id],
      ...(only && others.length === 0 ? ([[`blast radius, ${only.cluster}`, blastWords(only)]] satisfies Fact[]) : []),
    ]),
  ];
  const foot = decision(shown);
  const [who = [], ...lists] = listsWithin(mostCharacters - charactersOf([head, foot]), [
    { title: 'Who has to agree', items: shown.standing.map(standingLine), most: mostLines },
    { title: 'Cannot be undone', items: plan.irreversible, most: mostLines, room: roomForLoss },
    { title: `The blast radius in ${plan.scopes.length} clusters`, items: others.length > 0 ? scopeLines(plan) : [] },
    { title: 'Machines', items: plan.targets.map(targetLine) },
    { title: 'PodDisruptionBudgets in the way', items: budgetsOf(plan.targets) },
    { title: 'Warnings', items: plan.warnings },
    { title: 'Votes', items: approval.votes.map(voteLine) },
    { title: 'Left out', items: plan.excluded.map(({ node, reason }) => `${node}: ${reason}`) },
    { title: 'Each node', items: plan.steps.length > 0 ? stepLines(plan.steps) : [] },
  ]);
  return { text: notice(`${title}: ${stateWords(approval)}`), blocks: [...head, ...lists.flat(), ...who, ...foot] };
}

/** The same for everybody: who may press what is not a matter of the card. */
function decision({ approval, page }: ShownRequest): Piece[] {
  const review = button(actions.review, 'Review', { value: approval.id });
  if (approval.state !== 'pending') return [{ type: 'actions', elements: [review] }];
  if (isCritical(approval))
    return [
      context('This request is critical: votes on it are taken on the approval page alone, after a log-in for each.'),
      { type: 'actions', elements: [review, button(actions.page, 'Decide on the page', { url: page })] },
    ];
  return [
    {
      type: 'actions',
      elements: [
        review,
        button(actions.approve, 'Approve', { value: approval.id, style: 'primary' }),
        button(actions.reject, 'Reject', { value: approval.id, style: 'danger' }),
      ],
    },
    context('Whoever asked for it, or made the plan, does not count. A rejection is final.'),
  ];
}

function stateWords({ state, expiresAt, operation, execution, closing, breakGlass }: TrackedApproval): string {
  if (state === 'pending') return `waits for votes, until ${expiresAt}`;
  if (breakGlass)
    return `begun without its votes by ${breakGlass.by}: ${breakGlass.reason}; ${operation} is ${execution}`;
  if (state === 'approved')
    return operation === undefined ? 'approved' : `approved; ${operation} is ${execution ?? 'begun'}`;
  return closing ? `${state} by ${closing.by}: ${closing.reason}` : state;
}

/** Where most is lost first. */
function scopeLines({ scopes }: Plan): string[] {
  const lost = ({ blast }: PlanScope) => (blast.quorumLost || blast.lastOf.length > 0 ? 1 : 0);
  return scopes
    .toSorted((a, b) => lost(b) - lost(a) || b.blast.targets - a.blast.targets)
    .map(scope => `${scope.cluster}: ${blastWords(scope)}`);
}

function blastWords({ budget, blast }: PlanScope): string {
  const parts = [
    `${blast.targets} nodes, at most ${blast.peakUnavailable} unavailable at once, budget ${budget.maxUnavailable}`,
    ...(blast.controlPlane > 0 ? [`${blast.controlPlane} of the control plane, one by one`] : []),
    ...(blast.controlPlane > 0 ? [blast.quorumLost ? 'etcd would lose its quorum' : 'etcd keeps its quorum'] : []),
    ...(blast.lastOf.length > 0 ? [`nothing is left of ${blast.lastOf.join(', ')}`] : []),
  ];
  return parts.join('; ');
}

/** In which order, where there is one. */
function wavesFact({ waves, canaries }: Plan): Fact[] {
  if (waves.length < 2) return [];
  const told = waves.slice(0, mostWaves).map((wave, index) => {
    const canary = wave.every(node => canaries.includes(node)) ? ' (canary)' : '';
    return `${index + 1}${canary}: ${wave.length > namesOfWave ? `${wave.length} nodes` : wave.join(', ')}`;
  });
  const rest = waves.length > mostWaves ? [`and ${waves.length - mostWaves} more, under Review`] : [];
  return [['waves', [...told, ...rest].join('; ')]];
}

function targetLine({ node, role, model, serial, changes = [], drain }: PlanTarget): string {
  const machine = [model, serial].flatMap(fact => ('value' in fact ? [String(fact.value)] : [])).join(', serial ');
  const back = changes.some(change => isFirmware(change) && change.downgrade);
  const done = [
    ...(changes.length > 0 ? [`${showChanges(changes)}${back ? ', an older version' : ''}`] : []),
    ...(drain ? [`evicts ${drain.evict.length} pods`] : []),
  ];
  const part = role === 'control-plane' ? ', control plane' : '';
  return `${node} (${machine}${part})${done.length > 0 ? `: ${done.join('; ')}` : ''}`;
}

function budgetsOf(targets: PlanTarget[]): string[] {
  return [...new Set(targets.flatMap(({ drain }) => drain?.pdbs ?? []))];
}

function standingLine({ requirement, counted, met }: Standing): string {
  const so = `${counted.length} of ${requirement.approvals}${counted.length > 0 ? ` (${counted.join(', ')})` : ''}`;
  return `${met ? '✓' : '○'} ${votesWanted(requirement)}: ${so}. ${requirement.reason} (${requirement.policy})`;
}

function voteLine({ person, vote, channel, reason, at }: Vote): string {
  return `${person}: ${vote}, ${at}, ${channel}${reason === '' ? '' : `: ${reason}`}`;
}

function shortDigest(digest: string): string {
  return digest.replace('sha256:', '').slice(0, 12);
}
