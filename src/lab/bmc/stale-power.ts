/** The power state that the BMC shows: the host's own, or what it was some time ago while it is told to be late. */
import type { LabClock } from '../clock.ts';
import type { FaultSet } from '../faults.ts';
import type { Host } from '../host.ts';

export class ShownPower {
  readonly #clock: LabClock;
  readonly #faults: FaultSet;
  /** Oldest first, never empty. */
  readonly #changes: { at: number; on: boolean }[];

  constructor(options: { host: Host; clock: LabClock; faults: FaultSet }) {
    const { host, clock, faults } = options;
    this.#clock = clock;
    this.#faults = faults;
    this.#changes = [{ at: 0, on: host.poweredOn }];
    host.on('phase', () => {
      if (host.poweredOn !== this.#changes.at(-1)?.on) this.#changes.push({ at: Date.now(), on: host.poweredOn });
    });
  }

  get on(): boolean {
    const shown = Date.now() - this.#clock.scaled(this.#faults.get('stale-power')?.ms ?? 0);
    return this.#changes.findLast(({ at }) => at <= shown)?.on ?? true;
  }

  /** `On` or `Off`. */
  get state(): string {
    return this.on ? 'On' : 'Off';
  }
}
