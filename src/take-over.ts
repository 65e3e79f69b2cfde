/**
 * What keeps several processes one: each second this one says that it lives,
 * and takes over from those that do not. What a dead process had in hand goes
 * back to where everybody takes work from; its sessions on BMCs are closed.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Life } from './adapters/postgres/life.ts';
import type { Bmcs } from './core/bmc.ts';
import { FleetError } from './core/errors.ts';
import type { OperationStore } from './core/records.ts';
import type { RunningEngine } from './engine/engine.ts';

const beatMs = 1_000;
/** What versions before this one called their only executor, which was the service. */
const formerExecutor = 'service';

export type TakeOverParts = {
  life: Life;
  /** Undefined while nothing may have an effect: this process may serve then, and takes no work. */
  engine(): RunningEngine | undefined;
  bmcs: Pick<Bmcs, 'closeInherited'>;
  operations: OperationStore;
  launch(operation: string): Promise<void>;
  /** Concludes what operations that have ended left open; asked once, by the process that serves. Answers how much that was. */
  closeEnded(): Promise<number>;
  log: Logger;
  onReplaced(error: FleetError): void;
};

export type TakeOver = {
  /** Resolves once this process is the one that serves. */
  serves(): Promise<void>;
  stop(): Promise<void>;
};

export function startTakeOver(parts: TakeOverParts): TakeOver {
  const { life, bmcs, operations, launch, closeEnded, log, onReplaced } = parts;
  const stopping = new AbortController();
  const serving = Promise.withResolvers<void>();
  let wantsToServe = false;
  let serves = false;
  let closed = false;
  let queued = new Set<string>();

  // Apart, so that what holds a take-over up never keeps this process from saying that it lives.
  const turns = [repeat(() => life.beat()), repeat(takeOver)];

  return {
    serves() {
      wantsToServe = true;
      return serving.promise;
    },
    async stop() {
      stopping.abort();
      await Promise.all(turns);
    },
  };

  async function repeat(work: () => Promise<void>): Promise<void> {
    let away = false;
    while (!stopping.signal.aborted) {
      try {
        await work();
        away = false;
      } catch (thrown) {
        const error = FleetError.from(thrown);
        if (stopping.signal.aborted) return;
        if (error.code === 'conflict') {
          stopping.abort();
          return onReplaced(error);
        }
        if (!away) log.warn({ error }, 'this process cannot look after others, or say that it lives');
        away = true;
      }
      await delay(beatMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  async function takeOver(): Promise<void> {
    const ended = await life.endDead();
    if (wantsToServe) {
      const holds = await life.holdsService();
      if (serves && !holds) throw notServing();
      if (holds) serving.resolve();
      serves = holds;
    }
    const engine = parts.engine();
    if (!engine) return;
    // An older version may still run, as long as this process does not serve.
    const gone = [...ended, ...(serves ? [formerExecutor] : [])];
    const taken = await engine.takeOver(gone);
    if (taken > 0) log.warn({ workflows: taken }, 'took over from a process that is gone');
    if (await life.inherit(gone))
      bmcs
        .closeInherited()
        .catch((error: unknown) => log.warn({ error: FleetError.from(error) }, 'BMC sessions are left'));
    await life.forget(gone);
    await launchLeft();
    if (serves && !closed) {
      const left = await closeEnded();
      if (left > 0) log.warn({ effects: left }, 'nobody knows what became of effects whose operations have ended');
      closed = true;
    }
  }

  /**
   * An operation that was committed right before its process ended, or lost its way to the database, was never launched. One
   * that is queued at two looks is, once more; for others this does nothing.
   */
  async function launchLeft(): Promise<void> {
    const before = queued;
    queued = new Set(await operations.queued());
    for (const id of queued) if (before.has(id)) await launch(id);
  }
}

function notServing(): FleetError {
  return new FleetError({
    code: 'conflict',
    message: 'another process serves by now, because this one had lost its way to the database',
    hint: 'start it again',
  });
}
