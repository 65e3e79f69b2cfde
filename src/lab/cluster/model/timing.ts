/** When things happen in one cluster: timers in compressed time that all end with it, and the timestamps it shows. */
import type { LabClock } from '../../clock.ts';

export class Timers {
  readonly #clock: LabClock;
  readonly #pending = new Set<NodeJS.Timeout>();

  constructor(clock: LabClock) {
    this.#clock = clock;
  }

  /** Calls back after a real duration of `ms`, unless cancelled by the returned function or the cluster's end. */
  after(ms: number, callback: () => void): () => void {
    return this.afterWallClock(this.#clock.scaled(ms), callback);
  }

  /** The same for a duration in wall-clock milliseconds. */
  afterWallClock(ms: number, callback: () => void): () => void {
    const timer = setTimeout(() => {
      this.#pending.delete(timer);
      callback();
    }, ms);
    this.#pending.add(timer);
    return () => {
      clearTimeout(timer);
      this.#pending.delete(timer);
    };
  }

  stop(): void {
    for (const timer of this.#pending) clearTimeout(timer);
    this.#pending.clear();
  }
}

/** The API shows whole seconds; in compressed time a second is shorter, so as many digits more as the speed asks for. */
export function timestamp(clock: LabClock, at: Date = new Date()): string {
  const text = at.toISOString();
  return clock.speed > 1 ? text : `${text.slice(0, 19)}Z`;
}

/** A time in microseconds, as leases and the newer events have it. */
export function microTimestamp(at: Date = new Date()): string {
  return at.toISOString().replace('Z', '000Z');
}
