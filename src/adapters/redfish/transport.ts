/**
 * Bytes to and from one BMC. Knows time limits, size limits and whether a
 * request can have reached the machine; knows nothing of Redfish.
 */
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Client } from 'undici';
import { exchange } from './exchange.ts';
import { ConnectFailure, pinnedConnector, type Trust } from './pinned-connector.ts';

/** Milliseconds. */
export type Timeouts = {
  connectMs: number;
  /** From the request to its headers, and between two pieces of its body. */
  answerMs: number;
  /** The same for slow resources, such as a firmware inventory that is gathered on demand. */
  slowMs: number;
  /** Before a read is tried again; doubled the second time, with jitter. */
  retryMs: number;
};

export const defaultTimeouts: Timeouts = { connectMs: 10_000, answerMs: 60_000, slowMs: 240_000, retryMs: 400 };

const maxBodyBytes = 8 * 1024 * 1024;
/**
 * One connection is kept from one look to the next, where there is room for it and the BMC does so too: for most BMCs a
 * handshake is the dearest part of a look. Where there is none it is kept from one question to the next of who waits for
 * something. The others take memory on both sides, of hundreds of BMCs that are read at once, and are given up right after.
 */
const keptMs = 75_000;
const firstMs = 4_000;
const spareMs = 1_000;

/** Bytes of a known length that are read as they are sent. */
export type Upload = { type: string; length: number; read(): AsyncIterable<Uint8Array> };

export type WireRequest = {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  path: string;
  headers?: Record<string, string>;
  body?: unknown;
  /** Sent as it is, in place of a JSON body. */
  upload?: Upload | undefined;
  slow?: boolean;
  /** Use a connection of its own: a kept-alive one may be dead already, and a write must not be lost to that. */
  fresh?: boolean;
};

export type WireAnswer = { status: number; header(name: string): string | undefined; bytes: Buffer };

/** The request may have reached the BMC, but no whole answer came back. */
export class AnswerLost extends Error {
  readonly kind: 'timeout' | 'broken' | 'too-large';

  constructor(kind: AnswerLost['kind'], cause: unknown) {
    super(`answer ${kind}`, { cause });
    this.kind = kind;
  }
}

export class Transport {
  readonly #origin: string;
  readonly #timeouts: Timeouts;
  readonly #options: Client.Options;
  readonly #isRoom: () => boolean;
  /** Those that have a connection or make one; of them without a request at the moment, the one to take next last. */
  readonly #clients = new Set<Client>();
  #idle: Client[] = [];
  #kept: Client | undefined;
  #mayKeep: boolean | undefined;
  #certificateExpires: Date | undefined;

  /** `isRoom` is asked once, and tells whether a connection may be kept while nothing is asked. */
  constructor(fields: { origin: string; trust: Trust; timeouts: Timeouts; isRoom: () => boolean }) {
    this.#origin = fields.origin;
    this.#timeouts = fields.timeouts;
    this.#isRoom = fields.isRoom;
    this.#options = {
      connect: pinnedConnector(fields.trust, fields.timeouts.connectMs, certificate => {
        this.#certificateExpires = certificate.validToDate;
      }),
      maxResponseSize: maxBodyBytes,
    };
  }

  /** Sends one request, once, following no redirect. Throws ConnectFailure (not sent) or AnswerLost (perhaps sent). */
  async send(request: WireRequest): Promise<WireAnswer> {
    if (request.fresh !== true) return this.#reuse(request);
    const client = new Client(this.#origin, this.#options);
    try {
      return await this.#exchange(client, request);
    } finally {
      await client.destroy();
    }
  }

  /** Until when the certificate is valid that was presented last; undefined before the first connection. */
  get certificateExpires(): Date | undefined {
    return this.#certificateExpires;
  }

  /** Closes every socket; a later request opens new ones. */
  async end(): Promise<void> {
    const clients = [...this.#clients];
    this.#clients.clear();
    this.#idle = [];
    this.#kept = undefined;
    await Promise.all(clients.map(client => client.destroy()));
  }

  /** undici's own pool takes a client that has just answered for busy, and opens a second connection for what comes next. */
  async #reuse(request: WireRequest): Promise<WireAnswer> {
    const client = this.#idle.pop() ?? this.#connect();
    try {
      return await this.#exchange(client, request);
    } finally {
      if (client === this.#kept) this.#idle.push(client);
      else if (this.#clients.has(client)) this.#idle.unshift(client);
    }
  }

  #connect(): Client {
    this.#mayKeep ??= this.#isRoom();
    const idleMs = this.#kept !== undefined ? spareMs : this.#mayKeep ? keptMs : firstMs;
    const options = { ...this.#options, keepAliveTimeout: idleMs, keepAliveMaxTimeout: idleMs };
    const client = new Client(this.#origin, options);
    this.#kept ??= client;
    this.#clients.add(client);
    client.on('disconnect', () => this.#forget(client));
    return client;
  }

  /** Thousands of BMCs are asked and then left alone: without a connection a client is nothing that is missed. */
  #forget(client: Client): void {
    if (!this.#clients.delete(client)) return;
    this.#idle = this.#idle.filter(each => each !== client);
    if (this.#kept === client) this.#kept = undefined;
    void client.close();
  }

  async #exchange(client: Client, request: WireRequest): Promise<WireAnswer> {
    const limit = request.slow === true ? this.#timeouts.slowMs : this.#timeouts.answerMs;
    const sent = {
      method: request.method,
      path: request.path,
      headers: {
        accept: 'application/json',
        'accept-encoding': 'identity',
        'odata-version': '4.0',
        ...contentOf(request),
        ...request.headers,
      },
      body: bytesOf(request),
      headersTimeout: limit,
      bodyTimeout: limit,
    };
    try {
      // A body that drips slower than the limits notice must still end.
      const { status, headers, bytes } = await exchange(client, sent, 2 * limit + this.#timeouts.connectMs);
      const header = (name: string): string | undefined => {
        const value = headers[name];
        return Array.isArray(value) ? value[0] : value;
      };
      return { status, header, bytes: await inflated(bytes, header('content-encoding')) };
    } catch (error) {
      throw error instanceof ConnectFailure ? error : new AnswerLost(kindOf(error), error);
    }
  }
}

function contentOf({ body, upload }: WireRequest): Record<string, string> {
  if (upload !== undefined) return { 'content-type': upload.type, 'content-length': String(upload.length) };
  return body === undefined ? {} : { 'content-type': 'application/json' };
}

function bytesOf({ body, upload }: WireRequest): Readable | string | null {
  if (upload !== undefined) return Readable.from(upload.read(), { objectMode: false });
  return body === undefined ? null : JSON.stringify(body);
}

/** Some BMCs compress although they were asked not to. */
async function inflated(bytes: Buffer, encoding: string | undefined): Promise<Buffer> {
  if (encoding !== 'gzip') return bytes;
  return promisify(gunzip)(bytes, { maxOutputLength: maxBodyBytes });
}

function kindOf(error: unknown): AnswerLost['kind'] {
  if (!(error instanceof Error)) return 'broken';
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return 'timeout';
  const code = 'code' in error ? error.code : undefined;
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT') return 'timeout';
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE' || code === 'ERR_BUFFER_TOO_LARGE') return 'too-large';
  return 'broken';
}
