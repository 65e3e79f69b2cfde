/**
 * An engine in memory that does on purpose what a real one does when processes
 * die: it runs a step again whose result was lost, lets one fail, or forgets
 * everything but the journal and begins from the top.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { FleetError } from '../../src/core/errors.ts';
import type { Flow, Workflow } from '../../src/core/flow.ts';

export type Mishap =
  | { what: 'none' }
  /** An earlier version began it, and was past all that is new since. */
  | { what: 'begun earlier' }
  /** Each step is done twice, as if its result had been lost the first time. */
  | { what: 'every step twice' }
  /** This step of a node's part, counted from 1, fails without having done anything. */
  | { what: 'a step fails'; at: number }
  /** The process is gone right after this entry of the journal, counted from 1, and another begins from the top. */
  | { what: 'a crash'; after: number };

export type Played = {
  /** Entries of the journal, and steps of nodes' parts among them that may fail. */
  entries: number;
  failable: number;
  /** Whether the mishap came to pass. */
  happened: boolean;
  /** Whether a workflow asked for a change that earlier versions do not know. */
  changed: boolean;
  /** Names of the workflows that ran nodes' parts. */
  workflows: string[];
};

type Settled = { ok: true; value: unknown } | { ok: false; error: FleetError };
type Entry = { name: string; settled: Settled };

/** What ends an operation or a part of it insists until it succeeds. */
const insists = /(^|\/)end$/;
/** What only looks, until something is to be done: with the rest of its process gone, it would look for ever. */
const looks = /^tick \d+$/;

/** Runs the workflow to its end, through the mishap. */
export async function play(workflow: Workflow<null, unknown>, operation: string, mishap: Mishap): Promise<Played> {
  const journal = new Map<string, Entry[]>();
  const run = new Run(journal, mishap);
  const crashed = await Promise.race([
    workflow.run(run.flow(operation, operation), null).then(() => false),
    run.crashed.then(() => true),
  ]);
  if (crashed) {
    await run.idle();
    await workflow.run(new Run(journal, { what: 'none' }).flow(operation, operation), null);
  }
  const all = [...journal].flatMap(([id, entries]) => entries.map(({ name }) => ({ id, name })));
  const failable = all.filter(({ id, name }) => id !== operation && !insists.test(name)).length;
  return {
    entries: all.length,
    failable,
    happened: mishap.what === 'every step twice' || crashed || run.failed || run.asEarlier,
    changed: all.some(({ name }) => name.startsWith('patch ')),
    workflows: [...run.workflows],
  };
}

/** One life of a process. */
class Run {
  readonly crashed: Promise<void>;
  failed = false;
  asEarlier = false;
  readonly workflows = new Set<string>();
  readonly #journal: Map<string, Entry[]>;
  readonly #mishap: Mishap;
  readonly #children = new Map<string, Promise<unknown>>();
  #crash: () => void;
  #gone = false;
  #written = 0;
  #steps = 0;
  #underWay = 0;

  constructor(journal: Map<string, Entry[]>, mishap: Mishap) {
    this.#journal = journal;
    this.#mishap = mishap;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.crashed = promise;
    this.#crash = resolve;
  }

  /** What was under way when the process went may still have reached a machine. */
  async idle(): Promise<void> {
    while (this.#underWay > 0) await delay(1);
  }

  flow(operation: string, id: string): Flow {
    const entries = this.#journal.get(id) ?? [];
    this.#journal.set(id, entries);
    let position = 0;
    const step = async <T>(name: string, run: () => Promise<T>): Promise<T> => {
      const place = position++;
      let entry = entries[place];
      if (entry && entry.name !== name) throw new Error(`${id} took another way: ${name} in place of ${entry.name}`);
      if (!entry) {
        entry = { name, settled: await this.#settle(id === operation, name, run) };
        entries.push(entry);
        this.#write();
      }
      if (this.#gone) await never();
      if (entry.settled.ok) return structuredClone(entry.settled.value) as T;
      throw FleetError.fromJSON(entry.settled.error.toJSON());
    };
    return {
      operation,
      step,
      sleep: ms => step('sleep', () => delay(ms)),
      patch: async name => {
        if (this.#mishap.what === 'begun earlier') {
          this.asEarlier = true;
          return false;
        }
        const known = entries[position];
        if (known && known.name !== `patch ${name}`) return false;
        return step(`patch ${name}`, async () => true);
      },
      child: async (workflow, childId, input) => {
        this.workflows.add(workflow.name);
        const begun = this.#children.get(childId) ?? workflow.run(this.flow(operation, childId), input);
        this.#children.set(childId, begun);
        begun.catch(() => undefined);
        return { result: () => begun as Promise<never> };
      },
    };
  }

  async #settle(isTop: boolean, name: string, run: () => Promise<unknown>): Promise<Settled> {
    if (this.#gone) await never();
    const mayFail = !isTop && !insists.test(name);
    if (mayFail) this.#steps++;
    const acts = isTop && looks.test(name) ? 0 : 1;
    this.#underWay += acts;
    try {
      if (mayFail && this.#mishap.what === 'a step fails' && this.#mishap.at === this.#steps) {
        this.failed = true;
        return { ok: false, error: new FleetError({ code: 'timeout', message: `${name} was made to fail` }) };
      }
      if (this.#mishap.what === 'every step twice') await settled(run);
      return await settled(run);
    } finally {
      this.#underWay -= acts;
      if (this.#gone) await never();
    }
  }

  #write(): void {
    this.#written++;
    if (this.#mishap.what !== 'a crash' || this.#mishap.after !== this.#written) return;
    this.#gone = true;
    this.#crash();
  }
}

async function settled(run: () => Promise<unknown>): Promise<Settled> {
  try {
    return { ok: true, value: await run() };
  } catch (thrown) {
    return { ok: false, error: FleetError.from(thrown) };
  }
}

function never(): Promise<never> {
  return new Promise(() => {});
}
