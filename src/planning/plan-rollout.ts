/**
 * Makes a firmware plan from facts: who gets which image, in which waves, and
 * who is left out and why. Pure; the same facts give the same plan.
 */
import { FleetError } from '../core/errors.ts';
import type { PlanDraft, PlanTarget } from '../core/plan.ts';
import { unavailableOf } from './blast.ts';
import { lostBy, lostWarning } from './last-of-its-kind.ts';
import { pdbGroupsOfNode } from './pdb-groups.ts';
import { rolloutSteps } from './plan-steps.ts';
import { losesQuorum } from './quorum.ts';
import { here, judge, type RolloutRequest } from './rollout-target.ts';
import { planWaves } from './waves.ts';

/** Throws `precondition_failed` when no node is left to update or the budget allows none. */
export function planRollout(request: RolloutRequest): PlanDraft {
  const { cluster, facts } = request;
  const judged = request.candidates.map(candidate => ({
    node: candidate.entry.name,
    verdict: judge(request, candidate),
  }));
  const targets = judged.flatMap(({ verdict }) => ('target' in verdict ? [verdict.target] : []));
  const excluded = judged.flatMap(({ node, verdict }) =>
    'excluded' in verdict ? [{ node, reason: verdict.excluded }] : [],
  );
  if (targets.length === 0) {
    const why = excluded.map(({ node, reason }) => `${node}: ${reason}`).join('; ');
    throw new FleetError({
      code: 'precondition_failed',
      message: `there is nothing to update in ${cluster.name}: ${why}`,
    });
  }
  const unavailable = unavailableOf(facts.nodes);
  const waves = planWaves({
    targets: targets.map(target => ({
      name: target.node,
      zone: target.zone,
      bmc: target.bmcUrl,
      beside: here(request, target.alongside ?? []),
      pdbGroups: pdbGroupsOfNode(target.node, facts.pods, facts.pdbs),
      unavailable: unavailable.includes(target.node),
    })),
    maxUnavailable: cluster.budget.maxUnavailable,
    alreadyUnavailable: unavailable.length,
    canary: request.canary,
  });
  if ('refused' in waves)
    throw new FleetError({
      code: 'precondition_failed',
      message: `no wave can be planned in ${cluster.name}: ${waves.refused}`,
    });
  const affected = (wave: string[]) => affectedBy(targets, wave);
  const widest = Math.max(...waves.waves.map(wave => here(request, affected(wave)).length));
  const all = affected(targets.map(({ node }) => node));
  const lost = [...new Set(waves.waves.flatMap(wave => lostBy(affected(wave), facts.nodes)))];
  const localData = targets
    .flatMap(target => target.drain?.warnings ?? [])
    .filter(warning => warning.includes('is lost'));
  return {
    kind: 'firmware-rollout',
    action: request.action,
    site: cluster.site,
    cluster: cluster.name,
    targets,
    waves: waves.waves,
    steps: rolloutSteps(targets),
    excluded,
    budget: cluster.budget,
    blast: {
      peakUnavailable: unavailable.length + widest,
      targets: all.length,
      controlPlane: targets.filter(({ role }) => role === 'control-plane').length,
      quorumLost: waves.waves.some(wave => losesQuorum(request.evidence.etcd, criticalIn(targets, wave))),
      lastOf: lost,
    },
    ...(request.declareOutage ? { declaredOutage: true } : {}),
    drain: request.drain,
    warnings: [
      ...lost.map(lostWarning),
      ...judged.flatMap(({ node, verdict }) =>
        'target' in verdict ? verdict.warnings.map(warning => `${node}: ${warning}`) : [],
      ),
    ],
    irreversible: [
      'firmware that is written stays written; going back is another plan, where the vendor allows it',
      'evicted pods are deleted and started elsewhere',
      ...localData,
    ],
    soakMs: request.soakMs,
    ...(request.gates ? { gates: request.gates } : {}),
    ...(request.advance === 'manual' ? { advance: request.advance } : {}),
  };
}

/** The nodes of a wave, and those behind the same BMCs. */
function affectedBy(targets: PlanTarget[], wave: string[]): string[] {
  const these = targets.filter(({ node }) => wave.includes(node));
  return [...new Set(these.flatMap(({ node, alongside: others = [] }) => [node, ...others]))];
}

function criticalIn(targets: PlanTarget[], wave: string[]): string[] {
  return targets.filter(({ node, role }) => role === 'control-plane' && wave.includes(node)).map(({ node }) => node);
}
