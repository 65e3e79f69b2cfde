/**
 * Reads what changes seldom, once an hour where looks are a minute apart:
 * versions and how full the log is. Apart from the looks, because an inventory
 * that is gathered on demand takes some BMCs minutes.
 */
import type { Bmcs } from '../core/bmc.ts';
import type { Upkeep } from '../core/hardware.ts';
import { keepBeat } from './beat.ts';
import { type Clock, wallClock } from './clock.ts';

export type UpkeepOptions = {
  nodes: string[];
  bmcs: Pick<Bmcs, 'of'>;
  /** Between two looks. */
  everyMs: number;
  /** Called for every reading; of a server that could not be read, looks tell already. */
  learn(node: string, upkeep: Upkeep, at: Date): void;
  /** The wall's unless said. */
  clock?: Clock | undefined;
};

const looksBetween = 60;
const hourMs = 3_600_000;
/** The first readings, so that a start is no rush and no day goes by without them. */
const spreadLooks = 10;

/** Milliseconds between two readings of one server, where looks are so far apart. */
export function upkeepEvery(everyMs: number): number {
  return Math.max(everyMs, Math.min(looksBetween * everyMs, hourMs));
}

export function startUpkeep({ nodes, bmcs, everyMs, learn, clock = wallClock }: UpkeepOptions): { stop(): void } {
  return keepBeat({
    nodes,
    everyMs: upkeepEvery(everyMs),
    spreadMs: Math.min(spreadLooks * everyMs, upkeepEvery(everyMs)),
    clock,
    async visit(node, signal) {
      const at = new Date(clock.now());
      const began = performance.now();
      const upkeep = await bmcs
        .of(node)
        .upkeep()
        .catch(() => undefined);
      if (upkeep && !signal.aborted) learn(node, upkeep, at);
      return performance.now() - began;
    },
  });
}
