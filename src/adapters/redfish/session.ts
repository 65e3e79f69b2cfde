/**
 * One session per BMC, opened when first needed, shared by every request, and
 * always given back: a BMC has few of them and forgets none by itself in time.
 * Its URI goes into the ledger before the session is used, so that a crash
 * leaves nothing behind that the next life cannot delete.
 */
import Bottleneck from 'bottleneck';
import type { LogInCounts, SessionLedger } from '../../core/bmc.ts';
import { FleetError } from '../../core/errors.ts';
import { openTicket, type Ticket } from './log-in.ts';
import type { LoginBreaker } from './login-breaker.ts';
import type { WireAnswer } from './transport.ts';
import type { Wire } from './wire.ts';

export type Credential = { username: string; password: string };
type Send = (headers: Record<string, string>) => Promise<WireAnswer>;

export class Session {
  readonly #wire: Wire;
  readonly #credential: Credential;
  readonly #ledger: SessionLedger;
  readonly #breaker: LoginBreaker;
  /** With Basic every refused request is a failed log-in, so they go one by one. */
  readonly #basicLane = new Bottleneck({ maxConcurrent: 1 });
  /** Sessions that stopped working for us but may still take a place on the BMC. */
  readonly #abandoned = new Set<string>();
  #current: Promise<Ticket> | undefined;
  #refusing = false;
  /** What `#current` resolved to. */
  #live: Ticket | undefined;

  constructor(fields: { wire: Wire; credential: Credential; ledger: SessionLedger; breaker: LoginBreaker }) {
    this.#wire = fields.wire;
    this.#credential = fields.credential;
    this.#ledger = fields.ledger;
    this.#breaker = fields.breaker;
  }

  /** How often it logged in, and how that ended. */
  get logIns(): LogInCounts {
    return this.#breaker.counts;
  }

  /** Sends a read; on 401 logs in once more and sends it again. Throws bmc_auth when that is refused too. */
  async read(send: Send): Promise<WireAnswer> {
    const first = await this.#attempt(send);
    if (first.answer.status !== 401) return first.answer;
    const second = await this.#attempt(send);
    if (second.answer.status !== 401) return second.answer;
    // A refused Basic request was counted when it was refused.
    if (second.ticket.kind === 'token') await this.#breaker.failed();
    throw new FleetError({
      code: 'bmc_auth',
      message: `${this.#wire.url} answers 401 even right after a log-in`,
      hint: 'Check the rights of the account on this BMC.',
    });
  }

  /** Sends a request with the current session, once. A 401 ends that session and is returned. */
  async once(send: Send): Promise<WireAnswer> {
    return (await this.#attempt(send)).answer;
  }

  /** From now on only closing logs in: what still runs elsewhere must not open what nobody would close. */
  refuseLogIns(): void {
    this.#refusing = true;
  }

  /** Deletes the session; false when it may remain on the BMC, and then it stays in the ledger. Safe to call twice. */
  async close(): Promise<boolean> {
    const current = this.#current;
    this.#current = undefined;
    this.#live = undefined;
    const ticket = await current?.catch(() => undefined);
    // A log-in that was still under way has set this meanwhile.
    if (this.#live === ticket) this.#live = undefined;
    return ticket?.kind === 'token' ? this.#delete(ticket.uri, ticket).catch(() => false) : true;
  }

  /**
   * Deletes the session and those of an earlier life, for which it logs in once where needed.
   * False when one may remain on the BMC; it stays in the ledger.
   */
  async closeAll(recorded: string[]): Promise<boolean> {
    try {
      const own = this.#live?.kind === 'token' ? this.#live.uri : undefined;
      const stale = new Set([...recorded.filter(uri => uri !== own), ...this.#abandoned]);
      if (stale.size === 0) return await this.close();
      const ticket = await this.#ticket({ closing: true });
      const gone = await Promise.all([...stale].map(uri => this.#delete(uri, ticket).catch(() => false)));
      return (await this.close()) && gone.every(Boolean);
    } catch {
      await this.close();
      return false;
    }
  }

  async #attempt(send: Send): Promise<{ answer: WireAnswer; ticket: Ticket }> {
    const ticket = await this.#ticket();
    if (ticket.kind === 'basic') return this.#basicLane.schedule(() => this.#exchange(send));
    return this.#exchange(send);
  }

  async #exchange(send: Send): Promise<{ answer: WireAnswer; ticket: Ticket }> {
    const ticket = await this.#ticket();
    const answer = await send(ticket.headers);
    if (answer.status === 401) {
      this.#drop(ticket);
      if (ticket.kind === 'basic') await this.#breaker.failed();
    }
    return { answer, ticket };
  }

  /** Single-flight: requests that come while a log-in runs share its result. */
  #ticket({ closing } = { closing: false }): Promise<Ticket> {
    if (this.#refusing && !closing && !this.#current)
      return Promise.reject(
        new FleetError({ code: 'bmc_unreachable', retry: 'later', message: `${this.#wire.url} is being closed` }),
      );
    this.#current ??= this.#logIn().catch(error => {
      this.#current = undefined;
      throw error;
    });
    return this.#current;
  }

  async #logIn(): Promise<Ticket> {
    const ticket = await openTicket({ wire: this.#wire, credential: this.#credential, breaker: this.#breaker });
    if (ticket.kind === 'token') await this.#record(ticket);
    for (const uri of this.#abandoned) {
      const gone = await this.#delete(uri, ticket).catch(() => false);
      if (gone) this.#abandoned.delete(uri);
    }
    this.#live = ticket;
    return ticket;
  }

  async #record(ticket: Ticket & { kind: 'token' }): Promise<void> {
    try {
      await this.#ledger.opened(this.#wire.url, ticket.uri);
    } catch (cause) {
      await this.#wire.send({ method: 'DELETE', path: ticket.uri, headers: ticket.headers }).catch(() => undefined);
      throw new FleetError({
        code: 'database',
        retry: 'later',
        message: `the session on ${this.#wire.url} could not be recorded, so it was given back and not used`,
        cause,
      });
    }
  }

  #drop(ticket: Ticket): void {
    if (this.#live !== ticket) return;
    this.#live = undefined;
    this.#current = undefined;
    if (ticket.kind === 'token') this.#abandoned.add(ticket.uri);
  }

  /** True once the session is gone from the BMC and from the ledger. */
  async #delete(uri: string, ticket: Ticket): Promise<boolean> {
    const answer = await this.#wire.send({ method: 'DELETE', path: uri, headers: ticket.headers });
    const itself = ticket.kind === 'token' && ticket.uri === uri;
    // A token that the BMC no longer knows belongs to a session that has ended.
    const gone =
      answer.status < 300 || answer.status === 404 || answer.status === 410 || (itself && answer.status === 401);
    if (gone) await this.#ledger.closed(this.#wire.url, uri);
    return gone;
  }
}
