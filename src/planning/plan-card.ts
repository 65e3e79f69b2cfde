/** What approvers read: a pure function of the plan, no model text in it. */
import { showFact } from '../core/bmc.ts';
import type { PlannedBmcChange } from '../core/bmc-change.ts';
import { type Block, type Cell, foreign, toned } from '../core/document.ts';
import { unreachable } from '../core/errors.ts';
import { type DrainForecast, type Plan, type PlanStep, type PlanTarget, placeText } from '../core/plan.ts';
import { isFirmware, showChanges } from '../core/planned-change.ts';
import type { Taint } from '../core/scheduling.ts';
import { waveTable } from './wave-table.ts';

/** First 12 hex digits of a digest: enough to compare by eye. */
export function shortDigest(digest: string): string {
  return digest.replace('sha256:', '').slice(0, 12);
}

export function planCard(plan: Plan, digest: string): Block[] {
  const card: Block[] = [
    { heading: `Plan ${plan.id}: ${plan.kind} in ${placeText(plan)}` },
    {
      facts: [
        ['digest', digest],
        ['made by', `${plan.author}, ${plan.createdAt}; expires ${plan.expiresAt}`],
        ['blast radius', blastText(plan)],
        ...outageFacts(plan),
        ...(plan.waitForWindow ? windowFacts : []),
        ['soak', `${plan.soakMs / 1000} s after each node`],
        ...gateFacts(plan),
        ...canaryFacts(plan),
      ],
    },
    waveTable(plan),
    { table: { columns: ['node', 'model', 'serial', 'UUID', 'change'], rows: plan.targets.map(targetRow) } },
  ];
  if (plan.taint)
    card.push({ facts: [[plan.taint.remove ? 'removes taint' : 'adds taint', foreign(taintText(plan.taint.taint))]] });
  if (plan.health) card.push({ facts: [['because', foreign(plan.health.reason)]] });
  if (plan.bmcChange) card.push({ facts: [['changes', bmcChangeText(plan.bmcChange)]] });
  const images = plan.targets
    .flatMap(target => target.changes ?? [])
    .flatMap(change => (isFirmware(change) ? [`${change.image}: SHA-256 ${change.sha256}`] : []));
  if (images.length > 0) card.push({ title: 'Images', list: [...new Set(images)] });
  const drives = plan.targets.flatMap(driveLines);
  if (drives.length > 0) card.push({ title: 'Drives', list: drives.map(foreign) });
  const drains = plan.targets.flatMap(({ node, drain }) => (drain ? [drainRow(node, drain)] : []));
  if (drains.length > 0)
    card.push({ table: { columns: ['drain of', 'evicts', 'pods left', 'budgets (PDB)'], rows: drains } });
  if (plan.warnings.length > 0)
    card.push({ title: 'Warnings', list: plan.warnings.map(text => foreign(toned(text, 'warn'))) });
  if (plan.irreversible.length > 0)
    card.push({ title: 'Cannot be undone', list: plan.irreversible.map(text => foreign(toned(text, 'bad'))) });
  if (plan.excluded.length > 0)
    card.push({
      title: 'Left out',
      list: plan.excluded.map(({ node, reason }) => foreign(toned(`${node}: ${reason}`, 'muted'))),
    });
  card.push({ title: 'Each node', list: [...stepLines(plan.steps)] });
  return card;
}

const windowFacts: [string, string][] = [
  ['window', 'a node begins in a maintenance window of its site; until one is open, it waits'],
];

/** A plan of an earlier version says nothing of it. */
function outageFacts({ scopes, declaredOutage, author }: Plan): [string, Cell][] {
  if (!declaredOutage) return [];
  const several = scopes.length > 1;
  const lost = scopes.flatMap(({ cluster, blast }) =>
    (blast.lastOf ?? []).map(what => (several ? `${what} of ${cluster}` : what)),
  );
  return [
    [
      'outage',
      foreign(
        toned(`declared by ${author}: leaves ${lost.join(', ') || 'nothing'} without any node that takes pods`, 'bad'),
      ),
    ],
  ];
}

