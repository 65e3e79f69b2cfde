/**
 * What is remembered of cordons for hardware beyond one life of the process:
 * how many were asked for lately, which stand, and which a person took back.
 */
import { z } from 'zod';
import type { CordonStatus } from '../core/health-records.ts';

const held = z.object({
  plan: z.string(),
  nodeUid: z.string(),
  /** Ids of the signals that it rests on. */
  signals: z.array(z.string()),
  /** Operators were asked to let it be drained. */
  drainAsked: z.boolean(),
});

const memory = z.object({
  /** RFC 3339 times at which cordons were asked for, oldest first. */
  asked: z.array(z.iso.datetime()),
  /** Since when a person has to look before another is asked for. */
  stoppedSince: z.iso.datetime().optional(),
  /** By node: asked for, and not yet seen to have ended. */
  held: z.record(z.string(), held),
  /** By node: signals whose cordon a person took back, while they last. */
  declined: z.record(z.string(), z.array(z.string())),
  /** Nodes whose condition says that they fail. */
  marked: z.array(z.string()),
});

export type CordonMemory = z.infer<typeof memory>;

const hourMs = 3_600_000;

/** A record that cannot be read stops everything until a person has looked: it may have counted anything. */
export function remembered(stored: unknown, now: Date): CordonMemory {
  const empty: CordonMemory = { asked: [], held: {}, declined: {}, marked: [] };
  if (stored === undefined) return empty;
  const parsed = memory.safeParse(stored);
  return parsed.success ? parsed.data : { ...empty, stoppedSince: now.toISOString() };
}

/** Counts one more cordon, unless there were `most` within the hour: then no more until a person resumes. */
export function countedCordon(
  before: CordonMemory,
  { most, now }: { most: number; now: Date },
): { memory: CordonMemory; stopped: boolean } {
  const recent = before.asked.filter(at => now.getTime() - Date.parse(at) < hourMs);
  if (before.stoppedSince !== undefined) return { memory: before, stopped: true };
  // Unless it is a whole number above zero, nothing is allowed.
  if (!(Number.isSafeInteger(most) && recent.length < most))
    return { memory: { ...before, asked: recent, stoppedSince: now.toISOString() }, stopped: true };
  return { memory: { ...before, asked: [...recent, now.toISOString()] }, stopped: false };
}

/** As a person wants who has looked: the count begins anew. */
export function resumed({ stoppedSince: _, ...before }: CordonMemory): CordonMemory {
  return { ...before, asked: [] };
}

export function statusOf({ stoppedSince, held: standing }: CordonMemory): CordonStatus {
  const nodes = Object.keys(standing).toSorted();
  return stoppedSince === undefined ? { state: 'on', nodes } : { state: 'stopped', since: stoppedSince, nodes };
}
