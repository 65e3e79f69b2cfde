/**
 * What is wrong with a server, followed over time: it opens when enough samples
 * show it, and clears when enough show that it is over. One reading makes no
 * finding, and a reading that is missing neither opens nor clears one.
 */

export const findingKinds = [
  'memory-uncorrectable',
  'memory-corrected',
  'memory-health',
  'fan',
  'fan-redundancy',
  'component-temperature',
  'inlet-temperature',
  'power-supply',
  'power-redundancy',
  'drive-health',
  'drive-predicted-failure',
  'drive-wear',
  'log-critical',
  'log-full',
  'system-health',
  'bmc-unreachable',
  'bmc-degraded',
  'clock-skew',
  'firmware-drift',
  'certificate-expiry',
  'site-inlet',
  'site-unreachable',
] as const;

export type FindingKind = (typeof findingKinds)[number];
export type FindingLevel = 'warning' | 'critical';

/** A server by its node and where it stands. Without `node`, a whole rack or site. */
export type FindingSubject = { site: string; rack?: string; node?: string };

/** What one sample showed. `untrusted` is text that a machine wrote. */
export type Evidence = { at: string; text: string; value?: number; untrusted?: string };

/** Times are RFC 3339, by our clock. */
export type Finding = FindingSubject & {
  /** The same for the same server, kind and part, whenever it opens. */
  id: string;
  kind: FindingKind;
  level: FindingLevel;
  /** What it is about, as the BMC names it. */
  part: { name: string; uri?: string };
  /** The newest of what was wrong, one clause. */
  text: string;
  state: 'open' | 'acknowledged' | 'cleared';
  /** It came and went so often that only a person ends it. */
  latched: boolean;
  /** When it opened. */
  since: string;
  /** When a sample last showed it. */
  lastSeen: string;
  /** When its part was last read at all; see `notReadSince`. */
  lastRead: string;
  /** Samples that showed it since it opened. */
  samples: number;
  clearedAt?: string;
  acknowledged?: { by: string; at: string };
  /** The first and the newest of it, oldest first. */
  evidence: Evidence[];
  /** Of an alarm of a rack or site: the nodes that it speaks for. */
  covers?: string[];
  /** Id of the alarm of a rack or site that tells this finding too. */
  foldedUnder?: string;
};

/** Milliseconds after which a part that is not read any more is told as such. */
const readFreshMs = 10 * 60_000;

/** RFC 3339 time of the last reading of its part, once that is long ago. */
export function notReadSince({ lastRead, state }: Finding, now: Date): string | undefined {
  return state !== 'cleared' && now.getTime() - Date.parse(lastRead) > readFreshMs ? lastRead : undefined;
}

/** Still wrong, or not known to be over. */
export function isStanding({ state }: Finding): boolean {
  return state !== 'cleared';
}

/** One number for a server, and what it comes from. */
export type ServerScore =
  | { level: 'ok' | 'warning' | 'critical' /** 100 is well, below 41 is critical. */; score: number; reasons: string[] }
  | { level: 'unknown'; reasons: string[] };
