/**
 * What was seen in a resource, by its ETag, so that an unchanged one costs a
 * 304 without a body, and is neither validated again nor held whole. Every
 * resource is fetched anew now and then: a BMC that gives one ETag to two
 * bodies is found out, and believed no more.
 */
import { hash } from 'node:crypto';
import type { z } from 'zod';
import type { WireAnswer } from './transport.ts';

/** Characters for one BMC; a sample sees some 8,000. */
const most = 256 * 1024;
const trustedMs = 10 * 60_000;

/** `seen` is JSON: as objects, what is seen of a fleet would take four times the room, and the collector's time again and again. */
type Held = { etag: string; through: z.ZodType; seen: string; digest: string; at: number };
export type Ask<T extends z.ZodType> = {
  path: string;
  through: T;
  send(headers: Record<string, string>): Promise<WireAnswer>;
  /** Throws what is wrong with the answer; nothing of such a one is held. */
  see(answer: WireAnswer): z.infer<T>;
};

export class EtagCache {
  /** Least recently used first. */
  readonly #held = new Map<string, Held>();
  readonly #now: () => number;
  #length = 0;
  #off = false;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Sends the read, on condition where it was seen through the same schema before. */
  async read<T extends z.ZodType>({ path, through, send, see }: Ask<T>): Promise<z.infer<T>> {
    const held = this.#held.get(path);
    const asks = held?.through === through && this.#now() - held.at < trustedMs;
    const answer = await send(asks ? { 'if-none-match': held.etag } : {});
    if (asks && answer.status === 304) {
      this.#drop(path);
      this.#keep(path, held);
      return JSON.parse(held.seen);
    }
    if (asks && (answer.status === 400 || answer.status === 412 || answer.status === 501)) {
      this.#stop();
      return see(await send({}));
    }
    this.#drop(path);
    const seen = see(answer);
    const etag = answer.header('etag');
    if (this.#off || answer.status !== 200 || etag === undefined || etag === '') return seen;
    const digest = hash('sha256', answer.bytes, 'base64');
    if (held?.etag === etag && held.digest !== digest) this.#stop();
    else this.#keep(path, { etag, through, seen: JSON.stringify(seen), digest, at: this.#now() });
    return seen;
  }

  #stop(): void {
    this.#off = true;
    this.#held.clear();
    this.#length = 0;
  }

  #keep(path: string, held: Held): void {
    if (held.seen.length > most) return;
    this.#held.set(path, held);
    this.#length += held.seen.length;
    for (const oldest of this.#held.keys()) {
      if (this.#length <= most) break;
      this.#drop(oldest);
    }
  }

  #drop(path: string): void {
    const held = this.#held.get(path);
    if (held === undefined) return;
    this.#held.delete(path);
    this.#length -= held.seen.length;
  }
}
