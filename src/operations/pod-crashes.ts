/** Failures of pods as the judgement of hardware wants them: by workload, and with what else failed at that time. */
import type { PodFacts } from '../core/cluster-facts.ts';
import type { Crash } from '../health/crashes.ts';
import { ownerName } from '../planning/workload.ts';

/** Failures this close to each other have to do with each other, milliseconds. */
export const togetherMs = 10 * 60_000;

type Pods = readonly PodFacts[];

/** How this pod failed last; undefined where it shows no failure. */
export function crashOf(pod: PodFacts, pods: Pods): Crash | undefined {
  return pod.failure && { ...pod.failure, workload: ownerName(pod), elsewhere: failsElsewhere(pod, pods) };
}

/** The newest failure of each pod of a node. */
export function crashesOn(node: string, pods: Pods): Crash[] {
  return pods.filter(pod => pod.node === node).flatMap(pod => crashOf(pod, pods) ?? []);
}

/** A failure by where and when it was; `at` is RFC 3339. */
export type FailureMoment = { node: string; at?: string; workload: string };

/** Other workloads of its node that failed at about the same time. */
export function failedTogether({ node, at, workload }: FailureMoment, pods: Pods): string[] {
  const others = pods.filter(
    each => each.node === node && ownerName(each) !== workload && isTogether(each.failure?.at, at),
  );
  return [...new Set(others.map(ownerName))].toSorted();
}

/** Pods of the same workload on other nodes that failed at about the same time. */
function failsElsewhere(pod: PodFacts, pods: Pods): boolean {
  const workload = ownerName(pod);
  return pods.some(
    each =>
      each.node !== pod.node &&
      each.controller !== undefined &&
      ownerName(each) === workload &&
      isTogether(each.failure?.at, pod.failure?.at),
  );
}

function isTogether(a: string | undefined, b: string | undefined): boolean {
  return Math.abs(Date.parse(a ?? '') - Date.parse(b ?? '')) <= togetherMs;
}
