/**
 * Critical entries of the event logs, each told once. Where an entry stands in
 * the log says whether it is new; only where that says nothing is its age asked
 * for, by the BMC's own clock.
 */
import { factValue, type KnownEntries, type LogEntry } from '../../core/bmc.ts';
import type { HealthSample, LogReading } from '../../core/hardware.ts';
import { type FreshEntry, knownIn, type LogCursor, takeIn } from '../log-cursor.ts';
import type { Observation } from '../observation.ts';

export type LogState = {
  /** By log. */
  cursors: Record<string, LogCursor>;
  /** Times at which new critical ones were found, milliseconds since 1970, and the text of the newest. */
  news: { at: number; count: number }[];
  newest?: string;
};

/** An entry that was never taken in before. */
export type TakenEntry = LogEntry & { log: string };

const dayMs = 24 * 3_600_000;
const newsKept = 20;
const messageKept = 200;

export function knownEntries(state: LogState | undefined): KnownEntries {
  return log => {
    const cursor = state?.cursors[log];
    return cursor === undefined ? undefined : knownIn(cursor);
  };
}

export function observeLog(
  state: LogState | undefined,
  sample: Pick<HealthSample, 'log' | 'logs' | 'bmcTime'>,
  now: number,
): { state: LogState | undefined; observations: Observation[]; taken: TakenEntry[] } {
  const readings = readingsOf(sample);
  if (!readings) return { state, observations: [], taken: [] };
  const clock = Date.parse(factValue(sample.bmcTime) ?? '');
  const read = readings.map(reading => {
    const cursor = state?.cursors[reading.log];
    return { log: reading.log, wasRead: cursor !== undefined, ...takeIn(cursor, reading) };
  });
  const fresh = read.flatMap(({ fresh: entries, wasRead }) =>
    // What stood there when the log was first read is news only if it is known to be young; later, unless it is known to be old.
    entries.filter(each => isNews(each, isYoung(each.entry, clock) ?? wasRead)),
  );
  const earlier = (state?.news ?? []).filter(({ at }) => now - at < dayMs);
  const news = fresh.length > 0 ? [...earlier, { at: now, count: fresh.length }].slice(-newsKept) : earlier;
  const newest = fresh[0]?.entry.message.slice(0, messageKept).toWellFormed() ?? state?.newest;
  const next: LogState = {
    cursors: { ...state?.cursors, ...Object.fromEntries(read.map(({ log, cursor }) => [log, cursor])) },
    news,
    ...(newest === undefined ? {} : { newest }),
  };
  const taken = read.flatMap(({ log, fresh: entries }) => entries.map(({ entry }) => ({ ...entry, log })));
  return { state: next, observations: [seenIn(next)], taken };
}

function readingsOf({ log, logs }: Pick<HealthSample, 'log' | 'logs'>): LogReading[] | undefined {
  const entries = factValue(log);
  return logs ?? (entries && [{ log: '', entries, whole: true }]);
}

function isNews({ entry, sure }: FreshEntry, ifUnsure: boolean): boolean {
  return entry.severity === 'critical' && (sure || ifUnsure);
}

/** Undefined where either time is not known. */
function isYoung({ created }: LogEntry, clock: number): boolean | undefined {
  const age = clock - Date.parse(factValue(created) ?? '');
  return Number.isNaN(age) ? undefined : age < dayMs;
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
