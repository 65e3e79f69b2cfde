/** Which taints keep a pod away, and which tolerations let it stay. */
import type { NodeObject, NodeTaint, Toleration } from './objects.ts';

export function tolerates(toleration: Toleration, taint: NodeTaint): boolean {
  if (toleration.effect !== undefined && toleration.effect !== '' && toleration.effect !== taint.effect) return false;
  if (toleration.key === undefined || toleration.key === '') return toleration.operator === 'Exists';
  if (toleration.key !== taint.key) return false;
  return toleration.operator === 'Exists' || (toleration.value ?? '') === (taint.value ?? '');
}

/** The first taint of the node that keeps a pod with these tolerations from being placed there. */
export function blockingTaint(tolerations: Toleration[] = [], node: NodeObject): NodeTaint | undefined {
  return (node.spec.taints ?? [])
    .filter(({ effect }) => effect === 'NoSchedule' || effect === 'NoExecute')
    .find(taint => !tolerations.some(toleration => tolerates(toleration, taint)));
}

export function mayBePlaced(tolerations: Toleration[] = [], node: NodeObject): boolean {
  return blockingTaint(tolerations, node) === undefined;
}

/** Whether a pod with these tolerations that is on the node already may stay. */
export function mayStay(tolerations: Toleration[] = [], node: NodeObject): boolean {
  return (node.spec.taints ?? [])
    .filter(({ effect }) => effect === 'NoExecute')
    .every(taint => tolerations.some(toleration => tolerates(toleration, taint)));
}

/** What the DaemonSet controller adds: its pods stay on failing and cordoned nodes. */
export const daemonTolerations: Toleration[] = [
  { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/disk-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/pid-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
];
