/**
 * Critical entries of the event log, each told once. Ids start again after a
 * log is cleared, and a page may show old entries again, so an entry is known
 * by id, time and text together, and its age by the BMC's own clock.
 */
import { factValue, type LogEntry } from '../../core/bmc.ts';
import type { HealthSample } from '../../core/hardware.ts';
import type { Observation } from '../observation.ts';

export type LogState = {
  /** Critical entries that were seen already, oldest first. */
  seen: string[];
  /** Times at which new ones were found, milliseconds since 1970, and the text of the newest. */
  news: { at: number; count: number }[];
  newest?: string;
};

const dayMs = 24 * 3_600_000;
const seenKept = 60;
const newsKept = 20;
const messageKept = 200;

export function observeLog(
  state: LogState | undefined,
  { log, bmcTime }: Pick<HealthSample, 'log' | 'bmcTime'>,
  now: number,
): { state: LogState | undefined; observations: Observation[] } {
  const entries = factValue(log);
  if (!entries) return { state, observations: [] };
  const known = new Set(state?.seen);
  const unseen = entries.filter(entry => entry.severity === 'critical' && !known.has(keyOf(entry)));
  const clock = Date.parse(factValue(bmcTime) ?? '');
  // What stood there at the first look is news only if it is known to be young; later, unless it is known to be old.
  const fresh = unseen.filter(entry => isYoung(entry, clock) ?? state !== undefined);
  const earlier = (state?.news ?? []).filter(({ at }) => now - at < dayMs);
  const news = fresh.length > 0 ? [...earlier, { at: now, count: fresh.length }].slice(-newsKept) : earlier;
  const newest = fresh[0]?.message.slice(0, messageKept) ?? state?.newest;
  const next: LogState = {
    seen: [...(state?.seen ?? []), ...unseen.toReversed().map(keyOf)].slice(-seenKept),
    news,
    ...(newest === undefined ? {} : { newest }),
  };
  return { state: next, observations: [seenIn(next)] };
}

/** Undefined where either time is not known. */
function isYoung({ created }: LogEntry, clock: number): boolean | undefined {
  const age = clock - Date.parse(factValue(created) ?? '');
  return Number.isNaN(age) ? undefined : age < dayMs;
}

/** A few characters stand for the text: the state is kept for every server. */
function keyOf({ id, created, message }: LogEntry): string {
  let hash = 0;
  for (let i = 0; i < message.length; i++) hash = (Math.imul(hash, 31) + message.charCodeAt(i)) | 0;
  return `${id} ${factValue(created) ?? ''} ${(hash >>> 0).toString(36)}`;
}

function seenIn({ news, newest }: LogState): Observation {
  const count = news.reduce((total, each) => total + each.count, 0);
  return {
    kind: 'log-critical',
    part: { name: 'event log' },
    verdict: count > 0 ? 'warning' : 'good',
    text: `${count} new critical ${count === 1 ? 'entry' : 'entries'} in the event log within a day`,
    value: count,
    ...(newest === undefined ? {} : { untrusted: newest }),
  };
}
