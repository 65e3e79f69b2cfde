/**
 * One session per BMC, opened when first needed, shared by every request, and
 * always given back: a BMC has few of them and forgets none by itself in time.
 * Its URI goes into the ledger before the session is used, so that a crash
 * leaves nothing behind that the next life cannot delete.
 */
import type { LogInCounts, SessionLedger } from '../../core/bmc.ts';
import { FleetError } from '../../core/errors.ts';
import { Lane } from './lane.ts';
import { openTicket, type Ticket } from './log-in.ts';
import type { LoginBreaker } from './login-breaker.ts';
import { findLost } from './lost-sessions.ts';
import { sendSurely } from './patience.ts';
import { SessionBook } from './session-book.ts';
import type { WireAnswer } from './transport.ts';
import type { Wire } from './wire.ts';

export type Credential = { username: string; password: string };
type Send = (headers: Record<string, string>) => Promise<WireAnswer>;
type Exchange = { answer: WireAnswer; ticket: Ticket };
type Gone = 'gone' | 'refused' | 'unanswered';

/** After a session that was refused from the start, nothing logs in for this long. */
const pauseMs = 60_000;

type Fields = {
  wire: Wire;
  credential: Credential;
  ledger: SessionLedger;
  breaker: LoginBreaker;
  now: () => number;
  /** What the ledger held of this BMC before this life. Rejects with the ledger. */
  inherited: () => Promise<string[]>;
};

export class Session {
  readonly #fields: Fields;
  readonly #wire: Wire;
  readonly #book: SessionBook;
  /** With Basic every refused request is a failed log-in, so they go one by one. */
  readonly #basicLane = new Lane(1);
  /** Sessions that are no use to us but may still take a place on the BMC. */
  readonly #abandoned = new Set<string>();
  #current: Promise<Ticket> | undefined;
  /** Ends with the newest log-in: one that is being closed under way must be over, and counted, before the next begins. */
  #lastLogIn: Promise<unknown> = Promise.resolve();
  #refusing = false;
  #pausedUntil = 0;
  #opened = 0;
  /** What `#current` resolved to. */
  #live: Ticket | undefined;

  constructor(fields: Fields) {
    const { wire, ledger, now } = fields;
    this.#fields = fields;
    this.#wire = wire;
    this.#book = new SessionBook({ url: wire.url, ledger, answerMs: wire.timeouts.answerMs, now });
  }

  /** How often it logged in, and how that ended. */
  get logIns(): LogInCounts {
    return this.#fields.breaker.counts;
  }

