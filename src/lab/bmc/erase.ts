/** Secure erase of drives: takes its time, and what was on a drive is gone at its end. The OS is on the first one. */
import type { LabClock } from '../clock.ts';
import type { EventLog } from './event-log.ts';
import type { DriveSpec } from './profiles/hardware.ts';
import { endTask, isOver, percentComplete, type Task } from './task.ts';
import type { TaskList } from './task-list.ts';

export type EraseOptions = { clock: LabClock; log: EventLog; tasks: TaskList; drives: readonly DriveSpec[] };

/** Real milliseconds. */
const eraseMs = 90_000;

export class EraseModel {
  readonly #options: EraseOptions;
  readonly #running = new Map<string, Task>();
  readonly #erased = new Set<string>();

  constructor(options: EraseOptions) {
    this.#options = options;
  }

  /** 0 to 99 while this drive is being erased. */
  percent(drive: string): number | undefined {
    const task = this.#running.get(drive);
    return task === undefined || isOver(task) ? undefined : percentComplete(task);
  }

  /** Whether the drive that the host starts from holds nothing any more. */
  get bootDriveEmpty(): boolean {
    const [first] = this.#options.drives;
    return first !== undefined && this.#erased.has(first.id);
  }

  /** Begins to erase a drive that {@link percent} knows nothing of. */
  start(drive: string): Task {
    const { clock, tasks } = this.#options;
    const task = tasks.add({ kind: 'erase', stage: 'flash', message: 'The drive is being erased.' });
    task.flash = { since: Date.now(), ms: clock.scaled(eraseMs) };
    this.#running.set(drive, task);
    void this.#finish(drive, task);
    return task;
  }

  async #finish(drive: string, task: Task): Promise<void> {
    const { clock, log } = this.#options;
    if (!(await clock.sleep(eraseMs))) return;
    this.#erased.add(drive);
    endTask(task, 'completed', 'The drive was erased.');
    log.append({ severity: 'OK', messageId: 'PDR0026', message: `The secure erase of ${drive} was completed.` });
  }
}
