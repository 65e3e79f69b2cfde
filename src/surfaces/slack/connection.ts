/**
 * The socket to Slack, opened again whenever it is gone. Bolt's own reconnects
 * wait five seconds after every refresh, and end the process when Slack refuses
 * connections; this waits only when something is wrong, and tells once.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { SocketModeReceiver } from '@slack/bolt';

export type ConnectionParts = {
  socket: SocketModeReceiver['client'];
  /** Before each connection; what it throws counts as one that failed. */
  check(): Promise<void>;
  onConnected(): void;
  /** Once for each time that Slack is away or refuses us. */
  onTrouble(error: unknown): void;
  onBack(): void;
  signal: AbortSignal;
};

/** Slack greets within a second or two. */
const greetingMs = 20_000;
const shortestWaitMs = 500;
const longestWaitMs = 30_000;
/** A connection that ends sooner is none that Slack meant to refresh. */
const shortLifeMs = 5_000;

/** Ends with the signal, and never throws. */
export async function stayConnected(parts: ConnectionParts): Promise<void> {
  const { socket, check, signal } = parts;
  const stopped = new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }));
  const wait = (ms: number) => delay(ms, undefined, { signal }).catch(() => undefined);
  let failures = 0;
  while (!signal.aborted) {
    try {
      await check();
      const ended = await Promise.race([connect(socket), stopped.then(() => ({ after: stopped }))]);
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

/** Resolves once Slack has greeted; `after` is the end of this connection. */
async function connect(socket: ConnectionParts['socket']): Promise<{ after: Promise<void> }> {
  const after = new Promise<void>(resolve => socket.once('disconnected', () => resolve()));
  const late = setTimeout(() => void socket.disconnect().catch(() => undefined), greetingMs);
  try {
    await socket.start().catch((thrown: unknown) => {
      throw thrown ?? new Error('the connection ended before Slack greeted');
    });
  } finally {
    clearTimeout(late);
  }
  return { after };
}