function canaryFacts({ canaryDrain }: Plan): [string, Cell][] {
  if (!canaryDrain) return [];
  return [['first drain', foreign(toned(canaryDrain.says, canaryDrain.verdict === 'finishes' ? 'plain' : 'warn'))]];
}

/** What holds the next node and wave back, and who lets a wave begin. */
function gateFacts({ gates, advance, soakMs }: Plan): [string, string][] {
  if (!gates) return [];
  const own = (after: 'node' | 'wave') => [
    ...new Set(gates.own.filter(check => check.after === after).map(({ name }) => name)),
  ];
  const node = [`Ready for ${soakMs / 1000} s`, 'DaemonSets', ...(gates.hardware ? ['hardware'] : []), ...own('node')];
  const hardware = gates.hardware ? '' : ' (nobody watches the hardware)';
  const wave = ['pending pods', 'volumes', ...own('wave')];
  return [
    ['gate after a node', `${node.join(', ')}${hardware}`],
    ['gate after a wave', wave.join(', ')],
    ...(advance === 'manual' ? ([['next wave', 'begins when a person advances it']] as [string, string][]) : []),
  ];
}

function blastText({ scopes }: Plan): string {
  const all = scopes.reduce((sum, { blast }) => sum + blast.targets, 0);
  const [only, ...others] = scopes;
  if (!only || others.length > 0) return `${all} nodes in all, in each cluster within its budget`;
  return `${all} nodes in all, at most ${only.blast.peakUnavailable} unavailable at once, budget ${only.budget.maxUnavailable}`;
}

export function taintText({ key, value, effect }: Taint): string {
  return `${key}${value ? `=${value}` : ''}:${effect}`;
}

function bmcChangeText(change: PlannedBmcChange): string {
  switch (change.act) {
    case 'reset-bmc':
      return change.recover
        ? 'restart of the BMC although a task works on it, if that task stands still for the stall limit; the server runs on'
        : 'restart of the BMC; the server runs on';
    case 'identify':
      return `locating light ${change.lit ? 'on' : 'off'}`;
    case 'boot-once':
      return change.from === 'none' ? 'no boot override any more' : `next start from ${change.from}, once`;
    default:
      return unreachable(change);
  }
}

/** The steps in order, and from where on a node settles whatever anybody says. */
function* stepLines(steps: PlanStep[]): Generator<Cell> {
  yield steps.map(step => step.name).join(' → ');
  const settling = steps.filter(step => step.settling).map(step => step.name);
  if (settling.length > 0)
    yield `after a cancel, a node that is past its first irreversible step still runs: ${settling.join(', ')}`;
}

function targetRow(target: PlanTarget): Cell[] {
  const { changes = [] } = target;
  const back = changes.some(change => isFirmware(change) && change.downgrade);
  return [
    target.node,
    foreign(showFact(target.model)),
    foreign(showFact(target.serial)),
    foreign(target.systemUuid),
    foreign(changes.some(isFirmware) ? toned(showChanges(changes), back ? 'bad' : 'good') : showChanges(changes)),
  ];
}

/** Approvers see which drives: those that stand in for them by now are not written to. */
function driveLines({ node, changes = [] }: PlanTarget): string[] {
  return changes.flatMap(change => {
    const { drives = [] } = isFirmware(change) ? change : {};
    const told = drives.map(({ name, serial, from }) => `${name} (${serial}, ${from})`).join(', ');
    return isFirmware(change) && drives.length > 0 ? [`${node}, to ${change.to}: ${told}`] : [];
  });
}

function drainRow(node: string, { evict, skip, pdbs }: DrainForecast): Cell[] {
  return [node, foreign(evict.join(', ') || 'nothing'), String(skip.length), foreign(pdbs.join(', ') || 'none')];
}
