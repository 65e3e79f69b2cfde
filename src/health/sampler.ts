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
  /** Milliseconds that one look may take; what was not read by then is told as such. {@link lookLimit} unless said. */
  withinMs?: number;
  /** Called for every look, one at a time for each node. */
  take(look: Look): Promise<void>;
  /** What `take` threw. The sampler goes on. */
  onError(error: FleetError): void;
};

/** A BMC spends at most this share of its time on us. */
const busyShare = 0.25;
/** Two intervals, so that a slow BMC still tells most of what it knows, and looks come often enough to say that it is slow. */
const limits = { intervals: 2, lowestMs: 10_000, highestMs: 120_000 };

export function lookLimit(everyMs: number): number {
  return Math.min(Math.max(limits.intervals * everyMs, limits.lowestMs), limits.highestMs);
}

/** Begins spread over the first interval. What is under way at the stop is dropped. */
export function startSampler(options: SamplerOptions): { stop(): void } {
  const { nodes, bmcs, everyMs, withinMs = lookLimit(options.everyMs), take, onError } = options;
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
      planned = nextLook({ planned, now: Date.now(), tookMs: busyMs(look), everyMs });
    }
  }

  async function lookAt(node: string): Promise<Look> {
    const at = new Date();
    const ended = () => ({ node, at, tookMs: Date.now() - at.getTime() });
    return bmcs
      .of(node)
      .sample({ withinMs })
      .then(
        sample => ({ ...ended(), sample }),
        (thrown: unknown) => ({ ...ended(), missing: FleetError.from(thrown) }),
      );
  }
}

/** Milliseconds that the BMC was busy with us; one that cannot be reached is not. */
export function busyMs(look: Look): number {
  return 'missing' in look && look.missing.code === 'bmc_unreachable' ? 0 : look.tookMs;
}

/** Keeps the beat of the first look, and leaves out beats that come too soon after a slow one. Milliseconds. */
export function nextLook(last: { planned: number; now: number; tookMs: number; everyMs: number }): number {
  const { planned, now, tookMs, everyMs } = last;
  const earliest = now + Math.max(0, tookMs / busyShare - tookMs);
  const beats = Math.max(1, Math.ceil((earliest - planned) / everyMs));
  return planned + beats * everyMs;
}
