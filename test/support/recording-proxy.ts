/** Stands between a client and the service, and keeps what the client sent: its token, and where it went. */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Seen = { method: string; path: string; token: string | undefined; body: string };
export type RecordingProxy = {
  url: string;
  seen: Seen[];
  /** Set, it is awaited before a request is passed on. */
  before: ((request: Seen) => Promise<void>) | undefined;
  close(): Promise<void>;
};

/** Passes everything on to the service at `target()`, unchanged. */
export async function openRecordingProxy(target: () => string): Promise<RecordingProxy> {
  const seen: Seen[] = [];
  const proxy: Pick<RecordingProxy, 'before'> = { before: undefined };
  const server = createServer(async (request, response) => {
    const body = await textOf(request);
    const { method = 'GET', url: path = '/', headers } = request;
    const now = { method, path, body, token: headers.authorization?.replace(/^Bearer /, '') };
    seen.push(now);
    await proxy.before?.(now);
    const passed = ['authorization', 'content-type', 'user-agent'].flatMap(name => {
      const value = headers[name];
      return typeof value === 'string' ? [[name, value] as [string, string]] : [];
    });
    try {
      const answer = await fetch(`${target()}${path}`, {
        method,
        headers: passed,
        body: method === 'GET' ? undefined : body,
      });
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
    } catch {
      response.destroy();
    }
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(proxy, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    close: () =>
      new Promise<void>(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
