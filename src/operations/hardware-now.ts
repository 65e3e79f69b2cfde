/** What the watch and the cluster say of one server: what every health effect stands on, read again before each. */
import type { PodFacts } from '../core/cluster-facts.ts';
import { type Finding, isStanding } from '../core/finding.ts';
import type { HardwareFacts } from '../health/cordon-advice.ts';
import { crashSignal } from '../health/crashes.ts';
import { crashesOn } from './pod-crashes.ts';

export type HardwareWatch = {
  /** Of one node, alarms that cover it included. */
  findings(node: string): Finding[];
  /** When the server was last read. */
  readAt(node: string): Date | undefined;
};

/** `pods` are all of the cluster: whether a workload fails elsewhere too decides what its crash says of the node. */
export function hardwareNow(watch: HardwareWatch, node: string, pods: readonly PodFacts[]): HardwareFacts {
  const now = new Date();
  const all = watch.findings(node);
  const readAt = watch.readAt(node);
  const crashing = crashSignal(node, crashesOn(node, pods), now);
  return {
    findings: all.filter(finding => finding.node === node),
    alarms: all.filter(finding => finding.node === undefined),
    ...(crashing ? { pods: crashing } : {}),
    ...(readAt ? { readAt } : {}),
    now,
  };
}

/** Whether the signal of this id, a finding or what was seen of pods, is still there. */
export function stands({ findings, pods }: HardwareFacts, id: string): boolean {
  return pods?.id === id || findings.some(each => each.id === id && isStanding(each));
}
