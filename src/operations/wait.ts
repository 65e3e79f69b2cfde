/** Waiting for the outside world: look, wait, look again, with an end that says what was missing. */
import { setTimeout as delay } from 'node:timers/promises';
import { FleetError } from '../core/errors.ts';

export type Wait<T> = {
  /** What is waited for, as it completes "timed out waiting for …". */
  what: string;
  everyMs: number | (() => number);
  /**
   * Wall-clock deadline, milliseconds since the epoch; journaled, so that a restart does not extend it. Where a failed look tells
   * from when on another may pass, it gets its chance, once: what may not be asked until then has not been silent.
   */
  by: number;
  /** A value ends the wait; a string says what is still missing. Outages (`retry: later`) count as missing. */
  look(): Promise<{ value: T } | { missing: string }>;
  /** Why nobody wants the value any more, if so; asked after every look in vain. */
  stopReason?(): Promise<string | undefined>;
};

/**
 * Throws `timeout` naming what was missing at the last look, and `stopped` where a stop reason ended the wait; failures
 * that time cannot heal pass through.
 */
export async function waitFor<T>({ what, everyMs, by, look, stopReason }: Wait<T>): Promise<T> {
  let end = by;
  for (;;) {
    const seen = await look().catch(outage);
    if ('value' in seen) return seen.value;
    const why = await stopReason?.().catch(() => undefined);
    if (why) throw new FleetError({ code: 'stopped', message: `stopped while waiting for ${what}: ${why}` });
    const pauseMs = typeof everyMs === 'number' ? everyMs : everyMs();
    if ('after' in seen && Date.now() < by) end = Math.max(by, seen.after + severalLooks * pauseMs);
    if (Date.now() >= end)
      throw new FleetError({ code: 'timeout', message: `timed out waiting for ${what}: ${seen.missing}` });
    await delay(pauseMs);
  }
}

/** Evidence that grows over time cannot be seen in one. */
const severalLooks = 20;

/** A deadline that leaves several looks, after a long stop too. */
export function enough(by: number, pollMs: number): number {
  return Math.max(by, Date.now() + severalLooks * pollMs);
}

/** How long words on a Node wait for an API server that is away: a short outage. */
export function briefly(pollMs: number): number {
  return Date.now() + 15 * pollMs;
}

type Question = { job: { target: { cluster: string }; timings: { pollMs: number } } } & Pick<
  Wait<unknown>,
  'by' | 'stopReason'
>;

/** Reads the cluster, and waits through its outages. Throws `timeout` when it is still away at the deadline. */
export function answered<T>({ job, ...until }: Question, read: () => Promise<T>): Promise<T> {
  const what = `the API server of ${job.target.cluster} to answer`;
  return waitFor({ what, everyMs: job.timings.pollMs, ...until, look: async () => ({ value: await read() }) });
}

/**
 * One read for all that ask while it is under way, or within `everyMs` of its begin. A failure is everybody's, and the next
 * one reads again. What was read is let go soon after: hundreds of nodes at work would each keep what it once saw of a cluster.
 */
export function sharedRead<T>(read: () => Promise<T>, everyMs: number): () => Promise<T> {
  let last: { at: number; pending: boolean; value: Promise<T> } | undefined;
  return () => {
    if (last !== undefined && (last.pending || Date.now() - last.at < everyMs)) return last.value;
    const mine = { at: Date.now(), pending: true, value: read() };
    const forget = () => {
      if (last === mine) last = undefined;
    };
    mine.value.then(() => {
      mine.pending = false;
      setTimeout(forget, everyMs).unref();
    }, forget);
    last = mine;
    return mine.value;
  };
}

/**
 * Repeats the last act of an operation until it succeeds: nothing else would ever make up for it. A process that has
 * nothing else to do may end meanwhile; the next one repeats the act.
 */
export async function insist<T>(everyMs: number, act: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await act();
    } catch {
      await delay(everyMs, undefined, { ref: false });
    }
  }
}

/** Reads a BMC that may be starting: what it does not show yet (404) it may show later, and a {@link waitFor} goes on. */
export async function whileStarting<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (thrown) {
    if (!(thrown instanceof FleetError) || thrown.code !== 'not_found') throw thrown;
    throw new FleetError({ code: 'bmc_unreachable', retry: 'later', message: thrown.message, cause: thrown });
  }
}

function outage(thrown: unknown): { missing: string } | { missing: string; after: number } {
  const error = FleetError.from(thrown);
  if (error.retry !== 'later') throw error;
  const { message: missing } = error;
  const after = Date.parse(error.after ?? '');
  return Number.isNaN(after) ? { missing } : { missing, after };
}
