/**
 * Serves what a real machine answered, over HTTPS with log-in, so that the
 * Redfish adapter is tried on trees that nobody wrote for it. The captures are
 * read where they lie and are no part of this repository.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { fileURLToPath } from 'node:url';
import { newToken } from '../../src/core/ids.ts';
import { makeCertificate } from '../../src/lab/certificate.ts';

export type Resource = Record<string, unknown>;
export type Tree = Map<string, Resource>;

const captures = new URL('../../../shared/redfish/captures/', import.meta.url);
export const capturesPresent = existsSync(fileURLToPath(captures));

/** Resources by URI (no trailing slash, lower case: some machines link in another case than they list). */
export function readCapture(machine: string): Tree {
  const lines = readFileSync(new URL(`${machine}/resources.ndjson`, captures), 'utf8').split('\n');
  const tree: Tree = new Map();
  for (const line of lines) {
    if (line.trim() === '') continue;
    const { uri, body }: { uri: string; body: Resource } = JSON.parse(line);
    tree.set(plain(uri), body);
  }
  return tree;
}

export type CaptureServer = {
  url: string;
  spki: string;
  username: string;
  password: string;
  /** Sessions that are open now. */
  sessions: Set<string>;
  /** Method and path of every request, oldest first. */
  requests: string[];
  /** Paths that were answered without a body, because what the client holds is current. */
  unchanged: string[];
  close(): Promise<void>;
};

export type CaptureManners = {
  /** What `$expand` does; unless said it is ignored. */
  expand?: 'refused' | 'done';
  /** Gives ETags, and answers 304 to a client that holds the current one. */
  etags?: true;
};

/** One machine on a loopback port of its own. Only the service root is served without a session. */
export async function serveCapture(tree: Tree, manners: CaptureManners = {}): Promise<CaptureServer> {
  const { key, cert, spki } = makeCertificate({ commonName: 'capture', altNames: ['127.0.0.1'] });
  const sessions = new Set<string>();
  const requests: string[] = [];
  const unchanged: string[] = [];
  const password = newToken();
  const service = { username: 'reader', password, sessions, manners, unchanged };
  const server = createServer({ key, cert }, (request, response) => {
    requests.push(`${request.method} ${request.url}`);
    void answer(tree, service, request, response);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the capture server has no port');
  return {
    url: `https://127.0.0.1:${address.port}`,
    spki,
    username: service.username,
    password,
    sessions,
    requests,
    unchanged,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

type Service = {
  username: string;
  password: string;
  sessions: Set<string>;
  manners: CaptureManners;
  unchanged: string[];
};
const sessionsPath = '/redfish/v1/sessionservice/sessions';

async function answer(tree: Tree, service: Service, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = plain(request.url ?? '');
  if (request.method === 'POST' && path === sessionsPath) return logIn(service, request, response);
  const token = String(request.headers['x-auth-token'] ?? '');
  if (path !== '/redfish/v1' && !service.sessions.has(token)) return reply(response, 401, failure('NoValidSession'));
  if (request.method === 'DELETE' && path.startsWith(`${sessionsPath}/`)) {
    service.sessions.delete(token);
    return reply(response, 204);
  }
  if (request.method !== 'GET') return reply(response, 405, failure('OperationNotAllowed'));
  const resource = tree.get(path);
  if (resource === undefined) return reply(response, 404, failure('ResourceMissingAtURI'));
  if ('error' in resource) return reply(response, statusOf(resource), resource);
  const levels = /[$]expand=[.*][(][$]levels=([0-9]+)[)]/.exec(request.url ?? '')?.[1];
  const { expand, etags } = service.manners;
  if (levels !== undefined && expand === 'refused') return reply(response, 501, failure('QueryNotSupported'));
  const body = levels !== undefined && expand === 'done' ? expanded(tree, resource, Number(levels)) : resource;
  if (etags !== true) return reply(response, 200, body);
  const etag = `"${createHash('sha256').update(JSON.stringify(body)).digest('hex')}"`;
  response.setHeader('ETag', etag);
  if (request.headers['if-none-match'] !== etag) return reply(response, 200, body);
  service.unchanged.push(path);
  return reply(response, 304);
}

/** Links outside `Links` become what they lead to, down to a level; what is not there stays a link. */
function expanded(tree: Tree, body: Resource, levels: number): Resource {
  const inner = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(inner);
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value);
    const [only] = entries;
    if (entries.length !== 1 || only?.[0] !== '@odata.id') return value;
    const found = tree.get(plain(String(only[1])));
    if (found === undefined || 'error' in found) return value;
    return levels > 1 ? expanded(tree, found, levels - 1) : found;
  };
  return Object.fromEntries(Object.entries(body).map(([key, value]) => [key, key === 'Links' ? value : inner(value)]));
}

async function logIn(service: Service, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const body: Resource = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  if (body.UserName !== service.username || body.Password !== service.password) {
    return reply(response, 401, failure('ResourceAtUriUnauthorized'));
  }
  const token = newToken();
  service.sessions.add(token);
  response.setHeader('X-Auth-Token', token);
  response.setHeader('Location', `/redfish/v1/SessionService/Sessions/${service.sessions.size}`);
  return reply(response, 201, { Id: String(service.sessions.size) });
}

/** Captures hold no status codes; the error documents in them say which it was. */
function statusOf(resource: Resource): number {
  const text = JSON.stringify(resource);
  if (/Missing|NotFound|not found/.test(text)) return 404;
  return /LIC\d|License/.test(text) ? 403 : 500;
}

function failure(id: string): Resource {
  return { error: { code: `Base.1.18.${id}`, '@Message.ExtendedInfo': [{ MessageId: `Base.1.18.${id}` }] } };
}

function reply(response: ServerResponse, status: number, body?: Resource): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}

function plain(uri: string): string {
  return uri
    .replace(/[?#].*$/, '')
    .replace(/\/+$/, '')
    .toLowerCase();
}
