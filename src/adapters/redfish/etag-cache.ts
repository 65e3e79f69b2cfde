/**
 * Bodies by ETag, so that an unchanged resource costs a 304 without a body.
 * Every body is fetched whole again now and then: a BMC that gives one ETag to
 * two bodies is found out, and believed no more.
 */
import type { WireAnswer } from './transport.ts';

/** For one BMC; a fleet has hundreds. */
const maxBytes = 256 * 1024;
const trustedMs = 10 * 60_000;

type Held = { etag: string; answer: WireAnswer; at: number };
type Send = (headers: Record<string, string>) => Promise<WireAnswer>;

export class EtagCache {
  /** Least recently used first. */
  readonly #held = new Map<string, Held>();
  readonly #now: () => number;
  #bytes = 0;
  #off = false;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Sends the read, on condition where an earlier body is held, and returns an answer with a body. */
  async read(path: string, send: Send): Promise<WireAnswer> {
    const held = this.#held.get(path);
    const asks = held !== undefined && this.#now() - held.at < trustedMs;
    const answer = await send(asks ? { 'if-none-match': held.etag } : {});
    if (asks && answer.status === 304) {
      this.#drop(path);
      this.#keep(path, held);
      return held.answer;
    }
    if (asks && (answer.status === 400 || answer.status === 412 || answer.status === 501)) {
      this.#stop();
      return send({});
    }
    this.#drop(path);
    const etag = answer.header('etag');
    if (this.#off || answer.status !== 200 || etag === undefined || etag === '') return answer;
    if (held?.etag === etag && !held.answer.bytes.equals(answer.bytes)) this.#stop();
    else this.#keep(path, { etag, answer, at: this.#now() });
    return answer;
  }

  /** The body of this path was no Redfish, whatever its ETag says. */
  forget(path: string): void {
    this.#drop(path);
  }

  #stop(): void {
    this.#off = true;
    this.#held.clear();
    this.#bytes = 0;
  }

  #keep(path: string, held: Held): void {
    const size = held.answer.bytes.length;
    if (size > maxBytes / 4) return;
    this.#held.set(path, held);
    this.#bytes += size;
    for (const oldest of this.#held.keys()) {
      if (this.#bytes <= maxBytes) break;
      this.#drop(oldest);
    }
  }

  #drop(path: string): void {
    const held = this.#held.get(path);
    if (held === undefined) return;
    this.#held.delete(path);
    this.#bytes -= held.answer.bytes.length;
  }
}