  /**
   * Sends a read. Some BMCs answer 401 now and then with nothing wrong, so it is sent twice before the session is doubted, and
   * twice more where the BMC still knows the session; a 401 that is returned then is about this resource. Where the session is
   * gone, the same begins once more with a new one. Throws bmc_auth when that is refused too.
   */
  async read(send: Send): Promise<WireAnswer> {
    const first = await this.#twice(send);
    if (first.answer.status !== 401) return first.answer;
    if (await this.#lives(first.ticket)) return (await this.#twice(send)).answer;
    this.#drop(first.ticket);
    const second = await this.#twice(send);
    if (second.answer.status !== 401) return second.answer;
    if (await this.#lives(second.ticket)) return (await this.#twice(send)).answer;
    this.#drop(second.ticket);
    // The password was right; but a BMC that takes no session must not be asked for one with every read.
    if (second.ticket.kind === 'token') this.#pausedUntil = this.#fields.now() + pauseMs;
    throw this.#unusable();
  }

  /** Sends a request with the current session, once; a 401 is returned. */
  async once(send: Send): Promise<WireAnswer> {
    return (await this.#attempt(send)).answer;
  }

  /** Log-ins that succeeded in this process. */
  get opened(): number {
    return this.#opened;
  }

  /** From now on only closing logs in: what still runs elsewhere must not open what nobody would close. */
  refuseLogIns(): void {
    this.#refusing = true;
  }

  /** Deletes the session; false when it may remain on the BMC, and then it stays in the ledger. Safe to call twice. */
  async close(): Promise<boolean> {
    return (await this.#close()) === 'gone';
  }

  /**
   * Deletes the session, those of an earlier life, and those that lost log-ins left, for which it logs in where needed.
   * False when one may remain on the BMC; it stays in the ledger.
   */
  async closeAll(recorded: string[]): Promise<boolean> {
    try {
      const uris = await this.#book.take(recorded);
      for (const uri of uris) if (!this.#isLive(uri)) this.#abandoned.add(uri);
      // A session that refuses its own end may be gone, or not: only another one can tell.
      for (let round = 0; round < 2; round++) {
        if (this.#untidy) await this.#tidy(await this.#ticket({ closing: true }));
        if ((await this.#close()) !== 'refused') break;
      }
      return !this.#untidy;
    } catch {
      await this.#close();
      return false;
    }
  }

  /** Deletes what is recorded beside the session in use, for which it logs in where needed. What cannot be deleted stays for the next time. */
  async closeInherited(recorded: string[]): Promise<void> {
    const known = recorded.filter(uri => !this.#isLive(uri));
    for (const uri of await this.#book.take(known)) if (!this.#isLive(uri)) this.#abandoned.add(uri);
    if (this.#untidy) await this.#tidy(await this.#ticket());
  }

  async #twice(send: Send): Promise<Exchange> {
    const first = await this.#attempt(send);
    return first.answer.status === 401 && first.ticket.kind === 'token' ? this.#attempt(send) : first;
  }

  async #attempt(send: Send): Promise<Exchange> {
    const ticket = await this.#ticket();
    if (ticket.kind === 'basic') return this.#basicLane.run(0, () => this.#exchange(send));
    return this.#exchange(send);
  }

  async #exchange(send: Send): Promise<Exchange> {
    const ticket = await this.#ticket();
    const answer = await send(ticket.headers);
    if (answer.status === 401 && ticket.kind === 'basic') {
      this.#drop(ticket);
      await this.#fields.breaker.failed();
    }
    return { answer, ticket };
  }

  /** Single-flight: requests that come while a log-in runs share its result. */
  async #ticket({ closing } = { closing: false }): Promise<Ticket> {
    if (this.#current !== undefined) return this.#current;
    if (this.#refusing && !closing)
      throw new FleetError({
        code: 'bmc_unreachable',
        retry: 'later',
        message: `${this.#wire.url} is being closed`,
      });
    if (this.#fields.now() < this.#pausedUntil && !closing) throw this.#unusable();
    const logIn = this.#lastLogIn.then(() => this.#logIn());
    this.#current = logIn;
    this.#lastLogIn = logIn.catch(() => {
      if (this.#current === logIn) this.#current = undefined;
    });
    return logIn;
  }

  async #logIn(): Promise<Ticket> {
    // Reads may come before anybody closes what an earlier life left.
    await this.#book.inherit(this.#fields.inherited);
    const ticket = await openTicket({ ...this.#fields, book: this.#book });
    await this.#tidy(ticket);
    this.#live = ticket;
    this.#opened++;
    return ticket;
  }

  /** Whether the BMC still knows this session. */
  async #lives(ticket: Ticket): Promise<boolean> {
    if (ticket.kind === 'basic') return false;
    const { uri: path, headers } = ticket;
    const ask = async () => (await sendSurely(this.#wire, { method: 'GET', path, headers })).status;
    const status = await ask();
    return (status === 401 ? await ask() : status) < 300;
  }

  #drop(ticket: Ticket): void {
    if (this.#live !== ticket) return;
    this.#live = undefined;
    this.#current = undefined;
    if (ticket.kind === 'token') this.#abandoned.add(ticket.uri);
  }

  #isLive(uri: string): boolean {
    return this.#live?.kind === 'token' && this.#live.uri === uri;
  }

  get #untidy(): boolean {
    return this.#abandoned.size > 0 || this.#book.lost.length > 0;
  }

  /** Deletes what may be left of ours beside this session; what cannot be deleted now is tried again the next time. */
  async #tidy(ticket: Ticket): Promise<void> {
    for (const uri of this.#abandoned) await this.#delete(uri, ticket);
    const { lost } = this.#book;
    if (lost.length === 0) return;
    try {
      const { username } = this.#fields.credential;
      const { uris, marks } = await findLost({
        ...{ wire: this.#wire, ticket, username, lost, known: this.#abandoned },
        foreign: () => this.#book.foreign(),
      });
      for (const uri of uris) if ((await this.#delete(uri, ticket)) !== 'gone') return;
      for (const mark of marks) await this.#book.settled(mark);
    } catch {
      // The marks stay.
    }
  }

  async #close(): Promise<Gone> {
    const current = this.#current;
    this.#current = undefined;
    this.#live = undefined;
    const ticket = await current?.catch(() => undefined);
    // A log-in that was still under way has set this meanwhile.
    if (this.#live === ticket) this.#live = undefined;
    if (ticket?.kind !== 'token') return 'gone';
    this.#abandoned.add(ticket.uri);
    return this.#delete(ticket.uri, ticket);
  }

  /**
   * `gone` from the BMC and from the ledger. A 401 is no proof of that, not even to the session that ends itself: the BMC may
   * have meant nothing by it.
   */
  async #delete(path: string, { headers }: Ticket): Promise<Gone> {
    try {
      const send = () => sendSurely(this.#wire, { method: 'DELETE', path, headers });
      const first = await send();
      const { status } = first.status === 401 ? await send() : first;
      if (status >= 300 && status !== 404 && status !== 410) return 'refused';
      await this.#book.closed(path);
      this.#abandoned.delete(path);
      return 'gone';
    } catch {
      return 'unanswered';
    }
  }

  #unusable(): FleetError {
    return new FleetError({
      code: 'bmc_auth',
      retry: 'later',
      message: `${this.#wire.url} answers 401 even right after a log-in`,
      hint: 'Check the rights of the account on this BMC; it is asked for no other session for a minute.',
    });
  }
}
