/**
 * Authenticated reads and writes on one BMC. The difference between them is
 * the whole point: a read is repeated until it answers, a write is sent once
 * and its outcome is accepted, refused, or honestly unknown.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { z } from 'zod';
import { FleetError } from '../../core/errors.ts';
import { askedMs, BmcStatus, explanation, isErrorDocument, parseBody, protocolError } from './answer.ts';
import { etagLadder } from './etag-ladder.ts';
import { pathOnBmc, pathOnBmcIfAny } from './links.ts';
import { says } from './messages.ts';
import { longestPauseMs, readPatiently } from './patience.ts';
import { collectionOf } from './schema.ts';
import type { Session } from './session.ts';
import type { Upload, WireAnswer } from './transport.ts';
import type { Urgency, Wire } from './wire.ts';

const maxPages = 20;
const maxMembers = 2_000;

/** Hints for cheap reading, which a connection may leave aside. */
export type ReadOptions = {
  slow?: boolean;
  /** What the server is made of, not how it fares: an answer of the last minutes will do. */
  lasting?: boolean;
  /** The BMC says elsewhere, and said so just now, that all is well with it: an answer of the last minutes will do. */
  vouched?: boolean;
};

export type MembersOptions<T extends z.ZodType = z.ZodType> = ReadOptions & {
  /** What is wanted of a member that the BMC writes into the list itself. */
  of?: T;
  /** The members themselves are wanted, this many levels deep, in the same answer where the BMC can. */
  expand?: 1 | 2;
  /** The list that is meant; `Members` unless said. */
  list?: 'Drives';
  enough?: (found: Member<z.infer<T>>[]) => boolean;
};

/** `inline` is what the list itself says of the member; `whole` where that is the resource, and not a link to it. */
export type Member<T = unknown> = { uri: string; whole: boolean; inline: T };
export type Listed<T> = { members: Member<T>[]; complete: boolean };

export type RawAnswer = { status: number; body: unknown; where: string };

/** What was read, by path, for as long as one look lasts: nothing of it is asked for twice. */
export type Seen = Map<string, { through: z.ZodType; seen: Promise<unknown> }>;

/** How one GET differs from the plain one. */
export type GetManner = { headers?: Record<string, string>; urgency?: Urgency; signal?: AbortSignal | undefined };

export type WriteManner = {
  urgency?: 'power' | undefined;
  /** Reads the state again, and tells whether the write may be sent once more after a refusal for the moment; without it, it is not. */
  mayRepeat?: () => Promise<boolean>;
};

export type WriteOutcome =
  | { outcome: 'accepted'; status: number; location?: string; body?: unknown }
  /** A clear no: nothing was started. `reason` is machine text. */
  | { outcome: 'refused'; status: number; reason: string; messageIds: string[] };

export class Connection {
  readonly url: string;
  readonly #wire: Wire;
  readonly #session: Session;
  readonly #seen: Seen | undefined;

  constructor(fields: { wire: Wire; session: Session; seen?: Seen }) {
    this.url = fields.wire.url;
    this.#wire = fields.wire;
    this.#session = fields.session;
    this.#seen = fields.seen;
  }

