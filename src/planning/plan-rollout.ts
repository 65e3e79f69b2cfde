/**
 * Makes a firmware plan from facts, for one cluster or for many: who gets which image, in which waves, and who is left out and
 * why. Pure; the same facts give the same plan.
 */
import { FleetError } from '../core/errors.ts';
import type { FleetCluster } from '../core/fleet.ts';
import type { PlanGates } from '../core/gate.ts';
import type { PlanDraft, PlanScope, PlanTarget, RolloutLimits } from '../core/plan.ts';
import { unavailableOf } from './blast.ts';
import { domainsOf } from './exclusive.ts';
import { lostBy, lostWarning } from './last-of-its-kind.ts';
import { orderWarning } from './leader-last.ts';
import { rolloutSteps } from './plan-steps.ts';
import { losesQuorum } from './quorum.ts';
import { type ClusterPart, judge, type RolloutChoices } from './rollout-target.ts';
import { planWaves, type WaveRules } from './waves.ts';

export type RolloutAsked = RolloutChoices &
  WaveRules & {
    action: string;
    /** Nodes of clusters that could not be read. */
    unread?: PlanDraft['excluded'];
    limits: RolloutLimits;
    soakMs: number;
    gates?: PlanGates;
    advance?: 'automatic' | 'manual';
  };

/** What becomes of one cluster. */
type Part = {
  scope: PlanScope;
  targets: PlanTarget[];
  excluded: PlanDraft['excluded'];
  warnings: string[];
  away: string[];
};

const reasonsTold = 20;

/** Throws `precondition_failed` when no node is left to update. */
export function planRollout(asked: RolloutAsked): PlanDraft {
  const parts = asked.clusters.map(cluster => partOf(asked, cluster));
  const targets = parts.flatMap(part => part.targets);
  const excluded = [...parts.flatMap(part => part.excluded), ...(asked.unread ?? [])];
  if (targets.length === 0) throw nothingToDo(asked, excluded);
  const away = new Set(parts.flatMap(part => part.away));
  const waves = planWaves(
    targets.map(target => ({ ...target, unavailable: away.has(target.node) })),
    asked,
  );
  const localData = targets
    .flatMap(target => target.drain?.warnings ?? [])
    .filter(warning => warning.includes('is lost'));
  return {
    kind: 'firmware-rollout',
    action: asked.action,
    scopes: parts.filter(part => part.targets.length > 0).map(({ scope }) => scope),
    targets,
    ...waves,
    limits: asked.limits,
    steps: rolloutSteps(targets),
    excluded,
    ...(asked.declareOutage ? { declaredOutage: true } : {}),
    drain: asked.drain,
    warnings: [
      ...parts.flatMap(part => part.warnings),
      ...asked.clusters.flatMap(({ cluster: { name }, evidence }) =>
        orderWarning(evidence.etcd, name, membersIn(waves.waves, targets, name)),
      ),
    ],
    irreversible: [
      'firmware that is written stays written; going back is another plan, where the vendor allows it',
      'evicted pods are deleted and started elsewhere',
      ...localData,
    ],
    soakMs: asked.soakMs,
    ...(asked.gates ? { gates: asked.gates } : {}),
    ...(asked.advance === 'manual' ? { advance: asked.advance } : {}),
  };
}

/** Nodes of one control plane, as they go. */
function membersIn(waves: string[][], targets: PlanTarget[], cluster: string): string[] {
  const members = targets.filter(target => target.cluster === cluster && target.role === 'control-plane');
  const names = new Set(members.map(({ node }) => node));
  return waves.flat().filter(node => names.has(node));
}

function nothingToDo({ clusters }: RolloutAsked, excluded: PlanDraft['excluded']): FleetError {
  const told = excluded.slice(0, reasonsTold).map(({ node, reason }) => `${node}: ${reason}`);
  if (excluded.length > reasonsTold) told.push(`and ${excluded.length - reasonsTold} more`);
  const [first, ...others] = clusters.map(({ cluster }) => cluster.name);
  const where = first !== undefined && others.length === 0 ? first : `${clusters.length} clusters`;
  return new FleetError({
    code: 'precondition_failed',
    message: `there is nothing to update in ${where}: ${told.join('; ')}`,
  });
}

function partOf(asked: RolloutAsked, part: ClusterPart): Part {
  const { cluster, facts } = part;
  const away = unavailableOf(facts.nodes);
  const full = noRoom(cluster, away.length);
  const judged = part.candidates.map(candidate => {
    const verdict = judge({ ...asked, ...part }, candidate);
    return { node: candidate.entry.name, verdict: full && 'target' in verdict ? { excluded: full } : verdict };
  });
  const targets = judged.flatMap(({ verdict }) => ('target' in verdict ? [verdict.target] : []));
  // Each by itself: no two of the last of a kind, and no two members of etcd, are away at once.
  const lost = [...new Set(targets.flatMap(target => lostBy(affectedBy([target]), facts.nodes)))];
  const members = targets.filter(({ role }) => role === 'control-plane');
  return {
    scope: {
      site: cluster.site,
      cluster: cluster.name,
      budget: cluster.budget,
      blast: {
        peakUnavailable: peakOf(cluster, targets, away),
        targets: affectedBy(targets).length,
        controlPlane: members.length,
        quorumLost: members.some(({ node }) => losesQuorum(part.evidence.etcd, [node])),
        lastOf: lost,
      },
    },
    targets,
    excluded: judged.flatMap(({ node, verdict }) =>
      'excluded' in verdict ? [{ node, reason: verdict.excluded }] : [],
    ),
    warnings: [
      ...lost.map(lostWarning),
      ...judged.flatMap(({ node, verdict }) =>
        'target' in verdict ? verdict.warnings.map(warning => `${node}: ${warning}`) : [],
      ),
    ],
    away,
  };
}

/** Why no node of the cluster may be taken down. A budget of none, or of no number, is never one without end. */
function noRoom({ budget: { maxUnavailable } }: FleetCluster, away: number): string | undefined {
  if (!Number.isSafeInteger(maxUnavailable) || maxUnavailable < 0)
    return 'the budget of its cluster is not a whole number of nodes';
  if (maxUnavailable === 0) return 'the budget of its cluster is 0: no node of it may be taken down';
  if (away < maxUnavailable) return undefined;
  return `${away} nodes of its cluster are unavailable already, and the budget is ${maxUnavailable}`;
}

/** The nodes that are worked on, and those behind the same BMCs, of whatever cluster. */
function affectedBy(targets: PlanTarget[]): string[] {
  return [...new Set(targets.flatMap(({ node, alongside = [] }) => [node, ...alongside]))];
}

/** No more than that can be away at once: the budget, and one node in each failure domain, bound what runs in parallel. */
function peakOf({ nodes, budget }: FleetCluster, targets: PlanTarget[], away: string[]): number {
  const own = new Set(nodes.map(({ name }) => name));
  const widths = targets.map(
    target => affectedBy([target]).filter(node => own.has(node) && !away.includes(node)).length,
  );
  const { zones, racks } = domainsOf(targets);
  const parallel = [zones, racks].flatMap(domains => [...domains.values()].map(({ size }) => size));
  const widest = widths.sort((a, b) => b - a).slice(0, Math.min(targets.length, ...parallel));
  const sum = away.length + widest.reduce((total, width) => total + width, 0);
  return Math.max(away.length, Math.min(budget.maxUnavailable, sum));
}
