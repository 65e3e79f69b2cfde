/**
 * Where BMCs push events to: one unguessable path per BMC and life of the
 * process, that takes a POST and nothing else. Whoever finds a way in can make
 * us look sooner at one BMC, as often as the watch allows, and no more.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { z } from 'zod';
import { FleetError } from '../../../core/errors.ts';
import { newToken } from '../../../core/ids.ts';
import { list, text } from '../schema.ts';

export type MailboxesOptions = {
  /** By site name; sites that are not here take no events. */
  sites: Map<string, { bind: { host: string; port: number }; advertise: string }>;
};

export type Mailboxes = {
  /** A new address for one BMC of the site, where the site has a listener; `heard` is called for each event that comes. */
  open(site: string | undefined, heard: () => void): string | undefined;
  close(): Promise<void>;
};

const maxBodyBytes = 256 * 1024;
const maxConnections = 1024;
/** Milliseconds for a whole request. */
const requestMs = 10_000;

/** Older BMCs write the context into each event. */
const pushed = z.object({ '@odata.type': text, Context: text, Events: list(z.object({ Context: text })) });

/** What a BMC must say with each event that it sends to this address. */
export function contextOf(destination: string): string {
  return createHash('sha256').update(destination).digest('base64url').slice(0, 22);
}

/** Binds every site's address. Throws `port_taken` naming the address that is in use. */
export async function openMailboxes({ sites }: MailboxesOptions): Promise<Mailboxes> {
  const servers: Server[] = [];
  const boxes = new Map<string, { context: string; heard(): void }>();
  const close = async () => {
    await Promise.all(
      servers.map(server => {
        server.closeAllConnections();
        return new Promise(resolve => server.close(resolve));
      }),
    );
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'POST') return refuse(response, 405, { allow: 'POST' });
    const box = boxes.get(request.url ?? '');
    if (box === undefined) return refuse(response, 404);
    const body = await bodyOf(request);
    if (body === undefined) return refuse(response, 413);
    const event = eventIn(body);
    if (event === undefined) return refuse(response, 400);
    if (![event.Context, ...event.Events.map(each => each.Context)].includes(box.context)) return refuse(response, 403);
    response.writeHead(204).end();
    if (event['@odata.type']?.startsWith('#MetricReport.') !== true) box.heard();
  }

  try {
    for (const { bind } of sites.values()) servers.push(await listen(bind, answer));
  } catch (thrown) {
    await close();
    throw thrown;
  }
  return {
    open(site, heard) {
      const listener = site === undefined ? undefined : sites.get(site);
      if (listener === undefined) return undefined;
      const path = `/${newToken()}`;
      const destination = `${listener.advertise}${path}`;
      boxes.set(path, { context: contextOf(destination), heard });
      return destination;
    },
    close,
  };
}

/** Undefined when it is longer than an event may be. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > maxBodyBytes) return undefined;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function eventIn(body: string): z.infer<typeof pushed> | undefined {
  try {
    return pushed.safeParse(JSON.parse(body)).data;
  } catch {
    return undefined;
  }
}

/** The connection goes with it: what is left of the request is not read. */
function refuse(response: ServerResponse, status: number, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-length': 0, connection: 'close', ...headers }).end();
}

async function listen(
  bind: { host: string; port: number },
  answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): Promise<Server> {
  const limits = { requestTimeout: requestMs, headersTimeout: requestMs, connectionsCheckingInterval: requestMs / 2 };
  const server = createServer(limits, (request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  server.maxConnections = maxConnections;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new FleetError({
          code: error.code === 'EADDRINUSE' ? 'port_taken' : 'invalid_config',
          message: `the event listener cannot bind ${bind.host}:${bind.port} (${error.code})`,
          hint: 'stop what uses it, or change sites[].eventListener.bind in groundskeeper.yaml',
          cause: error,
        }),
      ),
    );
    server.listen(bind.port, bind.host, resolve);
  });
  return server;
}
