/**
 * Runs the cluster's controllers when something they watch has changed. Each
 * looks at the whole state and moves it one step, so the order of events and
 * repeated runs do not matter.
 */
import type { Store } from './store.ts';

export type Controller = {
  name: string;
  /** Plurals whose changes make it look again. */
  watches: string[];
  reconcile: (store: Store) => void;
};

export class ControllerLoop {
  readonly #store: Store;
  readonly #controllers: Controller[];
  readonly #dirty = new Set<Controller>();
  readonly #unfollow: () => void;
  #scheduled: NodeJS.Immediate | undefined;
  #stopped = false;
  #paused = false;

  constructor(store: Store, controllers: Controller[]) {
    this.#store = store;
    this.#controllers = controllers;
    this.#unfollow = store.onChange(({ plural }) => this.#mark(controller => controller.watches.includes(plural)));
    this.#mark(() => true);
  }

  /** Makes one controller look again, for those that also wait for time. */
  wake(name: string): void {
    this.#mark(controller => controller.name === name);
  }

  /** No controller does anything until `resume`: the API still answers, from a state that goes stale. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#mark(() => true);
  }

  stop(): void {
    this.#stopped = true;
    this.#unfollow();
    clearImmediate(this.#scheduled);
  }

  #mark(affected: (controller: Controller) => boolean): void {
    for (const controller of this.#controllers) if (affected(controller)) this.#dirty.add(controller);
    if (this.#dirty.size === 0 || this.#stopped || this.#paused) return;
    this.#scheduled ??= setImmediate(() => this.#run());
  }

  #run(): void {
    this.#scheduled = undefined;
    if (this.#paused) return;
    const due = [...this.#dirty];
    this.#dirty.clear();
    for (const controller of due) {
      try {
        controller.reconcile(this.#store);
      } catch (error) {
        process.emitWarning(
          `lab controller ${controller.name}: ${error instanceof Error ? error.stack : String(error)}`,
        );
      }
    }
  }
}
