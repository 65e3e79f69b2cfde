/**
 * Looks at every server again and again. A look has a limit as a whole: what a
 * slow BMC has not told by then is told as not read.
 */
import type { Bmcs, KnownEntries } from '../core/bmc.ts';
import { FleetError } from '../core/errors.ts';
import type { HealthSample } from '../core/hardware.ts';
import { type Beat, keepBeat } from './beat.ts';
import { type Clock, wallClock } from './clock.ts';
import { restMs } from './hints.ts';

/** What one look gave: a sample, or why there is none. `at` is when it began. */
export type Look = { node: string; at: Date; tookMs: number } & ({ sample: HealthSample } | { missing: FleetError });

export type SamplerOptions = {
  nodes: string[];
  bmcs: Pick<Bmcs, 'of'>;
  everyMs: number;
  /** What is known already of the logs of a server. */
  known(node: string): KnownEntries;
  /** Called for every look, one at a time for each node. */
  take(look: Look): Promise<void>;
  /** What `take` threw. The sampler goes on. */
  onError(error: FleetError): void;
  /** The wall's unless said. What a BMC takes for an answer is always measured by the wall. */
  clock?: Clock | undefined;
};

/** Two intervals, so that a slow BMC still tells most of what it knows, and looks come often enough to say that it is slow. */
const limits = { intervals: 2, lowestMs: 5000, highestMs: 120_000 };

/** Milliseconds that one look may take. */
export function lookLimit(everyMs: number): number {
  return Math.min(Math.max(limits.intervals * everyMs, limits.lowestMs), limits.highestMs);
}

/** Begins spread over the first interval. What is under way at the stop is dropped. */
export function startSampler(options: SamplerOptions): Beat {
  const { nodes, bmcs, everyMs, known, take, onError, clock = wallClock } = options;
  const withinMs = lookLimit(everyMs);
  return keepBeat({
    nodes,
    everyMs,
    spreadMs: everyMs,
    restMs: restMs(everyMs),
    clock,
    async visit(node, signal) {
      const look = await lookAt(node);
      if (!signal.aborted) await take(look).catch((error: unknown) => onError(FleetError.from(error)));
      return busyMs(look);
    },
  });

  async function lookAt(node: string): Promise<Look> {
    const at = new Date(clock.now());
    const began = performance.now();
    const ended = () => ({ node, at, tookMs: Math.round(performance.now() - began) });
    return bmcs
      .of(node)
      .sample({ withinMs, known: known(node) })
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
