/**
 * BIOS attributes: what is in force, and what waits for POST. On Dell a change
 * reaches the host through a job alone: without one it waits for ever, and
 * while one is scheduled nothing more is taken.
 */
import type { FaultSet } from '../faults.ts';
import type { Host } from '../host.ts';
import type { BiosAttribute, BiosSpec, BiosValue } from './profiles/acts.ts';
import type { Refusal } from './reply.ts';
import { endTask, isOver, type Task } from './task.ts';
import type { TaskList } from './task-list.ts';

export type BiosOptions = { spec: BiosSpec; host: Host; tasks: TaskList; version: () => string; faults: FaultSet };

export class BiosModel {
  readonly #options: BiosOptions;
  readonly #values = new Map<string, BiosValue>();
  readonly #pending = new Map<string, BiosValue>();
  #job: Task | undefined;
  /** Whether the next POST takes everything back to what it was delivered with. */
  resetPending = false;

  constructor(options: BiosOptions) {
    this.#options = options;
    options.host.on('phase', phase => {
      if (phase === 'post' && this.job?.stage === 'staged') this.job.stage = 'flash';
    });
  }

  /** The job that waits or goes on, where the vendor has jobs. */
  get job(): Task | undefined {
    return this.#job === undefined || isOver(this.#job) ? undefined : this.#job;
  }

  get waits(): boolean {
    return this.#pending.size > 0;
  }

  value(name: string): BiosValue | undefined {
    return this.attributes()[name];
  }

  /** In force now. */
  attributes(): Record<string, BiosValue> {
    const { spec } = this.#options;
    return Object.fromEntries(spec.attributes.map(attribute => [attribute.name, this.#inForce(attribute)]));
  }

  /** What the settings object shows. */
  pending(): Record<string, BiosValue> {
    const changes = Object.fromEntries(this.#pending);
    return this.#options.spec.pending === 'all' ? { ...this.attributes(), ...changes } : changes;
  }

  /** Why these changes cannot be taken; undefined when they can. */
  refusal(changes: Record<string, unknown>): Refusal | undefined {
    for (const [name, value] of Object.entries(changes)) {
      const attribute = this.#options.spec.attributes.find(each => each.name === name);
      if (attribute === undefined) return { name: 'PropertyUnknown', about: name };
      if (attribute.reports !== undefined) return { name: 'PropertyNotWritable', about: name };
      const wrong = mismatch(attribute, value);
      if (wrong !== undefined) return { name: wrong, about: name };
      if (this.#isReadOnly(name, changes)) return { name: 'PropertyNotWritable', about: name };
    }
    return undefined;
  }

  /** Keeps changes that {@link refusal} had nothing against until the next POST, or the next job. */
  stage(changes: Record<string, unknown>): void {
    for (const [name, value] of Object.entries(changes)) this.#pending.set(name, value as BiosValue);
  }

  /** Makes a job of what waits. */
  schedule(): Task {
    const message = 'Task successfully scheduled.';
    this.#job = this.#options.tasks.add({ kind: 'configuration', stage: 'staged', message });
    return this.#job;
  }

  /** Drops what waits, and the job that would have brought it. */
  clear(): void {
    this.#pending.clear();
    if (this.job !== undefined) endTask(this.job, 'failed', 'The job was deleted before it ran.');
  }

  /** To be called once POST is over: puts in force what may be. */
  endPost(): void {
    if (this.resetPending) {
      this.#values.clear();
      this.resetPending = false;
    }
    if (this.#options.spec.jobs !== undefined && this.job === undefined) return;
    const dropped = this.#options.faults.get('bios-drops-settings') !== undefined;
    for (const [name, value] of dropped ? [] : this.#pending) this.#values.set(name, value);
    this.#pending.clear();
    if (this.job !== undefined) endTask(this.job, 'completed', 'Job completed successfully.');
  }

  #isReadOnly(name: string, changes: Record<string, unknown>): boolean {
    const after: Record<string, unknown> = { ...this.attributes(), ...Object.fromEntries(this.#pending), ...changes };
    const { readOnlyWhile = [] } = this.#options.spec;
    return readOnlyWhile.some(rule => rule.attribute === name && after[rule.other] === rule.is);
  }

  #inForce(attribute: BiosAttribute): BiosValue {
    const { host, version } = this.#options;
    if (attribute.reports === 'version') return version();
    if (attribute.reports === 'serial') return host.serial;
    return this.#values.get(attribute.name) ?? attribute.default;
  }
}

function mismatch(attribute: BiosAttribute, value: unknown): Refusal['name'] | undefined {
  if (typeof value !== typeof attribute.default) return 'PropertyValueTypeError';
  switch (attribute.type) {
    case 'Enumeration':
      return attribute.values.includes(String(value)) ? undefined : 'PropertyValueNotInList';
    case 'Integer': {
      const fits = Number.isInteger(value) && Number(value) >= attribute.lower && Number(value) <= attribute.upper;
      return fits ? undefined : 'PropertyValueOutOfRange';
    }
    case 'String':
      return String(value).length <= attribute.maxLength ? undefined : 'PropertyValueFormatError';
    case 'Boolean':
      return undefined;
  }
}
