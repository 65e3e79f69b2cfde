/** Visits every server again and again, each at its own pace: one that is slow is visited less often, and none waits for another. */
import { type Clock, wallClock } from './clock.ts';

export type BeatOptions = {
  nodes: string[];
  everyMs: number;
  /** The first visits are spread over this time. Milliseconds. */
  spreadMs: number;
  /** One at a time for each node. Answers how many milliseconds the BMC was busy with it; throws nothing. */
  visit(node: string, signal: AbortSignal): Promise<number>;
  /** The wall's unless said. */
  clock?: Clock | undefined;
};

/** A BMC spends at most this share of its time on us. */
const busyShare = 0.25;

/** What is under way at the stop is told by its signal. */
export function keepBeat({ nodes, everyMs, spreadMs, visit, clock = wallClock }: BeatOptions): { stop(): void } {
  const stopping = new AbortController();
  const { signal } = stopping;
  for (const [index, node] of nodes.entries()) void follow(node, clock.now() + (index / nodes.length) * spreadMs);
  return { stop: () => stopping.abort() };

  async function follow(node: string, first: number): Promise<void> {
    for (let planned = first; !signal.aborted; ) {
      await clock.sleep(Math.max(0, planned - clock.now()), signal);
      if (signal.aborted) return;
      const tookMs = await visit(node, signal);
      planned = nextVisit({ planned, now: clock.now(), tookMs, everyMs });
    }
  }
}

/** Keeps the beat of the first visit, and leaves out beats that come too soon after a slow one. Milliseconds. */
export function nextVisit(last: { planned: number; now: number; tookMs: number; everyMs: number }): number {
  const { planned, now, tookMs, everyMs } = last;
  const earliest = now + Math.max(0, tookMs / busyShare - tookMs);
  const beats = Math.max(1, Math.ceil((earliest - planned) / everyMs));
  return planned + beats * everyMs;
}
