/** Keeps the watch going: sampling, looking around, writing down, condensing what grows old. */
import { factValue } from '../core/bmc.ts';
import type { Hint } from '../core/bmc-events.ts';
import { FleetError } from '../core/errors.ts';
import type { Upkeep } from '../core/hardware.ts';
import type { LogArchive } from '../core/health-records.ts';
import type { HistoryStore, Retention } from '../core/history.ts';
import { type Clock, wallClock } from './clock.ts';
import { hintsOf } from './hints.ts';
import type { Drift } from './rules/given.ts';
import { type SamplerOptions, startSampler } from './sampler.ts';
import { startUpkeep, upkeepEvery } from './upkeep.ts';
import { openWatch, type Watch, type WatchOptions } from './watch.ts';

export type DutyOptions = Omit<WatchOptions, 'history'> & {
  bmcs: SamplerOptions['bmcs'];
  history: Pick<HistoryStore, 'add' | 'condense'>;
  logEntries: Pick<LogArchive, 'forget'>;
  /** `off` leaves every BMC alone; what was found before is still told. */
  everyMs: number | 'off';
  retention: Retention;
  /** Compares versions with the wanted ones: one for each component that has a wanted version. */
  compareFirmware(node: string, upkeep: Upkeep): Drift[];
  /** The wall's unless said. */
  clock?: Clock | undefined;
};

const flushMs = 2000;
const longestLookAroundMs = 60_000;
const condenseMs = 10 * 60_000;
/** So many readings may fail in a row before what was read is no longer believed. */
const upkeepsKept = 3;

export type Duty = {
  watch: Watch;
  /** An event came from a server: it is looked at sooner, within limits. */
  hint: Hint;
  stop(): Promise<void>;
};

export async function startDuty(options: DutyOptions): Promise<Duty> {
  const { servers, bmcs, history, logEntries, everyMs, retention, compareFirmware, onError } = options;
  const { clock = wallClock } = options;
  const watch = await openWatch(options);
  if (everyMs === 'off') return { watch, hint: () => false, stop: async () => {} };
  const nodes = servers.map(({ node }) => node);
  const sampler = startSampler({ nodes, bmcs, everyMs, known: watch.known, take: watch.take, onError, clock });
  const upkeep = startUpkeep({
    nodes,
    bmcs,
    everyMs,
    clock,
    learn(node, read, at) {
      const filled = factValue(read.logFilled);
      const firmware = compareFirmware(node, read);
      const given = { firmware, ...(filled === undefined ? {} : { logFilled: filled }) };
      watch.learn(node, given, new Date(at.getTime() + upkeepsKept * upkeepEvery(everyMs)));
    },
  });
  const now = () => new Date(clock.now());
  const keep = { clock, onError };
  const stops = [
    repeated(flushMs, watch.flush, keep),
    repeated(Math.min(everyMs, longestLookAroundMs), () => watch.lookAround(now()), keep),
    repeated(condenseMs, () => history.condense(now(), retention), keep),
    repeated(condenseMs, () => logEntries.forget(new Date(clock.now() - retention.rollupsMs)), keep),
  ];
  return {
    watch,
    hint: hintsOf({ servers, everyMs, hurry: sampler.hurry, clock }),
    async stop() {
      sampler.stop();
      upkeep.stop();
      await Promise.all(stops.map(stop => stop()));
      await watch.flush();
    },
  };
}

/** Runs again and again with a pause between; answers how to end it, which waits for the one that runs. */
function repeated(
  everyMs: number,
  run: () => Promise<void>,
  { clock, onError }: { clock: Clock; onError: (error: FleetError) => void },
): () => Promise<void> {
  const stopping = new AbortController();
  const ended = (async () => {
    for (;;) {
      await clock.sleep(everyMs, stopping.signal);
      if (stopping.signal.aborted) return;
      await run().catch((error: unknown) => onError(FleetError.from(error)));
    }
  })();
  return () => {
    stopping.abort();
    return ended;
  };
}
