/**
 * The HTTPS face of one cluster: who calls, what they ask, and the effect log
 * that remembers every write as it came over the wire.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { FleetError } from '../../core/errors.ts';
import { type EffectLog, maskSecrets } from '../effect-log.ts';
import { discoveryDocument } from './discovery.ts';
import { ApiFailure, badRequest } from './failure.ts';
import type { ClusterFaults } from './faults.ts';
import { type ListBody, Lister } from './listing.ts';
import type { KubeObject } from './objects.ts';
import { type Answer, type ApiRequest, routeOf, type Target } from './request.ts';
import { answerRest } from './rest.ts';
import type { Store } from './store.ts';
import { tableOf, wantsTable } from './table.ts';
import { type WatchStream, watch } from './watch.ts';

export type ApiServerOptions = {
  name: string;
  address: string;
  port: number;
  certificate: { key: string; cert: string };
  token: string;
  store: Store;
  effects: EffectLog;
  faults: ClusterFaults;
  /** Wall-clock milliseconds between watch bookmarks. */
  bookmarkMs: number;
};

const largestBody = 3 * 1024 * 1024;
const openPaths = new Set(['/version', '/readyz', '/livez', '/healthz']);

export class ApiServer {
  readonly #options: ApiServerOptions;
  readonly #server: Server;
  readonly #lister: Lister;
  readonly #watches = new Set<ServerResponse>();
  #url = '';

  constructor(options: ApiServerOptions) {
    this.#options = options;
    this.#lister = new Lister(options.store);
    this.#server = createServer({ ...options.certificate, keepAliveTimeout: 60_000 }, (request, response) => {
      this.#serve(request, response).catch(() => response.destroy());
    });
  }

  get url(): string {
    return this.#url;
  }

  /** Listens; throws port_taken when the address is in use. Port 0 takes a free one. */
  async start(): Promise<void> {
    const { address, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) => {
        reject(error.code === 'EADDRINUSE' ? portTaken(address, port, error) : error);
      });
      this.#server.listen(port, address, resolve);
    });
    this.#url = `https://${address}:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    const closed = new Promise(resolve => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  /** Cuts every open watch, as a restarting load balancer does. */
  cutWatches(): void {
    for (const response of this.#watches) response.destroy();
  }

  /** Forgets history: older watches and continue tokens are answered 410. */
  compact(): void {
    this.#options.store.compact();
    this.#lister.forget();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { faults } = this.#options;
    if (faults.has('reset')) return void request.socket.destroy();
    if (faults.has('hang')) return;
    const url = new URL(request.url ?? '/', this.#url);
    const method = request.method ?? 'GET';
    const call = { method, path: url.pathname, query: url.searchParams, headers: request.headers };
    let answer: Answer | undefined;
    let body: unknown;
    try {
      body = await readBody(request);
      answer = this.#answer({ ...call, body }, response);
    } catch (error) {
      answer = failureAnswer(error);
    }
    if (answer === undefined) return;
    const isWrite = method !== 'GET' && method !== 'HEAD';
    const dropped = isWrite && faults.take('drop-after-write');
    if (isWrite) this.#record(request, { status: dropped ? 0 : answer.status, body });
    if (dropped) return void request.socket.destroy();
    send(response, answer);
  }

  /** The answer, or undefined when a watch took the response over. */
  #answer(request: ApiRequest, response: ServerResponse): Answer | undefined {
    this.#authenticate(request);
    if (this.#options.faults.has('unavailable')) {
      throw new ApiFailure(503, 'ServiceUnavailable', 'the server is currently unable to handle the request');
    }
    if (request.method === 'GET') {
      const document = discoveryDocument(request.path);
      if (document !== undefined) return { status: 200, body: document };
    }
    const target = routeOf(request.path);
    if (target === undefined) throw new ApiFailure(404, 'NotFound', 'the server could not find the requested resource');
    const { store } = this.#options;
    if (request.method === 'GET' && isTrue(request.query.get('watch'))) {
      this.#watch(target, request, response);
      return undefined;
    }
    const answer = answerRest(store, this.#lister, { target, request });
    return request.method === 'GET' ? { ...answer, body: render(target, request, answer.body) } : answer;
  }

  #authenticate(request: ApiRequest): void {
    const { authorization } = request.headers;
    if (authorization === undefined && openPaths.has(request.path)) return;
    if (authorization === `Bearer ${this.#options.token}`) return;
    throw new ApiFailure(401, 'Unauthorized', 'Unauthorized');
  }

  #watch(target: Target, request: ApiRequest, response: ServerResponse): void {
    const { store, bookmarkMs } = this.#options;
    const rendered = (object: KubeObject) => render(target, request, object);
    watch({ store, target, query: request.query, render: rendered, bookmarkMs }, () => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.flushHeaders();
      this.#watches.add(response);
      response.on('close', () => this.#watches.delete(response));
      return streamOf(response);
    });
  }

  #record(request: IncomingMessage, outcome: { status: number; body: unknown }): void {
    const { effects, name } = this.#options;
    effects.append({
      kind: 'cluster',
      target: this.#url,
      name,
      method: request.method ?? '',
      path: request.url ?? '',
      status: outcome.status,
      caller: request.headers['user-agent'] ?? '',
      body: maskSecrets(withoutSecretData(request.url ?? '', outcome.body)),
    });
  }
}

