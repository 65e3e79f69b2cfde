/**
 * Our sessions on one BMC, as the ledger has them. A log-in is written down
 * before it is sent, because its answer may be lost, or we may be killed before
 * we read it: then the BMC holds a session whose address nobody knows, and all
 * that is left of it is the mark of when it began.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { SessionLedger } from '../../core/bmc.ts';
import { FleetError } from '../../core/errors.ts';

/** A log-in that may have opened a session, in milliseconds since the epoch. */
export type Mark = {
  row: string;
  from: number;
  /** When nobody waited for the answer any more. */
  to: number;
};

/** No BMC keeps an unused session for longer: the standard's largest SessionTimeout. */
const longestSessionMs = 86_400_000;
const prefix = 'log-in begun ';
const turnMs = 100;

type Options = {
  url: string;
  ledger: SessionLedger;
  /** How long a log-in waits for its answer. */
  answerMs: number;
  now: () => number;
};

export class SessionBook {
  readonly #options: Options;
  readonly #lost = new Map<string, Mark>();
  #inherited = false;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Takes in the marks of earlier lives, once. Throws database when they cannot be read. */
  async inherit(recorded: () => Promise<string[]>): Promise<void> {
    if (this.#inherited) return;
    try {
      await this.take(await recorded());
      this.#inherited = true;
    } catch (cause) {
      throw new FleetError({
        code: 'database',
        retry: 'later',
        message: `what earlier log-ins to ${this.#options.url} left could not be read, so there is no log-in`,
        cause,
      });
    }
  }

  /** What the ledger held when this life began: takes in the marks, and returns the addresses of sessions. */
  async take(recorded: string[]): Promise<string[]> {
    const { answerMs, now } = this.#options;
    for (const row of recorded.filter(each => each.startsWith(prefix))) {
      const from = beganAt(row);
      // Whoever wrote it waited for an answer no longer than this, or was ended before we began.
      const mark = this.#lost.get(row) ?? { row, from, to: Math.min(from + answerMs, now()) };
      if (!(now() - from < longestSessionMs)) await this.settled(mark);
      else this.#lost.set(row, mark);
    }
    return recorded.filter(each => !each.startsWith(prefix));
  }

  /** Log-ins of which nobody knows whether they left a session. */
  get lost(): Mark[] {
    return [...this.#lost.values()];
  }

  /** What other processes have on this BMC: addresses of sessions, and rows of log-ins that have no answer yet. */
  async foreign(): Promise<{ uris: string[]; begun: string[] }> {
    const { url, ledger } = this.#options;
    const rows = (await ledger.list(url)).filter(({ bmcUrl, foreign }) => bmcUrl === url && foreign);
    const all = rows.map(({ sessionUri }) => sessionUri);
    return { uris: all.filter(each => !each.startsWith(prefix)), begun: all.filter(each => each.startsWith(prefix)) };
  }

  /**
   * Waits for the answers to log-ins that other processes began earlier, so that no two can be refused at once. Answers when
   * those began that have none after all.
   */
  async turn({ row }: Mark): Promise<number[]> {
    const { answerMs, now } = this.#options;
    for (;;) {
      const earlier = (await this.foreign()).begun.filter(each => each < row).map(beganAt);
      // What began longer ago has no answer any more: its process ended, or lost it.
      if (earlier.every(from => now() - from >= answerMs)) return earlier;
      await delay(turnMs);
    }
  }

  /** To be awaited before the log-in is sent. Throws database. */
  async begin(): Promise<Mark> {
    const { url, ledger, now } = this.#options;
    const from = now();
    const row = `${prefix}${new Date(from).toISOString()} ${randomBytes(4).toString('hex')}`;
    try {
      await ledger.opened(url, row);
    } catch (cause) {
      throw new FleetError({
        code: 'database',
        retry: 'later',
        message: `a session on ${url} could not be recorded, so there was no log-in`,
        cause,
      });
    }
    return { row, from, to: from };
  }

  /** The answer to the log-in never came. */
  lose(mark: Mark): void {
    this.#lost.set(mark.row, { ...mark, to: this.#options.now() });
  }

  /** The log-in opened this session. Rejects when that could not be written down. */
  async opened(mark: Mark, uri: string): Promise<void> {
    const { url, ledger } = this.#options;
    await ledger.opened(url, uri);
    await this.settled(mark);
  }

  /** Nothing of this log-in is left that the ledger does not know. */
  async settled(mark: Mark): Promise<void> {
    const { url, ledger } = this.#options;
    await ledger.closed(url, mark.row);
    this.#lost.delete(mark.row);
  }

  async closed(uri: string): Promise<void> {
    const { url, ledger } = this.#options;
    await ledger.closed(url, uri);
  }
}

function beganAt(row: string): number {
  return Date.parse(row.slice(prefix.length).split(' ')[0] ?? '');
}
