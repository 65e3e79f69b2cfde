/** Keeps the watch going: sampling, looking around, writing down, condensing what grows old. */
import { factValue } from '../core/bmc.ts';
import type { FleetError } from '../core/errors.ts';
import type { Upkeep } from '../core/hardware.ts';
import type { LogArchive } from '../core/health-records.ts';
import type { HistoryStore, Retention } from '../core/history.ts';
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
};

const flushMs = 2000;
const longestLookAroundMs = 60_000;
const condenseMs = 10 * 60_000;
/** So many readings may fail in a row before what was read is no longer believed. */
const upkeepsKept = 3;

export async function startDuty(options: DutyOptions): Promise<{ watch: Watch; stop(): Promise<void> }> {
  const { servers, bmcs, history, logEntries, everyMs, retention, compareFirmware, onError } = options;
  const watch = await openWatch(options);
  if (everyMs === 'off') return { watch, stop: async () => {} };
  const nodes = servers.map(({ node }) => node);
  const sampler = startSampler({ nodes, bmcs, everyMs, known: watch.known, take: watch.take, onError });
  const upkeep = startUpkeep({
    nodes,
    bmcs,
    everyMs,
    learn(node, read, at) {
      const filled = factValue(read.logFilled);
      const firmware = compareFirmware(node, read);
      const given = { firmware, ...(filled === undefined ? {} : { logFilled: filled }) };
      watch.learn(node, given, new Date(at.getTime() + upkeepsKept * upkeepEvery(everyMs)));
    },
  });
  const stops = [
    repeated(flushMs, watch.flush, onError),
    repeated(Math.min(everyMs, longestLookAroundMs), () => watch.lookAround(new Date()), onError),
    repeated(condenseMs, () => history.condense(new Date(), retention), onError),
    repeated(condenseMs, () => logEntries.forget(new Date(Date.now() - retention.rollupsMs)), onError),
  ];
  return {
    watch,
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
  onError: (error: FleetError) => void,
): () => Promise<void> {
  let running = Promise.resolve();
  const timer = setInterval(() => {
    running = running.then(run).catch(onError);
  }, everyMs);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await running;
  };
}
