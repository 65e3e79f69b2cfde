/**
 * Runs the cluster's controllers when something they watch has changed. Each
 * is told which of its objects to look at again, looks at their whole state
 * and moves it one step, so the order of events and repeated runs do not
 * matter. Many changes before a run are one run.
 */
import type { LabClock } from '../../clock.ts';
import type { Change, Store } from '../model/store.ts';
import type { Timers } from '../model/timing.ts';
import type { EventRecorder } from './event-recorder.ts';

/** What a controller may work with. */
export type ControllerContext = { store: Store; clock: LabClock; timers: Timers; events: EventRecorder };

/** One that looks at everything whenever something of these kinds has changed. */
export type Controller = {
  name: string;
  /** Plurals whose changes make it look again. */
  watches: string[];
  reconcile: (store: Store) => void;
};

/** One that looks at single objects, named by keys of its own. */
export type KeyedController = {
  name: string;
  /** By plural: the keys that a change concerns. */
  concerns: Record<string, (change: Change) => Iterable<string>>;
  /** All keys there are. */
  keys: () => Iterable<string>;
  /** Looks at one key; `again` makes it look once more after so many real milliseconds. */
  reconcile: (key: string, again: (ms: number) => void) => void;
};

type Queue = { controller: KeyedController; due: Set<string>; waiting: Map<string, () => void> };

/** Wall-clock milliseconds that controllers may take before others get their turn. */
const sliceMs = 10;

export class ControllerLoop {
  readonly #timers: Timers;
  readonly #queues: Queue[];
  readonly #unfollow: () => void;
  #scheduled: NodeJS.Immediate | undefined;
  #stopped = false;
  #paused = false;

  constructor(store: Store, timers: Timers, controllers: (Controller | KeyedController)[]) {
    this.#timers = timers;
    this.#queues = controllers.map(controller => ({
      controller: 'watches' in controller ? keyed(controller, store) : controller,
      due: new Set(),
      waiting: new Map(),
    }));
    this.#unfollow = store.onChange(change => this.#notice(change));
    this.#markAll();
  }

  /** No controller does anything until `resume`: the API still answers, from a state that goes stale. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#markAll();
  }

  stop(): void {
    this.#stopped = true;
    this.#unfollow();
    clearImmediate(this.#scheduled);
  }

  #markAll(): void {
    for (const { controller, due } of this.#queues) for (const key of controller.keys()) due.add(key);
    this.#schedule();
  }

  #notice(change: Change): void {
    for (const { controller, due } of this.#queues) {
      const concerned = controller.concerns[change.plural];
      if (concerned !== undefined) for (const key of concerned(change)) due.add(key);
    }
    this.#schedule();
  }

  #schedule(): void {
    if (this.#stopped || this.#paused || !this.#queues.some(({ due }) => due.size > 0)) return;
    this.#scheduled ??= setImmediate(() => this.#run());
  }

  #run(): void {
    this.#scheduled = undefined;
    if (this.#paused || this.#stopped) return;
    const end = performance.now() + sliceMs;
    for (const queue of this.#queues) {
      for (const key of [...queue.due]) {
        if (performance.now() > end) return void this.#schedule();
        queue.due.delete(key);
        this.#reconcile(queue, key);
      }
    }
    this.#schedule();
  }

  #reconcile({ controller, due, waiting }: Queue, key: string): void {
    waiting.get(key)?.();
    waiting.delete(key);
    const again = (ms: number) => {
      waiting.get(key)?.();
      const wake = () => {
        waiting.delete(key);
        due.add(key);
        this.#schedule();
      };
      waiting.set(key, this.#timers.after(ms, wake));
    };
    try {
      controller.reconcile(key, again);
    } catch (error) {
      process.emitWarning(`lab controller ${controller.name}: ${error instanceof Error ? error.stack : String(error)}`);
    }
  }
}

const everything = [''];

function keyed({ name, watches, reconcile }: Controller, store: Store): KeyedController {
  return {
    name,
    concerns: Object.fromEntries(watches.map(plural => [plural, () => everything])),
    keys: () => everything,
    reconcile: () => reconcile(store),
  };
}
