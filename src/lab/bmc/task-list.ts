/** The long work that this BMC knows of, in the order in which it began: what TaskService lists, and Dell's job queue. */
import type { LabClock } from '../clock.ts';
import type { FaultSet } from '../faults.ts';
import type { BmcProfile } from './profiles/profile.ts';
import { isOver, type Task, type TaskKind } from './task.ts';

export class TaskList {
  readonly #profile: BmcProfile;
  readonly #clock: LabClock;
  readonly #faults: FaultSet;
  readonly #tasks: Task[] = [];
  #nextId: number;

  constructor(options: { profile: BmcProfile; clock: LabClock; faults: FaultSet }) {
    this.#profile = options.profile;
    this.#clock = options.clock;
    this.#faults = options.faults;
    this.#nextId = options.profile.update.firstTaskId;
  }

  /** Begins a task in the stage that is given. */
  add(fields: Pick<Task, 'kind' | 'stage' | 'message'>): Task {
    const number = this.#nextId++;
    const id = this.#profile.vendor === 'dell' ? `JID_${number}` : String(number);
    const task: Task = { ...fields, id, started: new Date(), ended: undefined, flash: undefined };
    this.#tasks.push(task);
    return task;
  }

  /** Every task so far, also those whose Task resource is deleted by now. */
  all(): readonly Task[] {
    return this.#tasks;
  }

  /** The tasks that TaskService still shows. */
  listed(): Task[] {
    if (this.#faults.get('task-purge') !== undefined) return [];
    const kept = this.#clock.scaled(this.#profile.update.taskKeptMs ?? Number.POSITIVE_INFINITY);
    return this.#tasks.filter(task => task.ended === undefined || Date.now() - task.ended.getTime() < kept);
  }

  /** The task of this kind that goes on. */
  current(kind: TaskKind): Task | undefined {
    return this.#tasks.find(task => task.kind === kind && !isOver(task));
  }
}
