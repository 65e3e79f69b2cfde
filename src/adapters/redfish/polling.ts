/**
 * A connection for what is read again and again: behind everything else in
 * the queue, and with as few and as small answers as the BMC can give. What it
 * returns may be some minutes old where the caller said that it lasts; so
 * nothing that a write depends on is read through it.
 */
import type { z } from 'zod';
import { BmcStatus } from './answer.ts';
import {
  Connection,
  type GetManner,
  type Member,
  type MembersOptions,
  type RawAnswer,
  type ReadOptions,
} from './connection.ts';
import type { Deadline } from './deadline.ts';
import { EtagCache, type EtagRoom } from './etag-cache.ts';
import { expandQuery } from './expand.ts';
import { reasonOf } from './facts.ts';
import { plain } from './links.ts';
import { isWhole } from './read-members.ts';
import { serviceRoot } from './schema.ts';
import type { Session } from './session.ts';
import type { WireAnswer } from './transport.ts';
import type { Wire } from './wire.ts';

/** How long an answer is good that was said to last. */
const lastingMs = 10 * 60_000;
/** That something is not there is believed for this long at first. */
const absentMs = 15_000;

type Lasting = {
  answer: Promise<RawAnswer>;
  at: number;
  goodForMs: number;
  /** Since when every answer has said that there is nothing. */
  absentSince?: number;
};

type Fields = { wire: Wire; session: Session; now: () => number; room: EtagRoom };

/** What is remembered between two looks. */
type Memory = {
  etags: EtagCache;
  lasting: Map<string, Lasting>;
  /** Where `$expand` was refused or gave nothing but links, and when. */
  unexpanded: Map<string, number>;
};

export class PollingConnection extends Connection {
  readonly #fields: Fields;
  readonly #now: () => number;
  readonly #memory: Memory;
  readonly #deadline: Deadline | undefined;

  constructor(fields: Fields, look?: { memory: Memory; deadline: Deadline }) {
    super(fields);
    this.#fields = fields;
    this.#now = fields.now;
    this.#memory = look?.memory ?? {
      etags: new EtagCache(fields.now, fields.room),
      lasting: new Map(),
      unexpanded: new Map(),
    };
    this.#deadline = look?.deadline;
  }

  /** The same connection for one look: after the deadline it sends nothing more, and whoever waits is told timeout. */
  until(deadline: Deadline): PollingConnection {
    return new PollingConnection(this.#fields, { memory: this.#memory, deadline });
  }

  /** Reads everything anew: the server may have changed. */
  forget(): void {
    this.#memory.lasting.clear();
    this.#memory.unexpanded.clear();
  }

  override readRaw(link: string, options: ReadOptions = {}): Promise<RawAnswer> {
    if (options.lasting !== true) return super.readRaw(link, options);
    const key = plain(link);
    const held = this.#memory.lasting.get(key);
    if (held !== undefined && this.#now() - held.at < held.goodForMs) return held.answer;
    const answer = super.readRaw(link, options);
    const fresh: Lasting = { answer, at: this.#now(), goodForMs: lastingMs };
    this.#memory.lasting.set(key, fresh);
    answer.then(
      read => {
        if (isEmptyList(read.body)) absent(fresh, held);
      },
      (error: unknown) => {
        if (error instanceof BmcStatus && error.status === 404) absent(fresh, held);
        else if (this.#memory.lasting.get(key) === fresh) this.#memory.lasting.delete(key);
      },
    );
    return answer;
  }

  override async members(
    link: string,
    options: MembersOptions = {},
  ): Promise<{ members: Member[]; complete: boolean }> {
    if (options.expand === undefined) return super.members(link, options);
    const query = await this.#queryFor(link, options.expand);
    // A list that holds nothing but links lasts.
    if (query === undefined) return super.members(link, { ...options, lasting: true });
    try {
      const read = await super.members(`${link}?${query}`, options);
      if (!read.members.some(({ inline }) => isWhole(inline))) this.#memory.unexpanded.set(plain(link), this.#now());
      return read;
    } catch (error) {
      reasonOf(error);
      // That there was no time left says nothing of what the BMC can.
      if (this.#deadline?.signal.aborted) throw error;
      this.#memory.unexpanded.set(plain(link), this.#now());
      return super.members(link, { ...options, lasting: true });
    }
  }

  protected override async get(path: string, slow: boolean, more: GetManner = {}): Promise<WireAnswer> {
    const urgency = more.urgency ?? 'poll';
    const deadline = this.#deadline;
    const read = this.#memory.etags.read(path, headers =>
      super.get(path, slow, { urgency, signal: deadline?.signal, headers: { ...more.headers, ...headers } }),
    );
    return deadline === undefined ? read : deadline.within(read);
  }

  protected override drop(path: string): void {
    this.#memory.etags.forget(path);
  }

  /** Undefined where the BMC offers none, or did not keep its word for this collection. */
  async #queryFor(link: string, levels: 1 | 2): Promise<string | undefined> {
    const refused = this.#memory.unexpanded.get(plain(link));
    const lately = refused !== undefined && this.#now() - refused < lastingMs;
    if (lately || link.includes('?')) return undefined;
    const root: z.infer<typeof serviceRoot> = await this.read('/redfish/v1/', serviceRoot, { lasting: true });
    return expandQuery(root.ProtocolFeaturesSupported?.ExpandQuery, levels);
  }
}

/**
 * A BMC that restarts shows a tree with parts missing for some minutes. So what is not there is looked for again after as long
 * as it has been missing: a gap lasts no longer than twice as long as its cause, and what never comes costs nothing.
 */
function absent(fresh: Lasting, before: Lasting | undefined): void {
  fresh.absentSince = before?.absentSince ?? fresh.at;
  fresh.goodForMs = Math.min(lastingMs, Math.max(absentMs, fresh.at - fresh.absentSince));
}

function isEmptyList(body: unknown): boolean {
  if (typeof body !== 'object' || body === null) return false;
  const lists = ['Members' in body ? body.Members : undefined, 'Drives' in body ? body.Drives : undefined];
  return lists.some(list => Array.isArray(list) && list.length === 0);
}
