/** Visits every server again and again, each at its own pace: one that is slow is visited less often, and none waits for another. */
import { type Clock, wallClock } from './clock.ts';

export type BeatOptions = {
  nodes: string[];
  everyMs: number;
  /** The first visits are spread over this time. Milliseconds. */
  spreadMs: number;
  /** Between the end of a visit and one that is brought forward. Milliseconds. */
  restMs?: number;
  /** One at a time for each node. Answers how many milliseconds the BMC was busy with it; throws nothing. */
  visit(node: string, signal: AbortSignal): Promise<number>;
  /** The wall's unless said. */
  clock?: Clock | undefined;
};

export type Beat = {
  /** Brings the next visit of a node forward, beside its beat; false when that was asked for already. */
  hurry(node: string): boolean;
  stop(): void;
};

/** A BMC spends at most this share of its time on us. */
const busyShare = 0.25;

/** What is under way at the stop is told by its signal. */
export function keepBeat({ nodes, everyMs, spreadMs, restMs = 0, visit, clock = wallClock }: BeatOptions): Beat {
  const stopping = new AbortController();
  const { signal } = stopping;
  const hurried = new Set<string>();
  const asleep = new Map<string, AbortController>();
  for (const [index, node] of nodes.entries()) void follow(node, clock.now() + (index / nodes.length) * spreadMs);
  return {
    hurry(node) {
      if (hurried.has(node)) return false;
      hurried.add(node);
      asleep.get(node)?.abort();
      return true;
    },
    stop() {
      stopping.abort();
      for (const sleeper of asleep.values()) sleeper.abort();
    },
  };

  async function follow(node: string, first: number): Promise<void> {
    let planned = first;
    let rested = 0;
    while (!signal.aborted) {
      const next = hurried.has(node) ? Math.min(planned, rested) : planned;
      const early = next - clock.now();
      if (early > 0) {
        await sleep(node, early);
        continue;
      }
      // An event that comes while the visit goes on may tell of what it has passed already.
      hurried.delete(node);
      const onBeat = clock.now() >= planned;
      const tookMs = await visit(node, signal);
      const now = clock.now();
      rested = now + Math.max(restMs, restAfter(tookMs));
      planned = nextVisit({ planned: onBeat ? planned : planned - everyMs, now, tookMs, everyMs });
    }
  }

  async function sleep(node: string, ms: number): Promise<void> {
    const sleeper = new AbortController();
    asleep.set(node, sleeper);
    await clock.sleep(ms, sleeper.signal);
    asleep.delete(node);
  }
}

/** Keeps the beat of the first visit, and leaves out beats that come too soon after a slow one. Milliseconds. */
export function nextVisit(last: { planned: number; now: number; tookMs: number; everyMs: number }): number {
  const { planned, now, tookMs, everyMs } = last;
  const earliest = now + restAfter(tookMs);
  const beats = Math.max(1, Math.ceil((earliest - planned) / everyMs));
  return planned + beats * everyMs;
}

function restAfter(tookMs: number): number {
  return Math.max(0, tookMs / busyShare - tookMs);
}
