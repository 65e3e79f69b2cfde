/** One number for a server, and the reasons for it. */
import { type Finding, isStanding, notReadSince, type ServerScore } from '../core/finding.ts';
import type { ServerState } from './evaluate.ts';

/** A server that was not read for this long is not known to be well. Milliseconds. */
const freshMs = 15 * 60_000;
const costs = { critical: 60, warning: 15, aside: 5 };
/** What concerns the care of a server more than its health. */
const asides = new Set<Finding['kind']>([
  'bmc-unreachable',
  'bmc-degraded',
  'clock-skew',
  'firmware-drift',
  'certificate-expiry',
  'log-full',
]);

/**
 * Unknown when the server was never read, or not lately; a critical finding
 * stands even then. What an alarm of its rack or site tells counts for that
 * alarm, and is only named here.
 */
export function scoreOf(state: ServerState | undefined, findings: Finding[], now: Date): ServerScore {
  const standing = findings.filter(isStanding).toSorted((a, b) => costOf(b) - costOf(a));
  const own = standing.filter(({ foldedUnder }) => foldedUnder === undefined);
  const told = standing.map(finding => reasonOf(finding, now));
  const score = Math.max(0, 100 - own.reduce((total, finding) => total + costOf(finding), 0));
  const unread = unreadReason(state, now);
  const reasons = unread === undefined ? told : [unread, ...told];
  if (own.some(isCritical)) return { level: 'critical', score: Math.min(score, 40), reasons };
  if (unread !== undefined) return { level: 'unknown', reasons };
  // Many warnings are many warnings.
  return { level: own.length > 0 ? 'warning' : 'ok', score: Math.max(score, 41), reasons };
}

function isCritical({ level, kind }: Finding): boolean {
  return level === 'critical' && !asides.has(kind);
}

function costOf(finding: Finding): number {
  return asides.has(finding.kind) ? costs.aside : costs[finding.level];
}

function reasonOf(finding: Finding, now: Date): string {
  const notRead = notReadSince(finding, now);
  return `${finding.text}${notRead === undefined ? '' : ` (not read since ${notRead})`}`;
}

function unreadReason(state: ServerState | undefined, now: Date): string | undefined {
  if (state?.readAt === undefined) return 'nothing was read yet';
  if (now.getTime() - state.readAt <= freshMs) return undefined;
  return `nothing was read since ${new Date(state.readAt).toISOString()}`;
}
