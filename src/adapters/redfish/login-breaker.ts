/**
 * Keeps us from locking an account: whatever lockout a BMC advertises, no
 * credential fails more than twice in ten minutes. A success in between does
 * not reset the count, because a BMC that answers 401 now and then would
 * otherwise be asked for ever.
 */
import { FleetError } from '../../core/errors.ts';

const allowed = 2;
const windowMs = 10 * 60_000;

export class LoginBreaker {
  readonly #url: string;
  readonly #now: () => number;
  #failures: number[] = [];

  constructor(url: string, now: () => number) {
    this.#url = url;
    this.#now = now;
  }

  failed(): void {
    this.#failures.push(this.#now());
  }

  /** Throws bmc_auth while two failures lie in the last ten minutes. */
  check(): void {
    const since = this.#now() - windowMs;
    this.#failures = this.#failures.filter(time => time > since);
    const oldest = this.#failures.at(-allowed);
    if (oldest === undefined) return;
    throw new FleetError({
      code: 'bmc_auth',
      retry: 'later',
      message: `${this.#url} refused the credential twice; no further log-in before ${new Date(oldest + windowMs).toISOString()}`,
      hint: 'Correct the credential; waiting protects the account from being locked.',
    });
  }
}
