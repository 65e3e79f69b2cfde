/**
 * Acts on what the watch finds, without anybody having asked: looks at every
 * cluster again and again, and asks for what its nodes need. Asking is all it
 * does: policy decides as for everybody, and the plan's workflow reads the
 * evidence again. What it must not forget is written down before it asks.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { FleetError } from '../core/errors.ts';
import type { FleetCluster } from '../core/fleet.ts';
import type { CordonStatus, StateStore } from '../core/health-records.ts';
import { type CordonMemory, countedCordon, remembered, resumed, statusOf } from '../health/cordon-memory.ts';
import { type AskParts, asker } from './ask-for-health.ts';
import { lookAtCluster, type RoundParts } from './cordon-round.ts';

export type CordonDutyOptions = AskParts &
  Omit<RoundParts, 'memory' | 'asker'> & {
    clusterList: FleetCluster[];
    states: StateStore;
    /** Milliseconds between two looks at one cluster. */
    everyMs: number;
  };

export type CordonDuty = {
  /** Looks at once: something has changed. */
  wake(): void;
  status(): CordonStatus;
  /** A person has looked: cordons are asked for again. */
  resume(): Promise<CordonStatus>;
  stop(): Promise<void>;
};

const memoryKey = 'fleet/cordons';

export async function startCordonDuty(options: CordonDutyOptions): Promise<CordonDuty> {
  const { clusterList, states, everyMs, log, settings } = options;
  let memory = remembered((await states.load()).get(memoryKey), new Date());
  let writing: Promise<unknown> = Promise.resolve();
  const stopping = new AbortController();
  let waking = new AbortController();

  /** One change after the other, and none that is not written down. */
  function keep<T>(change: (before: CordonMemory) => { memory: CordonMemory; answer: T }): Promise<T> {
    const mine = writing.then(async () => {
      const next = change(memory);
      if (next.memory !== memory) await states.save([[memoryKey, next.memory]]);
      memory = next.memory;
      return next.answer;
    });
    writing = mine.catch(() => undefined);
    return mine;
  }

  const count = () =>
    keep(before => {
      const counted = countedCordon(before, { most: settings.maxPerHour, now: new Date() });
      if (counted.stopped && before.stoppedSince === undefined)
        log.warn(
          { perHour: settings.maxPerHour },
          'no more nodes are cordoned for their hardware: too many within an hour. Look at them, then: groundskeeper resume-health-cordons SITE',
        );
      return { memory: counted.memory, answer: !counted.stopped };
    });
  const change = (with_: (before: CordonMemory) => CordonMemory) =>
    keep(before => ({ memory: with_(before), answer: undefined }));
  const round: RoundParts = {
    ...options,
    memory: { now: () => memory, change },
    asker: asker({ ...options, memory: { change, count } }),
  };

  async function follow(cluster: FleetCluster): Promise<void> {
    while (!stopping.signal.aborted) {
      await lookAtCluster(round, cluster).catch((thrown: unknown) =>
        log.warn(
          { cluster: cluster.name, error: FleetError.from(thrown) },
          'the hardware under it could not be judged',
        ),
      );
      const signal = AbortSignal.any([stopping.signal, waking.signal]);
      await delay(everyMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  const following = clusterList.map(follow);
  const duty: CordonDuty = {
    wake() {
      waking.abort();
      waking = new AbortController();
    },
    status: () => statusOf(memory),
    async resume() {
      await change(resumed);
      duty.wake();
      return statusOf(memory);
    },
    async stop() {
      stopping.abort();
      await Promise.all(following);
    },
  };
  return duty;
}
