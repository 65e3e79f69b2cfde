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
import { EtagCache } from './etag-cache.ts';
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

type Lasting = { answer: Promise<RawAnswer>; at: number };

export class PollingConnection extends Connection {
  readonly #now: () => number;
  readonly #etags: EtagCache;
  #lasting = new Map<string, Lasting>();
  /** Where `$expand` was refused or gave nothing but links, and when. */
  #unexpanded = new Map<string, number>();

  constructor(fields: { wire: Wire; session: Session; now: () => number }) {
    super(fields);
    this.#now = fields.now;
    this.#etags = new EtagCache(fields.now);
  }

  /** Reads everything anew: the server may have changed. */
  forget(): void {
    this.#lasting = new Map();
    this.#unexpanded = new Map();
  }

  override readRaw(link: string, options: ReadOptions = {}): Promise<RawAnswer> {
    if (options.lasting !== true) return super.readRaw(link, options);
    const key = plain(link);
    const held = this.#lasting.get(key);
    if (held !== undefined && this.#now() - held.at < lastingMs) return held.answer;
    const answer = super.readRaw(link, options);
    const fresh = { answer, at: this.#now() };
    this.#lasting.set(key, fresh);
    // That something is not there lasts as well.
    answer.catch(error => {
      const absent = error instanceof BmcStatus && error.status === 404;
      if (!absent && this.#lasting.get(key) === fresh) this.#lasting.delete(key);
    });
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
      if (!read.members.some(({ inline }) => isWhole(inline))) this.#unexpanded.set(plain(link), this.#now());
      return read;
    } catch (error) {
      reasonOf(error);
      this.#unexpanded.set(plain(link), this.#now());
      return super.members(link, { ...options, lasting: true });
    }
  }

  protected override async get(path: string, slow: boolean, more: GetManner = {}): Promise<WireAnswer> {
    const urgency = more.urgency ?? 'poll';
    return this.#etags.read(path, headers =>
      super.get(path, slow, { urgency, headers: { ...more.headers, ...headers } }),
    );
  }

  /** Undefined where the BMC offers none, or did not keep its word for this collection. */
  async #queryFor(link: string, levels: 1 | 2): Promise<string | undefined> {
    const refused = this.#unexpanded.get(plain(link));
    const lately = refused !== undefined && this.#now() - refused < lastingMs;
    if (lately || link.includes('?')) return undefined;
    const root: z.infer<typeof serviceRoot> = await this.read('/redfish/v1/', serviceRoot, { lasting: true });
    return expandQuery(root.ProtocolFeaturesSupported?.ExpandQuery, levels);
  }
}
