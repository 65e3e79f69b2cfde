/**
 * Keeps us from locking an account: whatever lockout a BMC advertises, no
 * credential fails more than twice in ten minutes, across restarts too. A
 * success in between does not reset the count, because a BMC that answers 401
 * now and then would otherwise be asked for ever. A log-in whose answer nobody
 * read may have been refused, and counts as if it was.
 */
import { scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import type { LogInCounts, LoginLedger } from '../../core/bmc.ts';
import { FleetError } from '../../core/errors.ts';

const allowed = 2;
/** How long a failed log-in counts. */
export const logInWindowMs = 10 * 60_000;

type Guarded = {
  url: string;
  credential: { username: string; password: string };
  /** Without one, a restart forgets. */
  ledger?: LoginLedger | undefined;
  now: () => number;
  /** In place of {@link logInWindowMs}. */
  windowMs?: number | undefined;
};

export class LoginBreaker {
  readonly #guarded: Guarded;
  /** What is not in the ledger, and counts all the same. */
  #unwritten: number[] = [];
  #digest: Promise<string> | undefined;
  /** Since the start; `withheld` are those that this breaker did not let through. */
  readonly counts: LogInCounts = { tried: 0, refused: 0, withheld: 0 };

  constructor(guarded: Guarded) {
    this.#guarded = guarded;
  }

  /** To be awaited before anybody learns of the refusal. Throws database when it could not be written down. */
  async failed(): Promise<void> {
    const { url, ledger, now } = this.#guarded;
    const at = now();
    this.counts.refused++;
    this.#unwritten.push(at);
    if (ledger === undefined) return;
    await inLedger(url, async () => ledger.failed(url, await this.#credential(), new Date(at)));
    this.#unwritten.splice(this.#unwritten.indexOf(at), 1);
  }

  /**
   * `unanswered` is when log-ins began of which nobody knows the outcome, in milliseconds since the epoch. Throws bmc_auth while
   * two log-ins of the last ten minutes were refused, bmc_unreachable where none of them is known to be, database when nobody
   * can say.
   */
  async check(unanswered: number[] = []): Promise<void> {
    const { url, now, windowMs = logInWindowMs } = this.#guarded;
    const since = now() - windowMs;
    const written = await inLedger(url, () => this.#written(since));
    const refused = [...this.#unwritten, ...written].filter(time => time > since);
    const all = [...refused, ...unanswered.filter(time => time > since)];
    const oldest = all.toSorted((a, b) => a - b).at(-allowed);
    if (oldest === undefined) return;
    this.counts.withheld++;
    const what =
      refused.length >= allowed ? 'refused the credential twice' : 'refused two log-ins or lost their answers';
    const after = new Date(oldest + windowMs).toISOString();
    throw new FleetError({
      code: refused.length > 0 ? 'bmc_auth' : 'bmc_unreachable',
      retry: 'later',
      // A password that was refused is as wrong then as it is now.
      ...(refused.length > 0 ? {} : { after }),
      message: `${url} ${what}; no further log-in before ${after}`,
      hint:
        refused.length > 0
          ? 'Correct the credential; waiting protects the account from being locked.'
          : 'Waiting protects the account from being locked, and the BMC from sessions that nobody knows.',
    });
  }

  /** A digest takes a processor tens of milliseconds: none is made for a BMC that refused nobody. */
  async #written(since: number): Promise<number[]> {
    const { url, ledger } = this.#guarded;
    const all = (await ledger?.failures(url, new Date(since))) ?? [];
    if (all.length === 0) return [];
    const own = await this.#credential();
    return all.filter(({ credentialDigest }) => credentialDigest === own).map(({ at }) => at.getTime());
  }

  #credential(): Promise<string> {
    this.#digest ??= digestOf(this.#guarded);
    return this.#digest;
  }
}

/** Slow to compute and different for every BMC, so that whoever reads the ledger learns no password by trying words. */
async function digestOf({ url, credential }: Guarded): Promise<string> {
  const derive = promisify<string, string, number, Buffer>(scrypt);
  const salt = JSON.stringify(['log-in', url, credential.username]);
  return (await derive(credential.password, salt, 16)).toString('base64url');
}

async function inLedger<T>(url: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (cause) {
    throw new FleetError({
      code: 'database',
      retry: 'later',
      message: `refused log-ins to ${url} could not be counted, so there is no log-in`,
      cause,
    });
  }
}
