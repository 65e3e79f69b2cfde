/**
 * The way to Slack, opened again whenever it is gone. It waits only when
 * something is wrong, and tells once.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Receiver } from '@slack/bolt';

/** How Slack reaches us. */
export type Transport = {
  receiver: Receiver;
  /** Resolves once Slack is heard; `after` is the end of that. */
  connect(): Promise<{ after: Promise<void> }>;
  close(): Promise<void>;
};

export type ConnectionParts = {
  connect: Transport['connect'];
  /** Before each connection; what it throws counts as one that failed. */
  check(): Promise<void>;
  onConnected(): void;
  /** Once for each time that Slack is away or refuses us. */
  onTrouble(error: unknown): void;
  onBack(): void;
  signal: AbortSignal;
};

const shortestWaitMs = 500;
const longestWaitMs = 30_000;
/** A connection that ends sooner is none that Slack meant to refresh. */
const shortLifeMs = 5_000;

/** Ends with the signal, and never throws. */
export async function stayConnected(parts: ConnectionParts): Promise<void> {
  const { connect, check, signal } = parts;
  const stopped = new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }));
  const wait = (ms: number) => delay(ms, undefined, { signal }).catch(() => undefined);
  let failures = 0;
  while (!signal.aborted) {
    try {
      await check();
      const ended = await Promise.race([connect(), stopped.then(() => ({ after: stopped }))]);
      if (failures > 0) parts.onBack();
      failures = 0;
      if (!signal.aborted) parts.onConnected();
      const since = Date.now();
      await Promise.race([ended.after, stopped]);
      if (Date.now() - since < shortLifeMs) await wait(shortestWaitMs);
    } catch (thrown) {
      if (signal.aborted) return;
      if (failures === 0) parts.onTrouble(thrown);
      await wait(Math.min(shortestWaitMs * 2 ** failures, longestWaitMs));
      failures += 1;
    }
  }
}
