/**
 * What the gates make of facts, each by itself: after a node, whether it is
 * really back; after a wave, whether the cluster bore it. What was wrong before
 * is not held against the change, and what is not known is not let pass. Pure.
 */
import { type AttachmentFacts, type NodeFacts, type PodFacts, volumeOf } from '../core/cluster-facts.ts';
import { type Finding, isStanding } from '../core/finding.ts';
import type { GateVerdict } from '../core/gate.ts';
import { qualifiedName } from './pdb-groups.ts';
import { workloadName, workloadOf } from './workload.ts';

/** Ready for so long that a flap in between would show: both times are the kubelet's, so that its clock may be wrong. */
export function judgeReady(seen: {
  node: Pick<NodeFacts, 'bootId' | 'ready' | 'readySince'>;
  /** Of the boot that was proved. */
  bootId: string;
  /** `renewTime` of its lease, at the look before and at this one. */
  lease: { before: string | undefined; now: string | undefined };
  soakMs: number;
}): GateVerdict {
  const { node, bootId, lease, soakMs } = seen;
  const gate = 'Ready';
  if (node.bootId !== bootId) return { gate, state: 'failed', saw: 'it started again, and nobody asked it to' };
  if (!node.ready) return { gate, state: 'waits', saw: 'the node is not Ready' };
  if (lease.now === undefined || lease.now === lease.before)
    return { gate, state: 'waits', saw: 'its lease does not advance' };
  const readyMs = Date.parse(lease.now) - Date.parse(node.readySince ?? '');
  if (Number.isNaN(readyMs)) return { gate, state: 'waits', saw: 'since when it is Ready is not known' };
  const saw = `Ready for ${seconds(readyMs)} without a break, lease advancing`;
  return readyMs >= soakMs
    ? { gate, state: 'passed', saw }
    : { gate, state: 'waits', saw: `${saw}; ${seconds(soakMs)} are wanted` };
}

/** Those that were ready on the node before are ready on it again. Names are qualified. */
export function judgeDaemons(before: string[], now: string[]): GateVerdict {
  const gate = 'DaemonSets';
  const away = before.filter(name => !now.includes(name));
  if (away.length > 0) return { gate, state: 'waits', saw: `not ready on it: ${away.join(', ')}` };
  return { gate, state: 'passed', saw: `${before.length} as before` };
}

/** Ids of the critical findings that stand. */
export function criticalIds(findings: readonly Finding[]): string[] {
  return findings.filter(isCritical).map(({ id }) => id);
}

/** No critical finding that did not stand before: sensors, drives, memory, new critical entries of the event log. */
export function judgeHardware(seen: {
  findings: readonly Finding[];
  /** Ids of the critical ones before the change. */
  before: string[];
  /** When the server was last read, and when it must have been read at the earliest. */
  readAt: Date | undefined;
  readAfter: Date;
}): GateVerdict {
  const { findings, before, readAt, readAfter } = seen;
  const gate = 'hardware';
  const news = findings.filter(finding => isCritical(finding) && !before.includes(finding.id));
  if (news.length > 0)
    return { gate, state: 'failed', saw: `new and critical: ${news.map(({ text }) => text).join('; ')}` };
  if (readAt === undefined || readAt < readAfter) {
    const last = readAt ? `was last read at ${readAt.toISOString()}` : 'was not read yet';
    return { gate, state: 'waits', saw: `its BMC ${last}, so nobody knows how the server fares since` };
  }
  return { gate, state: 'passed', saw: 'no new critical finding' };
}

function isCritical(finding: Finding): boolean {
  return isStanding(finding) && finding.level === 'critical';
}

/** Pods that no kubelet runs yet, by what owns them. */
export type PendingPods = Record<string, number>;

export function pendingPods(pods: readonly PodFacts[]): PendingPods {
  const found: PendingPods = {};
  for (const pod of pods) {
    if (pod.phase !== 'Pending' || pod.terminating) continue;
    const owner = ownerOf(pod);
    found[owner] = (found[owner] ?? 0) + 1;
  }
  return found;
}

/** A Deployment that is rolled out meanwhile stays the same owner. */
function ownerOf(pod: PodFacts): string {
  const workload = workloadOf(pod);
  return workload ? workloadName(workload) : `pod ${qualifiedName(pod)}`;
}

/** No owner has more pods that wait for a place than before the wave. */
export function judgePending(before: PendingPods, now: PendingPods): GateVerdict {
  const gate = 'pending pods';
  const more = Object.entries(now).filter(
    ([owner, count]) => count > (Object.hasOwn(before, owner) ? (before[owner] ?? 0) : 0),
  );
  if (more.length > 0) {
    const told = more.map(
      ([owner, count]) => `${owner}: ${count}, was ${Object.hasOwn(before, owner) ? before[owner] : 0}`,
    );
    return { gate, state: 'waits', saw: `more than before the wave: ${told.join('; ')}` };
  }
  const sum = Object.values(now).reduce((total, count) => total + count, 0);
  return { gate, state: 'passed', saw: `${sum} in the cluster, of no owner more than before` };
}

/** Names of the attachments that are on their way or in trouble. */
export function troubledVolumes(attachments: readonly AttachmentFacts[]): string[] {
  return attachments.filter(isTroubled).map(({ name }) => name);
}

/** Every attachment that a move of pods began has ended. */
export function judgeVolumes(before: string[], attachments: readonly AttachmentFacts[]): GateVerdict {
  const gate = 'volumes';
  const stuck = attachments.filter(each => isTroubled(each) && !before.includes(each.name));
  if (stuck.length === 0) return { gate, state: 'passed', saw: `${attachments.length} attached or gone` };
  const told = stuck.map(each => `${volumeOf(each)} on ${each.node} ${troubleOf(each)}`);
  return { gate, state: 'waits', saw: told.join('; ') };
}

function isTroubled({ attached, detachingSince, error }: AttachmentFacts): boolean {
  return !attached || detachingSince !== undefined || error !== undefined;
}

/** The driver's own words stay away: they are a machine's. */
function troubleOf({ detachingSince, error }: AttachmentFacts): string {
  const failed = error === undefined ? '' : ', and its driver reports an error';
  return detachingSince ? `is being detached since ${detachingSince}${failed}` : `is not attached${failed}`;
}

function seconds(ms: number): string {
  return `${Math.floor(ms / 1000)} s`;
}

/** The gates of one look, as one line. */
export function tellGates(verdicts: readonly GateVerdict[]): string {
  return verdicts.map(({ gate, saw }) => `${gate}: ${saw}`).join('; ');
}