function portTaken(address: string, port: number, cause: Error): FleetError {
  return new FleetError({
    code: 'port_taken',
    message: `${address}:${port} is in use by another program`,
    hint: 'Stop that program, or give the cluster another address or port.',
    cause,
  });
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > largestBody) throw new ApiFailure(413, 'RequestEntityTooLarge', 'limit is 3145728');
    chunks.push(chunk);
  }
  if (size === 0) return undefined;
  const type = request.headers['content-type'] ?? 'application/json';
  if (!/json/.test(type)) throw new ApiFailure(415, 'UnsupportedMediaType', 'the body of the request is not JSON');
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw badRequest('the body of the request is not valid JSON');
  }
}

function failureAnswer(error: unknown): Answer {
  if (error instanceof ApiFailure) return { status: error.body.code, body: error.body };
  const message = error instanceof Error ? error.message : String(error);
  return { status: 500, body: new ApiFailure(500, 'InternalError', message).body };
}

function send(response: ServerResponse, { status, body }: Answer): void {
  const text = typeof body === 'string' ? body : `${JSON.stringify(body)}\n`;
  const type = typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json';
  const details = typeof body === 'object' && 'details' in body ? body.details : undefined;
  const retry = (details as { retryAfterSeconds?: number } | undefined)?.retryAfterSeconds;
  response.writeHead(status, {
    'content-type': type,
    ...(retry === undefined ? {} : { 'retry-after': String(retry) }),
  });
  response.end(text);
}

function streamOf(response: ServerResponse): WatchStream {
  return {
    write: line => void response.write(line),
    end: () => void response.end(),
    onClose: closed => void response.on('close', closed),
  };
}

/** The answer to a read in the form that the client prefers: as it is, or as a table. */
function render({ kind, name }: Target, request: ApiRequest, body: object | string): object {
  if (typeof body === 'string') return { body };
  const include = request.query.get('includeObject');
  const asTable = wantsTable(String(request.headers.accept ?? ''));
  if (isList(body)) {
    if (asTable) return tableOf(kind.kind, body.items, { metadata: body.metadata, include });
    return { ...body, items: body.items.map(({ apiVersion: _version, kind: _kind, ...item }) => item) };
  }
  const object = body as KubeObject;
  const isTable = asTable && (name !== undefined || isTrue(request.query.get('watch')));
  const { resourceVersion } = object.metadata;
  return isTable ? tableOf(kind.kind, [object], { metadata: { resourceVersion }, include }) : object;
}

function isList(body: object): body is ListBody {
  return 'items' in body && Array.isArray(body.items);
}

function isTrue(text: string | null): boolean {
  return text === 'true' || text === '1';
}

function withoutSecretData(path: string, body: unknown): unknown {
  if (!/\/secrets(\/|\?|$)/.test(path) || typeof body !== 'object' || body === null) return body;
  if (Array.isArray(body)) return '***';
  const hidden = ['data', 'stringData'].filter(key => Object.hasOwn(body, key)).map(key => [key, '***']);
  return { ...body, ...Object.fromEntries(hidden) };
}
