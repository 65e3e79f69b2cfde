/**
 * A connection that takes what a collection lists from the list itself, where the BMC can write it there whole: one answer in
 * place of dozens, and one connection in place of four.
 */
import type { z } from 'zod';
import { Connection, type Listed, type MembersOptions, type Seen } from './connection.ts';
import { expandQuery } from './expand.ts';
import { reasonOf } from './facts.ts';
import { plain } from './links.ts';
import { serviceRoot } from './schema.ts';
import type { Session } from './session.ts';
import type { Wire } from './wire.ts';

/** That a list holds nothing but links is believed for this long. */
const unexpandedMs = 10 * 60_000;

export type ExpandingFields = { wire: Wire; session: Session; now: () => number; seen?: Seen };

/** Where `$expand` was refused or gave nothing but links, and when. */
export type Unexpanded = Map<string, number>;

export class ExpandingConnection extends Connection {
  readonly #fields: ExpandingFields;
  readonly #unexpanded: Unexpanded;

  constructor(fields: ExpandingFields, unexpanded: Unexpanded = new Map()) {
    super(fields);
    this.#fields = fields;
    this.#unexpanded = unexpanded;
  }

  override noting(seen: Seen): ExpandingConnection {
    return new ExpandingConnection({ ...this.#fields, seen }, this.#unexpanded);
  }

  /** Asks every list anew: the server may have changed. */
  forget(): void {
    this.#unexpanded.clear();
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
      if (!read.members.some(({ whole }) => whole)) this.#unexpanded.set(plain(link), this.#fields.now());
      return read;
    } catch (error) {
      reasonOf(error);
      // That there was no time left says nothing of what the BMC can.
      if (this.isOver()) throw error;
      this.#unexpanded.set(plain(link), this.#fields.now());
      return super.members(link, { ...options, lasting: true });
    }
  }

  /** Whether nothing more is sent, whatever the BMC could answer. */
  protected isOver(): boolean {
    return false;
  }

  /** Undefined where the BMC offers none, or did not keep its word for this collection. */
  async #queryFor(link: string, levels: 1 | 2): Promise<string | undefined> {
    const refused = this.#unexpanded.get(plain(link));
    const lately = refused !== undefined && this.#fields.now() - refused < unexpandedMs;
    if (lately || link.includes('?')) return undefined;
    const root: z.infer<typeof serviceRoot> = await this.read('/redfish/v1/', serviceRoot, { lasting: true });
    return expandQuery(root.ProtocolFeaturesSupported?.ExpandQuery, levels);
  }
}
