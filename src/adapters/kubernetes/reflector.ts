/**
 * Follows one kind of object: a list in pages, then a watch from its version,
 * and again after whatever ends it, with growing, jittered pauses. A list
 * replaces what is held in one step, and what is held never depends on which
 * events were missed.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { ApiException } from '@kubernetes/client-node';
import type Bottleneck from 'bottleneck';
import { FleetError } from '../../core/errors.ts';
import type { Connection } from './connection.ts';
import { Deadline } from './deadline.ts';
import { type CallContext, refusalOf, translate } from './failures.ts';
import { ofKind } from './reading.ts';
import { WatchError, type WatchEvent, watchEvents } from './watch-stream.ts';

/** All in milliseconds. */
export type MirrorTimings = {
  /** A watch that brings no event and no bookmark for so long is taken for dead: API servers send one each minute. */
  silenceMs: number;
  /** How long contact may be lost before what is held counts as no answer any more. */
  lostMs: number;
  longestPauseMs: number;
};

export type Followed<F> = {
  /** Path of the collection in all namespaces. */
  path: string;
  /** Kind of its list. */
  kind: string;
  /** Undefined for an object that is to be left out. */
  facts(object: unknown): F | undefined;
};

export type ReflectorOptions<F> = Followed<F> & {
  connection: Connection;
  context: Omit<CallContext, 'access'>;
  /** Pages are taken apart a few at a time, over all clusters: their JSON is many times larger than the facts. */
  pages: Bottleneck;
  timings: MirrorTimings;
};

const pageSize = 500;
const firstPauseMs = 200;
/** A watch that held so long has worked, although nothing happened. */
const goodWatchMs = 5000;
/** Failures in a row before somebody who waits for the first content is told. */
const patience = 3;
/** Refusals in a row of a watch before the list is read again: its version may be one that never comes. */
const refusals = 3;

type Page = {
  kind?: string;
  metadata?: { resourceVersion?: string; continue?: string };
  items: { metadata?: { uid?: string } }[];
};

export class Reflector<F> {
  readonly #options: ReflectorOptions<F>;
  readonly #closing = new AbortController();
  readonly #run: Promise<void>;
  #held = new Map<string, F>();
  #snapshot: readonly F[] | undefined;
  #version: string | undefined;
  #synced = false;
  #watching = false;
  #failures = 0;
  #refusals = 0;
  /** Whether the last failure came from the server, and not from the way to it. */
  #answered = false;
  #error: FleetError | undefined;
  #heardAt = 0;
  #lostSince: number | undefined;
  #turn = Promise.withResolvers<void>();

  /** Begins at once. */
  constructor(options: ReflectorOptions<F>) {
    this.#options = options;
    this.#run = this.#follow();
  }

  /** Everything held, in no order. The same array until something changes. */
  get content(): readonly F[] {
    this.#snapshot ??= [...this.#held.values()];
    return this.#snapshot;
  }

  /** Milliseconds since the epoch: the content has everything that happened until then. */
  get heardAt(): number {
    return this.#heardAt;
  }

  /** Milliseconds since the epoch, while contact is lost. */
  get lostSince(): number | undefined {
    return this.#watching ? undefined : this.#lostSince;
  }

