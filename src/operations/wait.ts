/** Waiting for the outside world: look, wait, look again, with an end that says what was missing. */
import { setTimeout as delay } from 'node:timers/promises';
import { FleetError } from '../core/errors.ts';

export type Wait<T> = {
  /** What is waited for, as it completes "timed out waiting for …". */
  what: string;
  everyMs: number;
  /** Wall-clock deadline, milliseconds since the epoch; journaled, so that a restart does not extend it. */
  by: number;
  /** A value ends the wait; a string says what is still missing. Outages (`retry: later`) count as missing. */
  look(): Promise<{ value: T } | { missing: string }>;
};

/** Throws `timeout` naming what was missing at the last look; failures that time cannot heal pass through. */
export async function waitFor<T>({ what, everyMs, by, look }: Wait<T>): Promise<T> {
  for (;;) {
    const seen = await look().catch(outage);
    if ('value' in seen) return seen.value;
    if (Date.now() >= by)
      throw new FleetError({ code: 'timeout', message: `timed out waiting for ${what}: ${seen.missing}` });
    await delay(everyMs);
  }
}

/**
 * Repeats the last act of an operation until it succeeds: nothing else would ever make up for it. A process that has
 * nothing else to do may end meanwhile; the next one repeats the act.
 */
export async function insist(everyMs: number, act: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await act();
    } catch {
      await delay(everyMs, undefined, { ref: false });
    }
  }
}

function outage(thrown: unknown): { missing: string } {
  const error = FleetError.from(thrown);
  if (error.retry !== 'later') throw error;
  return { missing: error.message };
}
