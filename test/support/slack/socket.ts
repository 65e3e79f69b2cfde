/**
 * Socket Mode from Slack's side: envelopes go to whoever is connected, and what
 * is not acknowledged in time comes again, under a new envelope, as the same event.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';

export type Envelope = {
  type: 'events_api' | 'interactive' | 'slash_commands';
  payload: Record<string, unknown>;
};

/** What came of one: the payload that it was acknowledged with, and how often it was sent. */
export type Delivery = { acknowledged: Promise<Record<string, unknown> | 'not in time'>; sent(): number };

const mostRetries = 3;

/** What brings envelopes to an app: events come again, what a person waits for in a window does not. */
export type Courier = { deliver(envelope: Envelope): Delivery };

export class Sockets implements Courier {
  readonly #server = new WebSocketServer({ noServer: true });
  readonly #waiting = new Map<string, (payload: Record<string, unknown>) => void>();
  /** Events that wait for somebody to be connected. */
  readonly #held = new Set<() => void>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #ackMs: number;
  /** So many acknowledgements are lost on their way. */
  lostAcknowledgements = 0;
  /** How often anybody connected. */
  connections = 0;

  constructor(ackMs: number) {
    this.#ackMs = ackMs;
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#server.handleUpgrade(request, socket, head, ws => this.#greet(ws));
  }

  get open(): WebSocket[] {
    return [...this.#server.clients].filter(({ readyState }) => readyState === 1);
  }

  deliver({ type, payload }: Envelope): Delivery {
    const acknowledged = Promise.withResolvers<Record<string, unknown> | 'not in time'>();
    let sent = 0;
    const attempt = (retry: number) => {
      const [ws] = this.open;
      const again = () => attempt(retry);
      if (ws === undefined && type === 'events_api') return void this.#held.add(again);
      if (ws === undefined) return acknowledged.resolve('not in time');
      const id = randomUUID();
      sent += 1;
      const late = this.#after(this.#ackMs, () => {
        this.#waiting.delete(id);
        if (type !== 'events_api' || retry >= mostRetries) return acknowledged.resolve('not in time');
        attempt(retry + 1);
      });
      this.#waiting.set(id, answer => {
        clearTimeout(late);
        acknowledged.resolve(answer);
      });
      const retried = type === 'events_api' ? { retry_attempt: retry, retry_reason: retry > 0 ? 'timeout' : '' } : {};
      ws.send(
        JSON.stringify({ envelope_id: id, type, payload, accepts_response_payload: type !== 'events_api', ...retried }),
      );
    };
    attempt(0);
    return { acknowledged: acknowledged.promise, sent: () => sent };
  }

  /** As Slack does every few hours: asks the client to connect anew. */
  refresh(): void {
    for (const ws of this.open) ws.send(JSON.stringify({ type: 'disconnect', reason: 'refresh_requested' }));
  }

  drop(): void {
    for (const ws of this.#server.clients) ws.terminate();
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.drop();
    this.#server.close();
  }

  #greet(ws: WebSocket): void {
    this.connections += 1;
    ws.on('error', () => undefined);
    ws.on('message', data => {
      const { envelope_id, payload } = JSON.parse(String(data));
      if (this.lostAcknowledgements > 0) {
        this.lostAcknowledgements -= 1;
        return;
      }
      this.#waiting.get(envelope_id)?.(payload ?? {});
      this.#waiting.delete(envelope_id);
    });
    ws.send(
      JSON.stringify({ type: 'hello', num_connections: this.open.length, connection_info: { app_id: 'A0KEEPER' } }),
    );
    const held = [...this.#held];
    this.#held.clear();
    for (const attempt of held) attempt();
  }

  #after(ms: number, work: () => void): NodeJS.Timeout {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      work();
    }, ms);
    this.#timers.add(timer);
    return timer;
  }
}
