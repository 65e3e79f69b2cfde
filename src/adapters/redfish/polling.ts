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
  type Listed,
  type MembersOptions,
  type ReadOptions,
  type Seen,
} from './connection.ts';
import type { Deadline } from './deadline.ts';
import { EtagCache } from './etag-cache.ts';
import { expandQuery } from './expand.ts';
import { reasonOf } from './facts.ts';
import { plain } from './links.ts';
import { serviceRoot } from './schema.ts';
import type { Session } from './session.ts';
import type { WireAnswer } from './transport.ts';
import type { Wire } from './wire.ts';

/** How long an answer is good that was said to last. */
const lastingMs = 10 * 60_000;
/** What a BMC vouches for with a summary is looked at itself so often all the same: summaries have been wrong. */
const vouchedMs = 5 * 60_000;
/** That something is not there is believed for this long at first. */
const absentMs = 15_000;

type Lasting = {
  through: z.ZodType;
  seen: Promise<unknown>;
  at: number;
  goodForMs: number;
  /** Since when every answer has said that there is nothing. */
  absentSince?: number;
};

type Fields = { wire: Wire; session: Session; now: () => number };

/** What is remembered between two looks. */
type Memory = {
  etags: EtagCache;
  lasting: Map<string, Lasting>;
  /** Where `$expand` was refused or gave nothing but links, and when. */
  unexpanded: Map<string, number>;
};

/** One look. After its deadline nothing more is sent, and whoever waits is told timeout. */
type Look = { seen: Seen; deadline?: Deadline | undefined };

export class PollingConnection extends Connection {
  readonly #fields: Fields;
  readonly #now: () => number;
  readonly #memory: Memory;
  readonly #deadline: Deadline | undefined;

  constructor(fields: Fields, look?: Look & { memory: Memory }) {
    super(look === undefined ? fields : { ...fields, seen: look.seen });
    this.#fields = fields;
    this.#now = fields.now;
    this.#memory = look?.memory ?? { etags: new EtagCache(fields.now), lasting: new Map(), unexpanded: new Map() };
    this.#deadline = look?.deadline;
  }

  /** The same connection for one look. */
  look(look: Look): PollingConnection {
    return new PollingConnection(this.#fields, { memory: this.#memory, ...look });
  }

  /** Reads everything anew: the server may have changed. */
  forget(): void {
    this.#memory.lasting.clear();
    this.#memory.unexpanded.clear();
  }

  override read<T extends z.ZodType>(link: string, schema: T, options: ReadOptions = {}): Promise<z.infer<T>> {
    if (options.lasting !== true && options.vouched !== true) return super.read(link, schema, options);
    const key = plain(link);
    const held = this.#memory.lasting.get(key);
    if (held?.through === schema && this.#now() - held.at < held.goodForMs) return held.seen as Promise<z.infer<T>>;
    const seen = super.read(link, schema, options);
    const goodForMs = options.lasting === true ? lastingMs : vouchedMs;
    const fresh: Lasting = { through: schema, seen, at: this.#now(), goodForMs };
    this.#memory.lasting.set(key, fresh);
    seen.then(
      read => {
        if (isEmptyList(read)) absent(fresh, held);
      },
      (error: unknown) => {
        if (error instanceof BmcStatus && error.status === 404) absent(fresh, held);
        else if (this.#memory.lasting.get(key) === fresh) this.#memory.lasting.delete(key);
      },
    );
    return seen;
  }

  override async members<T extends z.ZodType = z.ZodUnknown>(
    link: string,
    options: MembersOptions<T> = {},
  ): Promise<Listed<z.infer<T>>> {
    if (options.expand === undefined) return super.members(link, options);
    const query = await this.#queryFor(link, options.expand);
    // A list that holds nothing but links lasts.
    if (query === undefined) return super.members(link, { ...options, lasting: true });
    try {
      const read = await super.members(`${link}?${query}`, options);
      if (!read.members.some(({ whole }) => whole)) this.#memory.unexpanded.set(plain(link), this.#now());
      return read;
    } catch (error) {
      reasonOf(error);
      // That there was no time left says nothing of what the BMC can.
      if (this.#deadline?.signal.aborted) throw error;
      this.#memory.unexpanded.set(plain(link), this.#now());
      return super.members(link, { ...options, lasting: true });
    }
  }

  protected override view<T extends z.ZodType>(path: string, schema: T, slow: boolean): Promise<z.infer<T>> {
    const read = this.#fields.wire.polls.run(0, () => {
      this.#deadline?.signal.throwIfAborted();
      return this.#memory.etags.read({
        path,
        through: schema,
        send: headers => this.get(path, slow, { headers }),
        see: answer => this.see(path, schema, answer),
      });
    });
    return this.#deadline === undefined ? read : this.#deadline.within(read);
  }

  protected override get(path: string, slow: boolean, more: GetManner = {}): Promise<WireAnswer> {
    return super.get(path, slow, { urgency: 'poll', signal: this.#deadline?.signal, ...more });
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

/** Whatever is a list has both, as the schema gives them. */
function isEmptyList(seen: unknown): boolean {
  if (typeof seen !== 'object' || seen === null || !('Members' in seen) || !('Drives' in seen)) return false;
  return [seen.Members, seen.Drives].every(list => Array.isArray(list) && list.length === 0);
}