  /** Resolves once there is content that counts; throws FleetError when there is none in time. */
  async ready(timeoutMs: number): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!this.#synced) {
      const left = deadline - Date.now();
      if (this.#closing.signal.aborted || this.#isHopeless() || left <= 0) throw this.#error ?? this.#unreachable();
      await Promise.race([this.#turn.promise, delay(left, undefined, { ref: false })]);
    }
    if (this.#isLost()) throw this.#isPassing() ? this.#unreachable() : (this.#error ?? this.#unreachable());
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#turn.resolve();
    await this.#run;
  }

  async #follow(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      let pause = firstPauseMs * Math.random();
      try {
        if (this.#version === undefined) await this.#list();
        await this.#watch();
      } catch (thrown) {
        if (this.#closing.signal.aborted) break;
        pause = this.#failed(thrown);
      }
      await delay(pause, undefined, { signal: this.#closing.signal, ref: false }).catch(() => undefined);
    }
  }

  async #list(): Promise<void> {
    const listed = new Map<string, F>();
    const askedAt = Date.now();
    let token: string | undefined;
    let version: string | undefined;
    do {
      const page = await this.#page(token);
      version = page.metadata?.resourceVersion;
      token = page.metadata?.continue || undefined;
      for (const object of page.items) this.#put(listed, object);
    } while (token !== undefined);
    if (!version) throw new Error('answered a list without a resourceVersion');
    this.#held = listed;
    this.#snapshot = undefined;
    this.#version = version;
    this.#heardAt = askedAt;
    this.#lostSince = undefined;
    this.#synced = true;
    this.#wake();
  }

  async #page(token: string | undefined): Promise<Page> {
    const { connection, path, kind, pages } = this.#options;
    const query = new URLSearchParams({ limit: String(pageSize), ...(token === undefined ? {} : { continue: token }) });
    const deadline = new Deadline(connection.timeoutMs, this.#closing.signal);
    try {
      const response = await connection.open(`${path}?${query}`, { pool: 'requests', signal: deadline.signal });
      return await pages.schedule(async () => {
        deadline.restart();
        return ofKind(kind, (await response.json()) as Page);
      });
    } finally {
      deadline.end();
    }
  }

  async #watch(): Promise<void> {
    const { connection, path, timings } = this.#options;
    const query = new URLSearchParams({
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: this.#version ?? '',
      timeoutSeconds: String(Math.round(300 + Math.random() * 300)),
    });
    const deadline = new Deadline(connection.timeoutMs, this.#closing.signal);
    const openedAt = Date.now();
    const heardBefore = this.#heardAt;
    const held = () => Date.now() - openedAt > goodWatchMs;
    try {
      const response = await connection.open(`${path}?${query}`, { pool: 'watches', signal: deadline.signal });
      deadline.restart(timings.silenceMs);
      this.#watching = true;
      if (!this.#answered) this.#failures = Math.min(this.#failures, patience - 1);
      if (this.#failures < patience) this.#lostSince = undefined;
      if (response.body === null) throw new Error('answered a watch without a body');
      for await (const event of watchEvents(response.body, () => deadline.restart())) this.#apply(event);
      if (this.#heardAt === heardBefore && !held()) throw new Error('ended a watch as soon as it began');
    } catch (thrown) {
      // Whoever said nothing for so long may have dropped events: the list tells.
      if (this.#watching && isTimeout(thrown)) this.#version = undefined;
      else if (this.#watching && held()) this.#worked();
      throw thrown;
    } finally {
      this.#watching = false;
      deadline.end();
    }
  }

  #apply({ type, object }: WatchEvent): void {
    const { uid, resourceVersion } = object.metadata ?? {};
    if (!resourceVersion) throw new Error('sent a watch event without a resourceVersion');
    if (type === 'DELETED') this.#held.delete(uid ?? '');
    else if (type !== 'BOOKMARK') this.#put(this.#held, object);
    if (type !== 'BOOKMARK') this.#snapshot = undefined;
    this.#version = resourceVersion;
    this.#heardAt = Date.now();
    this.#worked();
  }

  #put(held: Map<string, F>, object: { metadata?: { uid?: string | undefined } | undefined }): void {
    const uid = object.metadata?.uid;
    if (!uid) throw new Error('sent an object without a uid');
    const facts = this.#options.facts(object);
    if (facts === undefined) held.delete(uid);
    else held.set(uid, facts);
  }

  #worked(): void {
    this.#failures = 0;
    this.#refusals = 0;
    this.#lostSince = undefined;
  }

  /** Takes note, and says how long to wait before the next try. */
  #failed(thrown: unknown): number {
    const refusal = refusalOf(thrown);
    const status = refusal?.status ?? (thrown instanceof WatchError ? thrown.status : undefined);
    // A forgotten version says nothing about the contact.
    if (status !== 410) this.#error = this.#translated(thrown);
    this.#lostSince ??= isTimeout(thrown) && this.#synced ? this.#heardAt : Date.now();
    this.#failures++;
    this.#answered = status !== undefined;
    if (countsAsRefusal(status, thrown)) this.#refusals++;
    if (status === 410 || this.#refusals >= refusals) this.#version = undefined;
    if (this.#version === undefined) this.#refusals = 0;
    this.#wake();
    const growing = Math.min(firstPauseMs * 2 ** (this.#failures - 1), this.#options.timings.longestPauseMs);
    const asked = Math.min(refusal?.retryAfterMs ?? 0, this.#options.timings.longestPauseMs);
    return Math.max(growing * (0.5 + Math.random() / 2), asked);
  }

  #translated(thrown: unknown): FleetError {
    const context = { ...this.#options.context, access: 'read' as const };
    return translate(thrown instanceof WatchError ? failureOf(thrown) : thrown, context);
  }

  #isLost(): boolean {
    const { lostMs, silenceMs } = this.#options.timings;
    const now = Date.now();
    const cut = !this.#watching && this.#lostSince !== undefined && now - this.#lostSince > lostMs;
    return cut || now - this.#heardAt > silenceMs + lostMs;
  }

  #isPassing(): boolean {
    return this.#error === undefined || this.#error.code === 'cluster_unreachable' || this.#error.code === 'timeout';
  }

  #isHopeless(): boolean {
    return this.#error !== undefined && (!this.#isPassing() || this.#failures >= patience);
  }

  #unreachable(): FleetError {
    const { cluster, host, subject } = this.#options.context;
    const since = this.#lostSince === undefined ? '' : ` since ${new Date(this.#lostSince).toISOString()}`;
    return new FleetError({
      code: 'cluster_unreachable',
      retry: 'later',
      message: `the API server of cluster ${cluster} (${host}) tells nothing of ${subject}${since}`,
      hint: `Check the network to ${host} and that its control plane is up.`,
      ...(this.#error === undefined ? {} : { cause: this.#error }),
    });
  }

  #wake(): void {
    const turn = this.#turn;
    this.#turn = Promise.withResolvers<void>();
    turn.resolve();
  }
}

function isTimeout(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === 'TimeoutError';
}

/** The server answered, and what it said is about this watch, not about us or its load. */
function countsAsRefusal(status: number | undefined, thrown: unknown): boolean {
  if (status !== undefined) return ![401, 403, 429, 503].includes(status);
  return thrown instanceof SyntaxError || (thrown instanceof Error && thrown.name === 'ZodError');
}

function failureOf({ status, message }: WatchError): ApiException<string> {
  return new ApiException(status, 'watch failed', JSON.stringify({ kind: 'Status', reason: 'Watch', message }), {});
}
