/** Plans what the watch asks for, on facts that are read now: no facts, no plan. */
import type { Bmcs } from '../core/bmc.ts';
import type { Clusters } from '../core/cluster.ts';
import { FleetError, unreachable } from '../core/errors.ts';
import type { FleetCluster, FleetNode } from '../core/fleet.ts';
import type { HealthAct, PlanDraft, PlanKind } from '../core/plan.ts';
import type { Stores } from '../core/records.ts';
import { planChange } from '../planning/plan-change.ts';
import { empties } from '../planning/plan-kinds.ts';
import { surveyNode } from './survey.ts';
import { surveyEvidence } from './survey-evidence.ts';

/** Kind of the plan, and the Cedar action that decides it. */
export function planOf(act: HealthAct['act']): { kind: Exclude<PlanKind, 'firmware-rollout'>; action: string } {
  switch (act) {
    case 'cordon':
      return { kind: 'health-cordon', action: 'cordonForHealth' };
    case 'release':
      return { kind: 'health-release', action: 'releaseHealthCordon' };
    case 'mark':
      return { kind: 'health-mark', action: 'markHardware' };
    case 'drain':
      return { kind: 'health-drain', action: 'drainForHealth' };
    default:
      return unreachable(act);
  }
}

/** Throws `precondition_failed` where the facts do not allow it, and what keeps them from being read. */
export async function planForHealth(
  ports: { bmcs: Bmcs; clusters: Clusters; records: Pick<Stores, 'hosts'> },
  { cluster, entry, health }: { cluster: FleetCluster; entry: FleetNode; health: HealthAct },
): Promise<PlanDraft> {
  const { kind, action } = planOf(health.act);
  const { facts, server, node } = await surveyNode(ports, cluster, entry);
  if (health.act === 'cordon' && node.unschedulable)
    throw new FleetError({ code: 'precondition_failed', message: `${entry.name} is cordoned already` });
  const evidence = empties(kind) ? { evidence: await surveyEvidence(ports, cluster) } : {};
  // Whoever approves a drain reads whose local data is lost; nearly every node has such pods.
  const drain = { deleteEmptyDir: true, force: false, byPriority: false };
  return planChange({ kind, action, cluster, entry, server, node, facts, ...evidence, drain, health });
}
