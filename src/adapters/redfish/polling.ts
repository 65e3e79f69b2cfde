/**
 * A connection for what is read again and again: behind everything else in
 * the queue, and with as few and as small answers as the BMC can give. What it
 * returns may be some minutes old where the caller said that it lasts; so
 * nothing that a write depends on is read through it.
 */
import type { z } from 'zod';
import { BmcStatus } from './answer.ts';
import type { GetManner, ReadOptions, Seen } from './connection.ts';
import type { Deadline } from './deadline.ts';
import { EtagCache } from './etag-cache.ts';
import { ExpandingConnection, type ExpandingFields, type Unexpanded } from './expanding.ts';
import { plain } from './links.ts';
import type { WireAnswer } from './transport.ts';

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

type Fields = Omit<ExpandingFields, 'seen'>;

/** What is remembered between two looks. */
type Memory = {
  etags: EtagCache;
  lasting: Map<string, Lasting>;
  unexpanded: Unexpanded;
};

/** One look. After its deadline nothing more is sent, and whoever waits is told timeout. */
type Look = { seen: Seen; deadline?: Deadline | undefined };

export class PollingConnection extends ExpandingConnection {
  readonly #fields: Fields;
  readonly #now: () => number;
  readonly #memory: Memory;
  readonly #deadline: Deadline | undefined;

  constructor(fields: Fields, look?: Look & { memory: Memory }) {
    const memory = look?.memory ?? { etags: new EtagCache(fields.now), lasting: new Map(), unexpanded: new Map() };
    super(look === undefined ? fields : { ...fields, seen: look.seen }, memory.unexpanded);
    this.#fields = fields;
    this.#now = fields.now;
    this.#memory = memory;
    this.#deadline = look?.deadline;
  }

  /** The same connection for one look. */
  look(look: Look): PollingConnection {
    return new PollingConnection(this.#fields, { memory: this.#memory, ...look });
  }

  /** Reads everything anew: the server may have changed. */
  override forget(): void {
    super.forget();
    this.#memory.lasting.clear();
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

  protected override isOver(): boolean {
    return this.#deadline?.signal.aborted === true;
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
