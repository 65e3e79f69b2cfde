/** Taints and tolerations with the meaning that Kubernetes gives them. */
import type { NodeFacts, PodFacts } from '../core/cluster-facts.ts';
import { taintOwner } from '../core/cluster-marks.ts';
import type { Taint, Toleration } from '../core/scheduling.ts';

/** An empty key with `Exists` tolerates everything, an empty effect every effect. */
function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.operator === 'Exists') return !toleration.key || toleration.key === taint.key;
  if (toleration.operator && toleration.operator !== 'Equal') return false;
  return toleration.key === taint.key && (toleration.value ?? '') === (taint.value ?? '');
}

export function isTolerated(taint: Taint, { placement }: Pick<PodFacts, 'placement'>): boolean {
  return placement.tolerations.some(toleration => tolerates(toleration, taint));
}

/** Milliseconds for which the pod stays on a node with this NoExecute taint: none, for ever, or the shortest time that it says. */
export function toleratedForMs(taint: Taint, { placement }: Pick<PodFacts, 'placement'>): number {
  const tolerating = placement.tolerations.filter(toleration => tolerates(toleration, taint));
  if (tolerating.length === 0) return 0;
  return Math.max(0, Math.min(...tolerating.map(({ seconds = Number.POSITIVE_INFINITY }) => seconds))) * 1000;
}

/** Whether the pod is deleted, now or after a time, from a node with this NoExecute taint. The kubelet's own come back. */
export function goesFrom(taint: Taint, pod: Pick<PodFacts, 'placement' | 'mirror'>): boolean {
  return !pod.mirror && Number.isFinite(toleratedForMs(taint, pod));
}

/** `key:effect`: a Node has at most one taint of both. */
export function taintName({ key, effect }: Pick<Taint, 'key' | 'effect'>): string {
  return `${key}:${effect}`;
}

/** Owning operation by the name of a taint. What is not our own writing owns nothing. */
export function taintOwners({ annotations }: Pick<NodeFacts, 'annotations'>): Map<string, string> {
  try {
    const owners: unknown = JSON.parse(annotations[taintOwner] ?? '{}');
    return new Map(Object.entries(owners as Record<string, string>));
  } catch {
    return new Map();
  }
}

/**
 * Whether it takes no pods now, whoever did that. Of taints only ours say so: others set them on nodes for good, to keep them
 * for pods that tolerate them.
 */
export function isAway(node: NodeFacts): boolean {
  const owners = taintOwners(node);
  const closed = (taint: Taint) => taint.effect !== 'PreferNoSchedule' && owners.has(taintName(taint));
  return !node.ready || node.unschedulable || node.taints.some(closed);
}
