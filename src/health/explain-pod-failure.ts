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
import { type OwnEviction, type Stated, statedByCluster, statedByUs } from './stated-end.ts';

export type Confidence = 'high' | 'medium' | 'low';

export type Explanation = {
  /**
   * `groundskeeper`: we evicted it. `cluster`: Kubernetes drove it off or stopped it. `workload`: the pod itself.
   * `none`: nothing in the hardware explains it. `unread`: nobody looked.
   */
  cause: FindingKind | 'log' | 'groundskeeper' | 'cluster' | 'workload' | 'none' | 'unread';
  text: string;
  confidence: Confidence;
  /** `untrusted` was written by a machine. */
  evidence: { at: string; text: string; untrusted?: string }[];
};

/** `takenAt`: when it came to us, by our clock; undefined where it was read just now. */
export type SeenEntry = LogEntry & { takenAt?: Date };

export type PodFailureFacts = {
  failure: Crash;
  /** Who tells of the failure: the pod's own status unless said, an Event alone, our records alone, or who asked. */
  told?: 'pod' | 'event' | 'records' | 'asker';
  /** Of this very pod. */
  evicted?: OwnEviction;
  /** Those of its node, cleared ones included. */
  findings: Finding[];
  /** Of the event log of its server. */
  log?: SeenEntry[];
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
  const stated = statedEnds(facts);
  const at = Date.parse(failure.at ?? '');
  if (Number.isNaN(at))
    return [...stated.map(({ explanation }) => explanation), unread('it is not known when the pod failed')];
  const small = failure.elsewhere || stated.some(({ full }) => full);
  const hardware = findings
    .filter(finding => isNear(finding, at))
    .flatMap(finding => {
      const points = pointsOf(finding, facts, small);
      return points > 0 ? [{ points, explanation: byFinding(finding, confidenceOf(points, facts)) }] : [];
    });
  const entries = log
    .map(entry => ({ ...entry, time: timeOf(entry, logAheadMs) }))
    .filter(({ severity, time }) => severity === 'critical' && Math.abs(time - at) <= near.log);
  const logged = entries.length > 0 ? [{ points: small ? 1 : 2, explanation: byLog(entries) }] : [];
  const ranked = [...stated, ...hardware, ...logged]
    .toSorted((a, b) => b.points - a.points)
    .map(({ explanation }) => explanation);
  const open = hardware.length + logged.length === 0 && failure.reason !== 'FailedScheduling';
  return open ? [...ranked, nothing(facts)] : ranked;
}

/** What is on record needs no hardware to explain it, or says at least how the pod went. */
function statedEnds({ failure, told = 'pod', evicted }: PodFailureFacts): Stated[] {
  const says = told === 'pod' || told === 'event' ? statedByCluster(failure, told) : undefined;
  if (!evicted) return says ? [says] : [];
  // Every eviction through the API leaves a Killing, which says nothing more.
  if (!says || failure.reason === 'Killing') return [statedByUs(evicted, false)];
  return [statedByUs(evicted, true), says];
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

function pointsOf({ kind, level, samples }: Finding, { failure, othersThen }: PodFailureFacts, small: boolean): number {
  const weight = weights[kind];
  if (!weight) return 0;
  const how = brokenBy(failure) ? 'crashed' : failure.container === undefined ? 'lost' : 'ended';
  const points =
    weight[how] + (level === 'critical' && weight[how] > 0 ? 1 : 0) + (othersThen > 0 && weight[how] > 0 ? 1 : 0);
  const certain = samples >= 2 ? points : points - 1;
  // Who fails on other nodes too has its own reason, and what is on record goes first.
  return small ? Math.floor(certain / 3) : certain;
}

const oneLess: Record<Confidence, Confidence> = { high: 'medium', medium: 'low', low: 'low' };

function confidenceOf(points: number, facts: PodFailureFacts): Confidence {
  return weakened(points >= 8 ? 'high' : points >= 4 ? 'medium' : 'low', facts);
}

/** Anybody may say when a pod failed, and anybody with a right to write Events may have. */
function weakened(confidence: Confidence, { told = 'pod' }: PodFailureFacts): Confidence {
  return told === 'event' || told === 'asker' ? oneLess[confidence] : confidence;
}

function byFinding({ kind, text, evidence }: Finding, confidence: Confidence): Explanation {
  return {
    cause: kind,
    text: `${text} around that time`,
    confidence,
    evidence: evidence.slice(-3).map(({ at, text: shown, untrusted }) => ({
      at,
      text: shown,
      ...(untrusted === undefined ? {} : { untrusted }),
    })),
  };
}

function byLog(entries: (SeenEntry & { time: number })[]): Explanation {
  const evidence = entries.slice(0, 3).map(({ time, created, takenAt, message }) => ({
    at: new Date(time).toISOString(),
    text: `critical entry, ${bmcTime(created)}${takenAt ? `, received ${takenAt.toISOString()}` : ''}`,
    untrusted: message,
  }));
  return { cause: 'log', text: 'the event log has critical entries from that time', confidence: 'low', evidence };
}

function nothing(facts: PodFailureFacts): Explanation {
  const { failure, readThen, unread: parts = [] } = facts;
  if (!readThen) return unread('the server was not read around that time, so its hardware cannot be ruled out');
  if (parts.length > 0 && !failure.elsewhere)
    return unread(`what was read is well, but not read around that time: ${parts.join(' and ')}`);
  const also = failure.elsewhere ? '; the workload fails on other nodes too' : '';
  return {
    cause: 'none',
    text: `nothing in the hardware explains it${also}`,
    confidence: weakened(failure.elsewhere ? 'high' : 'medium', facts),
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

/** By our clock; of an entry without a time it is known only when it came to us. */
function timeOf({ created, takenAt }: SeenEntry, logAheadMs: number): number {
  const written = Date.parse(factValue(created) ?? '');
  return Number.isNaN(written) ? (takenAt?.getTime() ?? Number.NaN) : written - logAheadMs;
}

/** By the BMC's clock, which nobody vouches for. */
function bmcTime(created: LogEntry['created']): string {
  const written = new Date(factValue(created) ?? Number.NaN);
  return Number.isNaN(written.getTime()) ? 'without a BMC time' : `BMC time ${written.toISOString()}`;
}
