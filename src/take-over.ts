/**
 * What keeps several processes one: each second this one says that it lives,
 * and takes over from those that do not. What a dead process had in hand goes
 * back to where everybody takes work from; its sessions on BMCs are closed.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Presence } from './adapters/postgres/presence.ts';
import type { Bmcs } from './core/bmc.ts';
import { FleetError } from './core/errors.ts';
import type { OperationStore } from './core/records.ts';
import type { RunningEngine } from './engine/engine.ts';

const beatMs = 1_000;
/** What versions before this one called their only executor, which was the service. */
const formerExecutor = 'service';
const maxOpen = 10_000;

export type TakeOverParts = {
  presence: Presence;
  engine: RunningEngine;
  bmcs: Pick<Bmcs, 'closeInherited'>;
  operations: OperationStore;
  launch(operation: string): Promise<void>;
  log: Logger;
  onReplaced(error: FleetError): void;
};

export type TakeOver = {
  /** Resolves once this process is the one that serves. */
  serves(): Promise<void>;
  stop(): Promise<void>;
};

export function startTakeOver(parts: TakeOverParts): TakeOver {
  const { presence, engine, bmcs, operations, launch, log, onReplaced } = parts;
  const stopping = new AbortController();
  const serving = Promise.withResolvers<void>();
  let wantsToServe = false;
  let serves = false;
  let begun = false;

  const ended = (async () => {
    while (!stopping.signal.aborted) {
      try {
        await beat();
      } catch (thrown) {
        const error = FleetError.from(thrown);
        if (error.code === 'conflict') return onReplaced(error);
        log.warn({ error }, 'the database does not answer');
      }
      await delay(beatMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  })();

  return {
    serves() {
      wantsToServe = true;
      return serving.promise;
    },
    async stop() {
      stopping.abort();
      await ended;
    },
  };

  async function beat(): Promise<void> {
    await presence.beat();
    if (wantsToServe) {
      const holds = await presence.holdsService();
      if (serves && !holds) throw notServing();
      if (holds) serving.resolve();
      serves = holds;
    }
    // An older version may still run, as long as this process does not serve.
    const gone = [...(await presence.endDead()), ...(serves ? [formerExecutor] : [])];
    const taken = await engine.takeOver(gone);
    if (taken > 0) log.warn({ workflows: taken }, 'took over from a process that is gone');
    if (await presence.inherit(gone))
      bmcs
        .closeInherited()
        .catch((error: unknown) => log.warn({ error: FleetError.from(error) }, 'BMC sessions are left'));
    if (begun && taken === 0) return;
    // An operation that was committed right before its process ended was never launched; for others this does nothing.
    for (const { id } of await operations.list({ open: true, limit: maxOpen })) await launch(id);
    begun = true;
  }
}

function notServing(): FleetError {
  return new FleetError({
    code: 'conflict',
    message: 'another process serves by now, because this one had lost its way to the database',
    hint: 'start it again',
  });
}
