/** What a plan does to its node's capacity, before anybody looks at the node. */
import { outOfService } from '../core/cluster-marks.ts';
import type { PlanDraft, PlanKind } from '../core/plan.ts';

type Act = Pick<PlanDraft, 'kind' | 'taint'>;

/** Kinds that empty the node by draining it alone, and need evidence that nobody works against them. */
const emptying = new Set<PlanKind>(['drain', 'restart', 'power-off', 'bios-change', 'health-drain']);
/** Kinds that take no capacity away. */
const harmless = new Set<PlanKind>(['uncordon', 'power-on', 'bmc-change', 'health-release', 'health-mark']);

export function empties(kind: PlanKind): boolean {
  return emptying.has(kind);
}

export function takesNothing(kind: PlanKind): boolean {
  return harmless.has(kind);
}

/** Whether the node takes no more pods because of it. */
export function takesCapacity({ kind, taint }: Act): boolean {
  if (taint) return !taint.remove && taint.taint.effect !== 'PreferNoSchedule';
  return !takesNothing(kind);
}

/** Whether the node's pods have to go because of it: of such nodes a failure domain has one at a time. */
export function disrupts({ kind, taint }: Act): boolean {
  // A node is given up only once its machine is proved to be off: nothing runs there that could be disrupted.
  if (taint) return !taint.remove && taint.taint.effect === 'NoExecute' && taint.taint.key !== outOfService;
  return emptying.has(kind) || kind === 'firmware-rollout';
}

/** Whether an etcd member on the node is, or soon may be, down: a drain is the way to it. */
export function endangersEtcd(plan: Act): boolean {
  return disrupts(plan);
}
