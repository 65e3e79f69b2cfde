/**
 * Bodies by ETag, so that an unchanged resource costs a 304 without a body.
 * Every body is fetched whole again now and then: a BMC that gives one ETag to
 * two bodies is found out, and believed no more.
 */
import type { WireAnswer } from './transport.ts';

/** For one BMC. */
const maxBytes = 256 * 1024;
/** For all BMCs together: a sample needs some 25 KiB of each. */
const fleetBytes = 96 * 1024 * 1024;
const trustedMs = 10 * 60_000;

type Held = { etag: string; answer: WireAnswer; at: number };
type Send = (headers: Record<string, string>) => Promise<WireAnswer>;

/** Room for bodies that all BMCs share. */
export class EtagRoom {
  #left: number;

  constructor(bytes = fleetBytes) {
    this.#left = bytes;
  }

  /** False when there is not that much left. */
  take(bytes: number): boolean {
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#left += bytes;
  }
}

export class EtagCache {
  /** Least recently used first. */
  readonly #held = new Map<string, Held>();
  readonly #now: () => number;
  readonly #room: EtagRoom;
  #bytes = 0;
  #off = false;

  constructor(now: () => number, room: EtagRoom) {
    this.#now = now;
    this.#room = room;
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
    for (const path of this.#held.keys()) this.#drop(path);
  }

  /**
   * Another body of this BMC makes room where this BMC's is used up. Where the fleet's is used up, none does: all are asked for
   * in turn, and would push each other out before any is asked for again.
   */
  #keep(path: string, held: Held): void {
    const size = held.answer.bytes.length;
    if (size > maxBytes / 4 || !this.#room.take(size)) return;
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
    this.#room.giveBack(held.answer.bytes.length);
  }
}
