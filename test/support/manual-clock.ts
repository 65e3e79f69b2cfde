/** A clock for beats that stands until it is told to go on. */
import type { Clock } from '../../src/health/clock.ts';

export type ManualClock = Clock & {
  /** Wakes those who are due by then. */
  goTo(ms: number): void;
  /** Resolves once so many sleep: what they were woken for is done. */
  asleep(count: number): Promise<void>;
};

export function manualClock(start: number): ManualClock {
  let now = start;
  let sleeping: { until: number; wake(): void }[] = [];
  let waiting: { count: number; go(): void }[] = [];
  const tell = () => {
    for (const { count, go } of waiting) if (sleeping.length >= count) go();
    waiting = waiting.filter(({ count }) => sleeping.length < count);
  };
  return {
    now: () => now,
    sleep(ms, signal) {
      if (ms <= 0 || signal.aborted) return Promise.resolve();
      const { promise, resolve } = Promise.withResolvers<void>();
      const sleeper = { until: now + ms, wake: resolve };
      sleeping.push(sleeper);
      signal.addEventListener(
        'abort',
        () => {
          sleeping = sleeping.filter(each => each !== sleeper);
          resolve();
        },
        { once: true },
      );
      tell();
      return promise;
    },
    goTo(ms) {
      now = Math.max(now, ms);
      const due = sleeping.filter(({ until }) => until <= now);
      sleeping = sleeping.filter(({ until }) => until > now);
      for (const { wake } of due) wake();
    },
    asleep(count) {
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.push({ count, go: resolve });
      tell();
      return promise;
    },
  };
}