  /** The same connection, which takes from `seen` what is there and adds what it reads. */
  noting(seen: Seen): Connection {
    return new Connection({ wire: this.#wire, session: this.#session, seen });
  }

  /** Until when the BMC's certificate is valid; undefined before the first connection. */
  get certificateExpires(): Date | undefined {
    return this.#wire.certificateExpires;
  }

  /** The resource behind a link, seen through a lenient schema. Throws not_found (404), BmcStatus, bmc_protocol and what the wire throws. */
  async read<T extends z.ZodType>(link: string, schema: T, options: ReadOptions = {}): Promise<z.infer<T>> {
    const path = pathOnBmc(this.url, link);
    const known = this.#seen?.get(path);
    if (known?.through === schema) return known.seen as Promise<z.infer<T>>;
    const seen = onceMore(() => this.view(path, schema, options.slow ?? false));
    const fresh = { through: schema, seen };
    this.#seen?.set(path, fresh);
    seen.catch(() => {
      if (this.#seen?.get(path) === fresh) this.#seen.delete(path);
    });
    return seen;
  }

  /** Like {@link read}, with the HTTP status and any body. An empty body is undefined. */
  async readRaw(link: string): Promise<RawAnswer> {
    const path = pathOnBmc(this.url, link);
    return onceMore(async () => this.#bodyOf(path, await this.get(path, false)));
  }

  /** One GET of one resource. */
  protected async view<T extends z.ZodType>(path: string, schema: T, slow: boolean): Promise<z.infer<T>> {
    return this.see(path, schema, await this.get(path, slow));
  }

  /** What an answer says; throws as {@link read} does. */
  protected see<T extends z.ZodType>(path: string, schema: T, answer: WireAnswer): z.infer<T> {
    const { body, where } = this.#bodyOf(path, answer);
    const parsed = schema.safeParse(body);
    if (!parsed.success) throw protocolError(`${where} answered with JSON that is no resource`);
    return parsed.data;
  }

  #bodyOf(path: string, answer: WireAnswer): RawAnswer {
    const where = this.#wire.where('GET', path);
    const { status } = answer;
    if (status >= 300) throw new BmcStatus(where, answer);
    if (status === 204 || (status === 202 && answer.bytes.length === 0)) return { status, body: undefined, where };
    const body = parseBody(answer, where);
    if (isErrorDocument(body)) throw protocolError(`${where} answered ${status} with an error document`);
    return { status, body, where };
  }

  /**
   * Members of a collection in the order given, pages followed, duplicates left out. Ends early, incomplete,
   * after 20 pages, at a page that was there before or is not there, or when `enough` says so of what was found.
   */
  async members<T extends z.ZodType = z.ZodUnknown>(
    link: string,
    options: MembersOptions<T> = {},
  ): Promise<Listed<z.infer<T>>> {
    const found = new Map<string, Member<z.infer<T>>>();
    const collection = collectionOf(options.of);
    const pages = new Set<string>();
    let next: string | undefined = link;
    while (next !== undefined && !pages.has(next) && pages.size < maxPages && found.size < maxMembers) {
      pages.add(next);
      const read: z.infer<typeof collection> | undefined = await this.read(next, collection, options).catch(
        (error: unknown) => {
          if (pages.size > 1 && FleetError.from(error).code === 'not_found') return undefined;
          throw error;
        },
      );
      if (read === undefined) break;
      for (const { uri, whole, inline } of read[options.list ?? 'Members']) {
        if (uri != null && !found.has(uri)) found.set(uri, { uri, whole, inline: inline as z.infer<T> });
      }
      next = read.next;
      if (options.enough?.([...found.values()]) === true) break;
    }
    return { members: [...found.values()], complete: next === undefined };
  }

  /** No more than this many requests at once from now on; undefined for no opinion. */
  bear(inFlight: number | undefined): void {
    if (inFlight !== undefined) this.#wire.limit(inFlight);
  }

  /** POSTs once, or as its manner allows. Throws ambiguous when it cannot be known whether the BMC acted. */
  async post(link: string, body: unknown, manner: WriteManner = {}): Promise<WriteOutcome> {
    const { urgency, mayRepeat } = manner;
    const send = () => this.#write('POST', link, { body, urgency });
    const { outcome, pause } = await send();
    if (pause === undefined || mayRepeat === undefined || !(await mayRepeat())) return outcome;
    await delay(pause);
    return (await mayRepeat()) ? (await send()).outcome : outcome;
  }

  /** Whether the service root answers at this very moment: asked once, without a session. */
  async answers(): Promise<boolean> {
    const path = '/redfish/v1/';
    const answer = await this.#wire.send({ method: 'GET', path, headers: {}, fresh: true }).catch(() => undefined);
    return answer?.status === 200;
  }

  /**
   * PATCHes with the ETag that the BMC wants, which no two vendors agree on: one that was refused for its ETag (412, 428) did
   * nothing and is sent again with the next. One that was refused for the moment is sent once more, with the resource read
   * again. Throws as {@link post} does.
   */
  async patch(link: string, body: unknown): Promise<WriteOutcome> {
    const { outcome, pause } = await this.#climb(link, body);
    if (pause === undefined) return outcome;
    await delay(pause);
    return (await this.#climb(link, body)).outcome;
  }

  async #climb(link: string, body: unknown): Promise<Written> {
    const path = pathOnBmc(this.url, link);
    const current = await this.get(path, false);
    if (current.status >= 300) throw new BmcStatus(this.#wire.where('GET', path), current);
    const [first, ...others] = etagLadder(current);
    let written = await this.#write('PATCH', link, { body, etag: first });
    for (const etag of others) {
      const { outcome } = written;
      if (outcome.outcome === 'accepted' || (outcome.status !== 412 && outcome.status !== 428)) break;
      written = await this.#write('PATCH', link, { body, etag });
    }
    return written;
  }

  /** POSTs bytes once, with the time that a large body takes. Throws as {@link post} does. */
  async upload(link: string, upload: Upload): Promise<WriteOutcome> {
    return (await this.#write('POST', link, { upload })).outcome;
  }

  async #write(method: 'POST' | 'PATCH', link: string, { body, etag, urgency, upload }: Sending): Promise<Written> {
    const path = pathOnBmc(this.url, link);
    const where = this.#wire.where(method, path);
    const condition: Record<string, string> = etag === undefined ? {} : { 'if-match': etag };
    const answer = await this.#session.once(headers =>
      this.#wire.send({
        method,
        path,
        headers: { ...headers, ...condition },
        body,
        upload,
        slow: upload !== undefined,
        fresh: true,
        urgency,
      }),
    );
    const { status } = answer;
    if (status >= 300 && (status < 500 || status === 501 || status === 503)) return this.#refused(answer);
    if (status >= 500) throw ambiguous(`${where} answered ${status}`, explanation(answer).text);
    const location = pathOnBmcIfAny(this.url, answer.header('location'));
    if (answer.bytes.length === 0) return { outcome: { outcome: 'accepted', status, location } };
    try {
      return { outcome: { outcome: 'accepted', status, location, body: parseBody(answer, where) } };
    } catch (error) {
      if (location !== undefined) return { outcome: { outcome: 'accepted', status, location } };
      throw ambiguous(
        `${where} answered ${status} with something that is not Redfish`,
        FleetError.from(error).untrusted,
      );
    }
  }

  #refused(answer: WireAnswer): Written {
    const { ids: messageIds, text: reason } = explanation(answer);
    const outcome = { outcome: 'refused', status: answer.status, reason, messageIds } as const;
    const asked = askedMs(answer);
    // Longer than that, what was proved before the write may be no longer so.
    if (!isForNow(outcome) || asked > longestPauseMs) return { outcome };
    return { outcome, pause: Math.max(asked, this.#wire.timeouts.retryMs) };
  }

  /** One GET, repeated while the BMC is busy or starting. */
  protected get(path: string, slow: boolean, more: GetManner = {}): Promise<WireAnswer> {
    const { headers: own, urgency, signal } = more;
    return this.#session.read(headers =>
      readPatiently(this.#wire, { method: 'GET', path, slow, urgency, signal, headers: { ...headers, ...own } }),
    );
  }
}

/** `pause`: milliseconds after which a refused one may be sent again, where that makes sense. */
type Written = { outcome: WriteOutcome; pause?: number };

/**
 * Whether the BMC refused a write for the moment, and nothing but time is needed. A 401 is among it: reads come before a write,
 * so the session was good, and either it ended just now or the BMC meant nothing.
 */
export function isForNow({ status, messageIds }: { status: number; messageIds: string[] }): boolean {
  return status === 401 || says(messageIds, 'not-now');
}

/** What is no Redfish may be the half of an answer, or the page of a web server that came up first. */
async function onceMore<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof FleetError) || error.code !== 'bmc_protocol') throw error;
    return read();
  }
}

type Sending = {
  body?: unknown;
  upload?: Upload;
  etag?: string | undefined;
  urgency?: 'power' | undefined;
};

function ambiguous(what: string, untrusted: string | undefined): FleetError {
  return new FleetError({
    code: 'ambiguous',
    retry: 'ask',
    message: `${what}: the BMC may or may not have acted`,
    hint: 'Do not send it again; read tasks, inventory and power state to learn what happened.',
    untrusted,
  });
}
