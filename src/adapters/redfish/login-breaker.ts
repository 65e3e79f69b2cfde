/**
 * Keeps us from locking an account: whatever lockout a BMC advertises, no
 * credential fails more than twice in ten minutes, across restarts too. A
 * success in between does not reset the count, because a BMC that answers 401
 * now and then would otherwise be asked for ever.
 */
import { scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import type { LogInCounts, LoginLedger } from '../../core/bmc.ts';
import { FleetError } from '../../core/errors.ts';

const allowed = 2;
const windowMs = 10 * 60_000;

type Guarded = {
  url: string;
  credential: { username: string; password: string };
  /** Without one, a restart forgets. */
  ledger?: LoginLedger | undefined;
  now: () => number;
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

  /** Throws bmc_auth while two failures lie in the last ten minutes, database when nobody can say whether they do. */
  async check(): Promise<void> {
    const { url, ledger, now } = this.#guarded;
    const since = now() - windowMs;
    const written = await inLedger(url, async () => ledger?.failures(url, await this.#credential(), new Date(since)));
    const failures = [...this.#unwritten, ...(written ?? []).map(each => each.getTime())].filter(time => time > since);
    const oldest = failures.toSorted((a, b) => a - b).at(-allowed);
    if (oldest === undefined) {
      this.counts.tried++;
      return;
    }
    this.counts.withheld++;
    throw new FleetError({
      code: 'bmc_auth',
      retry: 'later',
      message: `${url} refused the credential twice; no further log-in before ${new Date(oldest + windowMs).toISOString()}`,
      hint: 'Correct the credential; waiting protects the account from being locked.',
    });
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
