/** What approvers read: a pure function of the plan, no model text in it. */
import { showFact } from '../core/bmc.ts';
import { type Block, type Cell, foreign, toned } from '../core/document.ts';
import { type DrainForecast, type Plan, type PlanTarget, placeText } from '../core/plan.ts';
import { planFacts, stepLines } from '../core/plan-facts.ts';
import { isFirmware, showChanges } from '../core/planned-change.ts';
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
        ...planFacts(plan),
      ],
    },
    waveTable(plan),
    { table: { columns: ['node', 'model', 'serial', 'UUID', 'change'], rows: plan.targets.map(targetRow) } },
  ];
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
  card.push({ title: 'Each node', list: stepLines(plan.steps) });
  return card;
}

function blastText({ scopes }: Plan): string {
  const all = scopes.reduce((sum, { blast }) => sum + blast.targets, 0);
  const [only, ...others] = scopes;
  if (!only || others.length > 0) return `${all} nodes in all, in each cluster within its budget`;
  return `${all} nodes in all, at most ${only.blast.peakUnavailable} unavailable at once, budget ${only.budget.maxUnavailable}`;
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
