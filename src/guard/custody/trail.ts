/**
 * The part of the log that tells one server's life, one node's, or one
 * operation's. A plan, its decision and its votes name a digest and no server;
 * what ties them to one is an effect announced for it under that digest. So a
 * plan under which nothing was ever announced for a server is not in its trail.
 */
import type { CustodyRow } from '../../core/custody.ts';
import { decodeEntry, type ReadEntry } from './entry-bytes.ts';

export type TrailSubject = { serial: string } | { node: string } | { operation: string };

export type TrailEntry = { seq: number; entry: ReadEntry };

export class Trail {
  readonly #concerns: (entry: ReadEntry) => boolean;
  readonly #own: TrailEntry[] = [];
  readonly #intents = new Set<unknown>();
  readonly #digests = new Set<unknown>();
  readonly #systems = new Set<string>();
  /** Plans, decisions, votes and operations by digest: they come before the effect that shows whose they are. */
  readonly #around = new Map<unknown, TrailEntry[]>();
  #unreadable = 0;

  constructor(subject: TrailSubject) {
    this.#concerns = concernOf(subject);
  }

  /** Takes the log's next row in; rows must come in order. */
  see({ seq, bytes }: CustodyRow): void {
    const { entry } = decodeEntry(bytes);
    if (!entry) {
      this.#unreadable++;
    } else if (this.#concerns(entry) || this.#intents.has(entry.intent)) {
      this.#own.push({ seq, entry });
      if (entry.type === 'effect.intent') this.#intents.add(seq);
      if (entry.digest !== undefined) this.#digests.add(entry.digest);
      const system = resourceOf(entry).uuid;
      if (typeof system === 'string') this.#systems.add(system);
    } else if (entry.digest !== undefined && entry.type !== 'effect.intent') {
      this.#around.set(entry.digest, [...(this.#around.get(entry.digest) ?? []), { seq, entry }]);
    }
  }

  /** What was seen of the subject's life, in the order in which it was written. */
  entries(): TrailEntry[] {
    const around = [...this.#digests].flatMap(digest => this.#around.get(digest) ?? []);
    return [...this.#own, ...around].sort((a, b) => a.seq - b.seq);
  }

  /** UUIDs of the systems in it. More than one under a serial: it was given twice, and this is no single server's life. */
  systems(): string[] {
    return [...this.#systems];
  }

  /** Rows that are no entry; any of them may have belonged here. */
  get unreadable(): number {
    return this.#unreadable;
  }
}

function concernOf(subject: TrailSubject): (entry: ReadEntry) => boolean {
  if ('serial' in subject) return entry => resourceOf(entry).serial === subject.serial;
  if ('node' in subject) return entry => resourceOf(entry).node === subject.node;
  return entry => entry.operation === subject.operation;
}

function resourceOf({ resource }: ReadEntry): Record<string, unknown> {
  return typeof resource === 'object' && resource !== null ? (resource as Record<string, unknown>) : {};
}
