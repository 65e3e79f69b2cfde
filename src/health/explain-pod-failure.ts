/**
 * Why a pod failed, as far as the hardware under it can tell: what was wrong
 * with the server around that moment, weighed by whether such a fault ends a
 * process in this way. Two things at one time are no proof, and often the
 * answer is that nothing in the hardware explains it.
 */
import type { LogEntry } from '../core/bmc.ts';
import { factValue } from '../core/bmc.ts';
import type { Finding, FindingKind } from '../core/finding.ts';
import { brokenBy, type Crash } from './crashes.ts';

export type Confidence = 'high' | 'medium' | 'low';

export type Explanation = {
  /** `workload`: the pod itself. `none`: nothing in the hardware explains it. `unread`: nobody looked. */
  cause: FindingKind | 'log' | 'workload' | 'none' | 'unread';
  text: string;
  confidence: Confidence;
  /** `untrusted` was written by a machine. */
  evidence: { at: string; text: string; untrusted?: string }[];
};

export type PodFailureFacts = {
  failure: Crash;
  /** Those of its node, cleared ones included. */
  findings: Finding[];
  /** The newest of the event log of its server. */
  log?: LogEntry[];
  /** By so many milliseconds the clock that wrote it is ahead of ours. */
  logAheadMs?: number;
  /** Whether the server was read within minutes of the failure. */
  readThen: boolean;
  /** Parts that were not read then although the server was, such as `memory`. */
  unread?: string[];
  /** Other workloads of the node that failed within minutes of it. */
  othersThen: number;
};

/** Milliseconds: how long before the failure a fault may have shown last, and how long after it may show first. */
const near = { before: 30 * 60_000, after: 15 * 60_000, log: 10 * 60_000 };

/** The likeliest first; never empty. */
export function explainPodFailure(facts: PodFailureFacts): Explanation[] {
  const { failure, findings, log = [], logAheadMs = 0 } = facts;
  const at = Date.parse(failure.at ?? '');
  if (Number.isNaN(at)) return [unread('it is not known when the pod failed')];
  const own = ownDoing(failure);
  const hardware = findings
    .filter(finding => isNear(finding, at))
    .flatMap(finding => {
      const points = pointsOf(finding, facts);
      return points > 0 ? [{ points, explanation: byFinding(finding, points) }] : [];
    });
  const entries = log
    .map(entry => ({ ...entry, time: timeOf(entry) - logAheadMs }))
    .filter(({ severity, time }) => severity === 'critical' && Math.abs(time - at) <= near.log);
  const logged = entries.length > 0 ? [{ points: own || failure.elsewhere ? 1 : 2, explanation: byLog(entries) }] : [];
  const ranked = [...hardware, ...logged, ...(own ? [{ points: 8, explanation: own }] : [])]
    .toSorted((a, b) => b.points - a.points)
    .map(({ explanation }) => explanation);
  return ranked.length > 0 ? ranked : [nothing(facts)];
}

/** What Kubernetes itself says ended it: hardware has little to add. */
function ownDoing({ reason, at = '' }: Crash): Explanation | undefined {
  const told: Record<string, string> = {
    OOMKilled: 'it used more memory than its limit or its node allows',
    Evicted: 'the kubelet evicted it, for want of disk, memory or processes',
    DeadlineExceeded: 'it ran longer than it may',
    Preempting: 'a pod of higher priority took its place',
  };
  const text = told[reason];
  return text
    ? { cause: 'workload', text, confidence: 'high', evidence: [{ at, text: `reason ${reason}` }] }
    : undefined;
}

/** How well each kind of fault explains a process that crashed, one that was ended otherwise, and a pod lost as a whole. */
const weights: Partial<Record<FindingKind, { crashed: number; ended: number; lost: number }>> = {
  'memory-uncorrectable': { crashed: 9, ended: 5, lost: 9 },
  'memory-corrected': { crashed: 4, ended: 2, lost: 2 },
  'memory-health': { crashed: 4, ended: 2, lost: 3 },
  'component-temperature': { crashed: 2, ended: 3, lost: 6 },
  fan: { crashed: 1, ended: 1, lost: 2 },
  'power-supply': { crashed: 0, ended: 0, lost: 5 },
  'power-redundancy': { crashed: 0, ended: 0, lost: 4 },
  'drive-health': { crashed: 2, ended: 5, lost: 4 },
  'drive-predicted-failure': { crashed: 1, ended: 3, lost: 2 },
  'system-health': { crashed: 1, ended: 1, lost: 2 },
};

function pointsOf({ kind, level, samples }: Finding, { failure, othersThen }: PodFailureFacts): number {
  const weight = weights[kind];
  if (!weight) return 0;
  const how = brokenBy(failure) ? 'crashed' : failure.container === undefined ? 'lost' : 'ended';
  const points =
    weight[how] + (level === 'critical' && weight[how] > 0 ? 1 : 0) + (othersThen > 0 && weight[how] > 0 ? 1 : 0);
  const certain = samples >= 2 ? points : points - 1;
  // Who fails on other nodes too has its own reason, and what Kubernetes says goes first.
  return failure.elsewhere || ownDoing(failure) ? Math.floor(certain / 3) : certain;
}

function byFinding({ kind, text, evidence }: Finding, points: number): Explanation {
  return {
    cause: kind,
    text: `${text} around that time`,
    confidence: points >= 8 ? 'high' : points >= 4 ? 'medium' : 'low',
    evidence: evidence.slice(-3).map(({ at, text: shown, untrusted }) => ({
      at,
      text: shown,
      ...(untrusted === undefined ? {} : { untrusted }),
    })),
  };
}

function byLog(entries: { time: number; message: string }[]): Explanation {
  const evidence = entries
    .slice(0, 3)
    .map(({ time, message }) => ({ at: new Date(time).toISOString(), text: 'critical entry', untrusted: message }));
  return { cause: 'log', text: 'the event log has critical entries from that time', confidence: 'low', evidence };
}

function nothing({ failure, readThen, unread: parts = [] }: PodFailureFacts): Explanation {
  if (!readThen) return unread('the server was not read around that time, so its hardware cannot be ruled out');
  if (parts.length > 0 && !failure.elsewhere)
    return unread(`what was read is well, but not read around that time: ${parts.join(' and ')}`);
  const also = failure.elsewhere ? '; the workload fails on other nodes too' : '';
  return {
    cause: 'none',
    text: `nothing in the hardware explains it${also}`,
    confidence: failure.elsewhere ? 'high' : 'medium',
    evidence: [],
  };
}

function unread(text: string): Explanation {
  return { cause: 'unread', text, confidence: 'low', evidence: [] };
}

/** It takes some samples to open a finding, so the fault may be older than that, and a failure shortly before still fits. */
function isNear({ since, lastSeen }: Finding, at: number): boolean {
  return at >= Date.parse(since) - near.after && at <= Date.parse(lastSeen) + near.before;
}

/** By the BMC's clock. */
function timeOf({ created }: LogEntry): number {
  return Date.parse(factValue(created) ?? '');
}
