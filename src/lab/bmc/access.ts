/**
 * Who may speak to this BMC: one administrator account with lockout, and a
 * limited number of sessions that time out. Both are what shared credentials
 * and leaked sessions run into on real machines.
 */
import { randomBytes } from 'node:crypto';
import type { LabClock } from '../clock.ts';
import type { LockoutSpec } from './profiles/acts.ts';

export type Account = { username: string; password: string };
export type OpenSession = { id: string; username: string; created: Date };
export type Caller = { username: string; session?: string };

export type LogIn = { session: OpenSession; token: string } | { refused: 'credentials' | 'limit' };

export type AccessOptions = {
  account: Account;
  clock: LabClock;
  sessionLimit: number;
  lockout: LockoutSpec;
  /** By the BMC's own clock. */
  now: () => Date;
};

/** How often a user name and password were shown to this BMC, in a log-in or a Basic header. */
export type LogIns = { good: number; bad: number };

/** Real seconds. */
export const sessionTimeoutSeconds = 1800;

type LiveSession = OpenSession & { token: string; lastUsed: number };

export class Access {
  readonly account: Account;
  readonly lockout: LockoutSpec;
  readonly logIns: LogIns = { good: 0, bad: 0 };
  readonly #clock: LabClock;
  readonly #limit: number;
  readonly #now: () => Date;
  readonly #sessions = new Map<string, LiveSession>();
  #failures = 0;
  #lockedUntil = 0;
  #nextId = 1;

  constructor(options: AccessOptions) {
    this.account = options.account;
    this.lockout = options.lockout;
    this.#clock = options.clock;
    this.#limit = options.sessionLimit;
    this.#now = options.now;
  }

  get locked(): boolean {
    return Date.now() < this.#lockedUntil;
  }

  logIn(username: string, password: string): LogIn {
    if (!this.#verify(username, password)) return { refused: 'credentials' };
    this.#expire();
    if (this.#sessions.size >= this.#limit) return { refused: 'limit' };
    const id = String(this.#nextId++);
    const created = this.#now();
    const token = randomBytes(16).toString('hex');
    this.#sessions.set(id, { id, username, token, created, lastUsed: Date.now() });
    return { session: { id, username, created }, token };
  }

  /** The caller behind a token or Basic header; undefined is a 401. A bad token never counts towards the lockout. */
  identify(headers: { token?: string; authorization?: string }): Caller | undefined {
    this.#expire();
    if (headers.token !== undefined) {
      const session = [...this.#sessions.values()].find(each => each.token === headers.token);
      if (session === undefined) return undefined;
      session.lastUsed = Date.now();
      return { username: session.username, session: session.id };
    }
    const basic = /^Basic (.+)$/i.exec(headers.authorization ?? '')?.[1];
    if (basic === undefined) return undefined;
    const [username = '', ...rest] = Buffer.from(basic, 'base64').toString().split(':');
    return this.#verify(username, rest.join(':')) ? { username } : undefined;
  }

  /** Ends a session; false when there is none of this id. */
  logOut(id: string): boolean {
    return this.#sessions.delete(id);
  }

  sessions(): OpenSession[] {
    this.#expire();
    return [...this.#sessions.values()].map(({ id, username, created }) => ({ id, username, created }));
  }

  /** Ends every session, as a restart of the BMC does. */
  logOutAll(): void {
    this.#sessions.clear();
  }

  #verify(username: string, password: string): boolean {
    const good = this.#matches(username, password);
    this.logIns[good ? 'good' : 'bad']++;
    return good;
  }

  #matches(username: string, password: string): boolean {
    if (username !== this.account.username || this.locked) return false;
    if (password === this.account.password) {
      this.#failures = 0;
      return true;
    }
    const { threshold, seconds } = this.lockout;
    if (++this.#failures >= threshold && threshold > 0) {
      this.#failures = 0;
      this.#lockedUntil = Date.now() + this.#clock.scaled(seconds * 1000);
    }
    return false;
  }

  #expire(): void {
    const oldest = Date.now() - this.#clock.scaled(sessionTimeoutSeconds * 1000);
    for (const session of this.#sessions.values()) if (session.lastUsed < oldest) this.#sessions.delete(session.id);
  }
}
