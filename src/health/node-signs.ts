/** What of a Node is out of the ordinary, from its own object and its lease. */
import type { Condition, NodeFacts } from '../core/cluster-facts.ts';
import { maintenanceCondition } from '../core/cluster-marks.ts';
import type { Taint } from '../core/scheduling.ts';

/** Conditions that are well when they are True; of every other one False is well. */
const wellWhenTrue = /(Ready|Healthy|Available)$|^EtcdIsVoter$/;

/** Conditions that should worry somebody. Our own mark of maintenance is none. */
export function badConditions({ conditions }: Pick<NodeFacts, 'conditions'>): Condition[] {
  return conditions.filter(
    ({ type, status }) => type !== maintenanceCondition && status !== (wellWhenTrue.test(type) ? 'True' : 'False'),
  );
}

const ordinary = new Set([
  'node-role.kubernetes.io/control-plane',
  'node-role.kubernetes.io/master',
  'node.kubernetes.io/unschedulable',
]);

/** Taints beside those that every cordoned or control-plane node has. */
export function unusualTaints({ taints }: Pick<NodeFacts, 'taints'>): Taint[] {
  return taints.filter(({ key }) => !ordinary.has(key));
}

/** Seconds after which a lease that is not renewed has run out, as kubelets take it. */
const leaseSeconds = 40;

/** A Ready node whose lease has run out: Kubernetes has not noticed yet that its kubelet is silent. */
export function isStaleLease(ready: boolean, ageSeconds: number | undefined): boolean {
  return ready && (ageSeconds === undefined || ageSeconds > leaseSeconds);
}
