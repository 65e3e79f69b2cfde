/**
 * Looks at every server again and again, each at its own pace: a BMC that is
 * slow is asked less often, and none waits for another.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Bmcs } from '../core/bmc.ts';
import { FleetError } from '../core/errors.ts';
import type { HealthSample } from '../core/hardware.ts';

/** What one look gave: a sample, or why there is none. `at` is when it began. */
export type Look = { node: string; at: Date; tookMs: number } & ({ sample: HealthSample } | { missing: FleetError });

export type SamplerOptions = {
  nodes: string[];
  bmcs: Pick<Bmcs, 'of'>;
  everyMs: number;
  /** Called for every look, one at a time for each node. */
  take(look: Look): Promise<void>;
  /** What `take` threw. The sampler goes on. */
  onError(error: FleetError): void;
};

/** A BMC spends at most this share of its time on us. */
const busyShare = 0.25;

/** Begins spread over the first interval. What is under way at the stop is dropped. */
export function startSampler({ nodes, bmcs, everyMs, take, onError }: SamplerOptions): { stop(): void } {
  const stopping = new AbortController();
  const { signal } = stopping;
  for (const [index, node] of nodes.entries()) void follow(node, Date.now() + (index / nodes.length) * everyMs);
  return { stop: () => stopping.abort() };

  async function follow(node: string, first: number): Promise<void> {
    for (let planned = first; !signal.aborted; ) {
      await delay(Math.max(0, planned - Date.now()), undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return;
      const look = await lookAt(node);
      if (signal.aborted) return;
      await take(look).catch((error: unknown) => onError(FleetError.from(error)));
      planned = nextLook({ planned, now: Date.now(), tookMs: look.tookMs, everyMs });
    }
  }

  async function lookAt(node: string): Promise<Look> {
    const at = new Date();
    const ended = () => ({ node, at, tookMs: Date.now() - at.getTime() });
    return bmcs
      .of(node)
      .sample()
      .then(
        sample => ({ ...ended(), sample }),
        (thrown: unknown) => ({ ...ended(), missing: FleetError.from(thrown) }),
      );
  }
}

/** Keeps the beat of the first look, and leaves out beats that come too soon after a slow one. Milliseconds. */
export function nextLook(last: { planned: number; now: number; tookMs: number; everyMs: number }): number {
  const { planned, now, tookMs, everyMs } = last;
  const earliest = now + Math.max(0, tookMs / busyShare - tookMs);
  const beats = Math.max(1, Math.ceil((earliest - planned) / everyMs));
  return planned + beats * everyMs;
}
