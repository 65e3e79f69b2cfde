/**
 * The BMC's own restart, as machines in the field go through it: first nobody
 * listens, then connections are cut, then everything is 503, then a tree with
 * parts missing. The host runs on all the while.
 */
import type { LabClock } from '../clock.ts';
import type { ResetStages } from './profiles/acts.ts';

/** `dead`: nobody listens any more, for good. */
export type LifeStage = 'up' | 'refused' | 'cut' | 'unavailable' | 'partial' | 'dead';

export class Life {
  readonly #clock: LabClock;
  readonly #stages: ResetStages;
  readonly #now: () => Date;
  readonly #listeners: ((stage: LifeStage) => void)[] = [];
  stage: LifeStage = 'up';
  /** By its own clock. */
  lastReset: Date;

  constructor(options: { clock: LabClock; stages: ResetStages; now: () => Date }) {
    this.#clock = options.clock;
    this.#stages = options.stages;
    this.#now = options.now;
    this.lastReset = options.now();
  }

  /** Calls back at each stage, `refused` first and `up` last. */
  onStage(listener: (stage: LifeStage) => void): void {
    this.#listeners.push(listener);
  }

  /** Begins a restart; nothing happens while one goes on. */
  restart(): void {
    if (this.stage === 'up') void this.#restart();
  }

  /** Its own firmware is damaged: it takes its sessions along, and never comes back. */
  die(): void {
    this.#enter('dead');
  }

  async #restart(): Promise<void> {
    const { refusedMs, cutMs, unavailableMs, partialMs } = this.#stages;
    const durations = [
      ['refused', refusedMs],
      ['cut', cutMs],
      ['unavailable', unavailableMs],
      ['partial', partialMs],
    ] as const;
    for (const [stage, ms] of durations) {
      if (stage === 'unavailable') this.lastReset = this.#now();
      this.#enter(stage);
      if (!(await this.#clock.sleep(ms))) return;
    }
    this.#enter('up');
  }

  #enter(stage: LifeStage): void {
    if (this.stage === 'dead') return;
    this.stage = stage;
    for (const listener of this.#listeners) listener(stage);
  }
}
