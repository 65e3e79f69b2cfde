/** When a digest is due, by the clocks of its place. Pure but for the library's arithmetic with time zones. */
import { Cron } from 'croner';

export type Schedule = {
  /** Minute, hour, day of month, month, day of week. */
  cron: string;
  /** IANA name. */
  timeZone: string;
};

export type Due = {
  /** The newest moment that has come. */
  at: Date;
  /** How many came before it since the last one that was taken care of. */
  missed: number;
};

/** More are not told apart. */
const mostMissed = 1_000;

/** Undefined where none has come after `last`. */
export function dueNow({ cron, timeZone }: Schedule, last: Date, now: Date): Due | undefined {
  const schedule = new Cron(cron, { timezone: timeZone, mode: '5-part' });
  const moments: Date[] = [];
  for (let at = schedule.nextRun(last); at !== null && at <= now; at = schedule.nextRun(at)) {
    moments.push(at);
    if (moments.length > mostMissed) return { at: schedule.previousRuns(1, now)[0] ?? at, missed: mostMissed };
  }
  const at = moments.at(-1);
  return at && { at, missed: moments.length - 1 };
}

/** RFC 3339. */
export function nextAfter({ cron, timeZone }: Schedule, now: Date): string {
  return new Cron(cron, { timezone: timeZone, mode: '5-part' }).nextRun(now)?.toISOString() ?? '';
}
