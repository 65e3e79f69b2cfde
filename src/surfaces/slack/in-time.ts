/**
 * What somebody presses or types counts soon, or not at all: whoever saw
 * nothing happen may have changed their mind by the time that Slack, the
 * directory or the database is back. They are told, and do it again.
 */
import { FleetError } from '../../core/errors.ts';

const countsForMs = 60_000;

/** Milliseconds since 1970: now, or when Slack says that it was done (`ts`, in seconds) or sent (`sentAt`), where that is earlier. */
export function doneAt(sent: Record<string, unknown>, ts?: string): number {
  const told = [Number(sent.sentAt), Number(ts) * 1000].filter(Number.isFinite);
  return Math.min(Date.now(), ...told);
}

/** To be called just before something is changed or a vote is cast. Throws `precondition_failed` where that comes too late. */
export function inTime(done: number): void {
  const lateMs = Date.now() - done;
  if (lateMs <= countsForMs) return;
  throw new FleetError({
    code: 'precondition_failed',
    retry: 'ask',
    message: `nothing was done: it took ${Math.round(lateMs / 1000)} s to get this far, and what you do counts for ${countsForMs / 1000} s`,
    hint: 'do it again if you still mean it; where that says the same, the clock of the service is wrong',
  });
}
