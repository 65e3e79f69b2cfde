/** Taints and tolerations with the meaning that Kubernetes gives them. */
import type { PodFacts } from '../core/cluster-facts.ts';
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
