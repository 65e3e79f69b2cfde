/** Takes what a BMC pushes, and can be told to refuse some of it first. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export type PushedEvent = { headers: IncomingHttpHeaders; from: string; body: Record<string, unknown> };

export type EventListener = {
  url: string;
  /** Everything that was accepted, in order. */
  events: PushedEvent[];
  attempts: number;
  /** Attempts that are answered with 503 from now on. */
  refuse: number;
  stop(): Promise<void>;
};

/** Listens on a free port of 127.0.0.1. */
export async function startEventListener(): Promise<EventListener> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    listener.attempts++;
    if (listener.refuse > 0) {
      listener.refuse--;
      response.writeHead(503).end();
      return;
    }
    const body = JSON.parse(Buffer.concat(chunks).toString());
    listener.events.push({ headers: request.headers, from: request.socket.remoteAddress ?? '', body });
    response.writeHead(204).end();
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const listener: EventListener = {
    url: `http://127.0.0.1:${port}/events`,
    events: [],
    attempts: 0,
    refuse: 0,
    stop: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return listener;
}
