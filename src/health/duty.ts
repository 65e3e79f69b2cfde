/** Keeps the watch going: sampling, looking around, writing down, condensing what grows old. */
import type { FleetError } from '../core/errors.ts';
import type { HistoryStore, Retention } from '../core/history.ts';
import { type SamplerOptions, startSampler } from './sampler.ts';
import { openWatch, type Watch, type WatchOptions } from './watch.ts';

export type DutyOptions = Omit<WatchOptions, 'history'> & {
  bmcs: SamplerOptions['bmcs'];
  history: Pick<HistoryStore, 'add' | 'condense'>;
  /** `off` leaves every BMC alone; what was found before is still told. */
  everyMs: number | 'off';
  retention: Retention;
};

const flushMs = 2000;
const longestLookAroundMs = 60_000;
const condenseMs = 10 * 60_000;

export async function startDuty(options: DutyOptions): Promise<{ watch: Watch; stop(): Promise<void> }> {
  const { servers, bmcs, history, everyMs, retention, onError } = options;
  const watch = await openWatch(options);
  if (everyMs === 'off') return { watch, stop: async () => {} };
  const sampler = startSampler({ nodes: servers.map(({ node }) => node), bmcs, everyMs, take: watch.take, onError });
  const stops = [
    repeated(flushMs, watch.flush, onError),
    repeated(Math.min(everyMs, longestLookAroundMs), () => watch.lookAround(new Date()), onError),
    repeated(condenseMs, () => history.condense(new Date(), retention), onError),
  ];
  return {
    watch,
    async stop() {
      sampler.stop();
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
