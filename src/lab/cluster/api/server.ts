/**
 * The HTTPS face of one cluster: connections, what goes wrong with them, and
 * the effect log that remembers every write as it came over the wire.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { FleetError } from '../../../core/errors.ts';
import { type EffectLog, maskSecrets } from '../../effect-log.ts';
import { ApiFailure, expired } from '../model/failure.ts';
import { type ApiOptions, KubernetesApi } from './api.ts';
import type { ClusterFault, ClusterFaultKind, ClusterFaults } from './faults.ts';
import type { Answer } from './request.ts';
import type { WatchStream } from './watch.ts';
import { failureAnswer, readBody, send, streamOf } from './wire.ts';

export type ApiServerOptions = ApiOptions & {
  name: string;
  address: string;
  port: number;
  certificate: { key: string; cert: string };
  effects: EffectLog;
  faults: ClusterFaults;
};

type Call = { method: string; path: string; isWrite: boolean };

export class ApiServer {
  readonly #options: ApiServerOptions;
  readonly #api: KubernetesApi;
  readonly #https;
  /** Takes the connections, so that a partition can hold them back before any handshake. */
  #listener: Server | undefined;
  readonly #sockets = new Set<Socket>();
  readonly #watches = new Set<ServerResponse>();
  #url = '';
  #stopped = false;

  constructor(options: ApiServerOptions) {
    this.#options = options;
    this.#api = new KubernetesApi(options);
    this.#https = createHttpsServer({ ...options.certificate, keepAliveTimeout: 60_000 }, (request, response) => {
      this.#serve(request, response).catch(() => response.destroy());
    });
    options.faults.onClear(kind => this.#cleared(kind));
  }

  get url(): string {
    return this.#url;
  }

  /** Listens; throws port_taken when the address is in use. Port 0 takes a free one. */
  async start(): Promise<void> {
    const { address, port } = this.#options;
    const bound = await this.#listen(port);
    this.#url = `https://${address}:${bound}`;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#close();
  }

  async #close(): Promise<void> {
    const listener = this.#listener;
    this.#listener = undefined;
    const closed = new Promise<void>(resolve => (listener ? listener.close(() => resolve()) : resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** Cuts every connection, refuses new ones for `downMs` wall-clock milliseconds, and is back with all it stored. */
  async restart(downMs: number): Promise<void> {
    await this.#close();
    await delay(downMs);
    if (!this.#stopped) await this.#listen(Number(new URL(this.#url).port));
  }

  /** Cuts every open watch, as a restarting load balancer does. */
  cutWatches(): void {
    for (const response of this.#watches) response.destroy();
  }

  /** Forgets history: older watches and continue tokens are answered 410. */
  compact(): void {
    this.#api.compact();
  }

  async #listen(port: number): Promise<number> {
    const { address } = this.#options;
    const listener = createServer(socket => this.#connected(socket));
    await new Promise<void>((resolve, reject) => {
      listener.once('error', (error: NodeJS.ErrnoException) => {
        reject(error.code === 'EADDRINUSE' ? portTaken(address, port, error) : error);
      });
      listener.listen(port, address, resolve);
    });
    this.#listener = listener;
    return (listener.address() as AddressInfo).port;
  }

  #connected(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    if (!this.#options.faults.has('partition')) this.#https.emit('connection', socket);
  }

  #cleared(kind: ClusterFaultKind): void {
    if (kind === 'watch-silence') this.cutWatches();
    if (kind === 'partition') for (const socket of this.#sockets) socket.destroy();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { faults } = this.#options;
    if (faults.has('reset')) return void request.socket.destroy();
    if (faults.has('hang') || faults.has('partition')) return;
    const url = new URL(request.url ?? '/', this.#url);
    const method = request.method ?? 'GET';
    const isWrite = method !== 'GET' && method !== 'HEAD' && this.#api.isKept(url.pathname);
    const call = { method, path: url.pathname, isWrite };
    if (faults.take('lost-request', call)) return void request.socket.destroy();
    response.setHeader('date', new Date(Date.now() + faults.skewMs()).toUTCString());
    let answer: Answer | undefined;
    let body: unknown;
    try {
      body = await readBody(request);
      const asked = { method, path: url.pathname, query: url.searchParams, headers: request.headers, body };
      answer = this.#faultAnswer(call, request) ?? this.#api.answer(asked, () => this.#open(response));
    } catch (error) {
      answer = failureAnswer(error);
    }
    if (answer !== undefined) await this.#finish(request, response, { call, body, answer });
  }

  async #finish(
    request: IncomingMessage,
    response: ServerResponse,
    { call, body, answer }: { call: Call; body: unknown; answer: Answer },
  ): Promise<void> {
    const { faults } = this.#options;
    const dropped =
      call.isWrite && (faults.takeOne('drop-after-write') || faults.take('lost-answer', call) !== undefined);
    if (call.isWrite) this.#record(request, { status: dropped ? 0 : answer.status, body });
    if (dropped) return void request.socket.destroy();
    const { ms = 0 } = faults.get('slow') ?? {};
    if (ms > 0) await delay(ms);
    if (!faults.has('partition')) send(response, answer);
  }

  #faultAnswer(call: Call, { headers }: IncomingMessage): Answer | undefined {
    const { faults } = this.#options;
    if (faults.has('unavailable') && headers.authorization !== undefined) throw unavailable();
    const fault = faults.take('answer', call);
    return fault === undefined ? undefined : faultyAnswer(fault);
  }

  #open(response: ServerResponse): WatchStream {
    const { faults } = this.#options;
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    this.#watches.add(response);
    response.on('close', () => this.#watches.delete(response));
    const stream = streamOf(response);
    if (faults.takeOne('watch-expired')) {
      const object = expired('The resourceVersion for the provided watch is too old.').body;
      stream.write(`${JSON.stringify({ type: 'ERROR', object })}\n`);
      stream.end();
      return { ...stream, write: () => undefined };
    }
    const mute = () => faults.has('watch-silence') || faults.has('partition');
    return { ...stream, write: line => (mute() ? undefined : stream.write(line)) };
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

function unavailable(): ApiFailure {
  return new ApiFailure(503, 'ServiceUnavailable', 'the server is currently unable to handle the request');
}

/** 429 is what priority and fairness sends, plain text and all; the others are `Status` objects. */
function faultyAnswer({ status, retryAfterSeconds }: Extract<ClusterFault, { kind: 'answer' }>): Answer {
  const retry: Record<string, string> =
    retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
  switch (status) {
    case 429: {
      const uid = '4c1ae0d5-5b3c-4f5c-9a58-7c4f3f4c7a11';
      const headers = { 'x-kubernetes-pf-flowschema-uid': uid, 'x-kubernetes-pf-prioritylevel-uid': uid, ...retry };
      return { status, body: 'Too many requests, please try again later.\n', headers };
    }
    case 500:
      return { ...failureAnswer(new Error('etcdserver: request timed out')), headers: retry };
    case 503:
      return { ...failureAnswer(unavailable()), headers: retry };
    case 504: {
      const why = 'Timeout: request did not complete within requested timeout - context deadline exceeded';
      return { ...failureAnswer(new ApiFailure(504, 'Timeout', why)), headers: retry };
    }
  }
}

function withoutSecretData(path: string, body: unknown): unknown {
  if (!/\/secrets(\/|\?|$)/.test(path) || typeof body !== 'object' || body === null) return body;
  if (Array.isArray(body)) return '***';
  const hidden = ['data', 'stringData'].filter(key => Object.hasOwn(body, key)).map(key => [key, '***']);
  return { ...body, ...Object.fromEntries(hidden) };
}
