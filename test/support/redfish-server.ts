/** A small Redfish service that a test bends: every request is recorded, every answer can be replaced. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { makeCertificate } from '../../src/lab/certificate.ts';

export const account = { username: 'operator', password: 'a secret that must not leak' };

export type Seen = { method: string; path: string; token?: string; basic: boolean; body: string; lastEventId?: string };
export type Reply = {
  status?: number;
  headers?: Record<string, string>;
  body?: unknown;
  text?: string;
  drop?: boolean;
  hang?: boolean;
  /** Gets what to write the body with, which never ends by itself. */
  stream?: (write: (text: string) => void) => void;
  /** The answer comes after this. */
  after?: Promise<unknown>;
};
export type Handler = (seen: Seen) => Reply | undefined;

export type RedfishServer = {
  url: string;
  spki: string;
  cert: string;
  seen: Seen[];
  /** Open sessions: token by URI. */
  sessions: Map<string, string>;
  /** Answers before the service does; undefined leaves it to the service. */
  override: Handler;
  close(): Promise<void>;
};

const sessionsPath = '/redfish/v1/SessionService/Sessions';
const reset = '/redfish/v1/Systems/1/Actions/ComputerSystem.Reset';
export const resetPath = reset;
export const updatePath = '/redfish/v1/UpdateService/Actions/UpdateService.SimpleUpdate';

const tree: Record<string, unknown> = {
  '/redfish/v1': {
    '@odata.id': '/redfish/v1',
    Vendor: 'Dell',
    Systems: { '@odata.id': '/redfish/v1/Systems' },
    UpdateService: { '@odata.id': '/redfish/v1/UpdateService' },
    Links: { Sessions: { '@odata.id': sessionsPath } },
  },
  '/redfish/v1/Systems': { '@odata.id': '/redfish/v1/Systems', Members: [{ '@odata.id': '/redfish/v1/Systems/1' }] },
  '/redfish/v1/Systems/1': {
    '@odata.id': '/redfish/v1/Systems/1',
    UUID: '1e8a9a2e-6a1f-4b52-9f3c-000000000001',
    Model: 'Testbed 1',
    PowerState: 'On',
    Status: { Health: 'OK', State: 'Enabled' },
    Actions: {
      '#ComputerSystem.Reset': { target: reset, 'ResetType@Redfish.AllowableValues': ['On', 'ForceRestart'] },
    },
  },
  '/redfish/v1/UpdateService': {
    '@odata.id': '/redfish/v1/UpdateService',
    Actions: { '#UpdateService.SimpleUpdate': { target: updatePath } },
  },
};

/** Listens on a free loopback port until closed. */
export async function startRedfishServer(override: Handler = () => undefined): Promise<RedfishServer> {
  const { key, cert, spki } = makeCertificate({ commonName: 'redfish', altNames: ['127.0.0.1'] });
  const running: RedfishServer = {
    url: '',
    spki,
    cert,
    seen: [],
    sessions: new Map(),
    override,
    close: async () => {},
  };
  const server = createServer({ key, cert }, (request, response) => void serve(running, request, response));
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  running.url = `https://127.0.0.1:${address.port}`;
  running.close = () =>
    new Promise(resolve => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return running;
}

async function serve(running: RedfishServer, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const seen: Seen = {
    method: request.method ?? '',
    path: (request.url ?? '').replace(/\/+$/, ''),
    token: request.headers['x-auth-token']?.toString(),
    basic: request.headers.authorization?.startsWith('Basic ') ?? false,
    body: Buffer.concat(chunks).toString('utf8'),
    lastEventId: request.headers['last-event-id']?.toString(),
  };
  running.seen.push(seen);
  const reply = running.override(seen) ?? standard(running, seen);
  if (reply.hang === true) return;
  await reply.after;
  if (reply.drop === true) return void request.socket.destroy();
  response.writeHead(reply.status ?? 200, { 'content-type': 'application/json', ...reply.headers });
  if (reply.stream !== undefined) {
    response.flushHeaders();
    return reply.stream(text => void response.write(text));
  }
  response.end(reply.text ?? (reply.body === undefined ? undefined : JSON.stringify(reply.body)));
}

let counter = 0;

function standard(running: RedfishServer, seen: Seen): Reply {
  if (seen.method === 'POST' && seen.path === sessionsPath) {
    const { UserName, Password }: Record<string, unknown> = JSON.parse(seen.body);
    if (UserName !== account.username || Password !== account.password) return { status: 401, body: {} };
    counter++;
    running.sessions.set(`${sessionsPath}/${counter}`, `token-${counter}`);
    const headers = { 'X-Auth-Token': `token-${counter}`, Location: `${running.url}${sessionsPath}/${counter}` };
    return { status: 201, headers, body: { Id: String(counter) } };
  }
  const known = seen.basic || [...running.sessions.values()].includes(seen.token ?? '');
  if (seen.path !== '/redfish/v1' && !known) return { status: 401, body: {} };
  if (seen.method === 'DELETE') return { status: running.sessions.delete(seen.path) ? 204 : 404, body: {} };
  if (seen.method === 'POST') return { status: 204 };
  const body = tree[seen.path];
  return body === undefined ? { status: 404, body: {} } : { body };
}
