/** Simulated durations: real ones divided by `speed`. Nothing outside the lab knows that time is compressed. */
import { setTimeout as delay } from 'node:timers/promises';

export class LabClock {
  readonly speed: number;
  /** Wall-clock milliseconds between two signs of life of a node: 10 real seconds, but no shorter than is asked for. */
  readonly heartbeatMs: number;
  readonly #stopped = new AbortController();

  constructor(speed: number, { leastHeartbeatMs = 100 }: { leastHeartbeatMs?: number | undefined } = {}) {
    this.speed = speed;
    this.heartbeatMs = Math.max(this.scaled(10_000), leastHeartbeatMs);
  }

  /** Wall-clock milliseconds that a real duration of `ms` takes in this lab. */
  scaled(ms: number): number {
    return ms / this.speed;
  }

  /** Waits a real duration of `ms`; resolves false, early, once the lab is stopped. */
  async sleep(ms: number): Promise<boolean> {
    try {
      await delay(this.scaled(ms), undefined, { signal: this.#stopped.signal });
      return true;
    } catch {
      return false;
    }
  }

  /** Aborted once the lab stops. */
  get signal(): AbortSignal {
    return this.#stopped.signal;
  }

  get stopped(): boolean {
    return this.#stopped.signal.aborted;
  }

  stop(): void {
    this.#stopped.abort();
  }
}
