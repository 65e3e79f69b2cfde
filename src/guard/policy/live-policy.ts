/**
 * The policy that the service follows while people edit its folder. The folder is looked at again and again, since events
 * of file systems are lost just where policies come from: mounted ConfigMaps, network drives. What is sound takes the place
 * of the old in one assignment, after it is on record; what is not changes nothing, and is said once.
 */
import { FleetError } from '../../core/errors.ts';
import type { Decision, Policy, PolicyRequest, PolicyStanding } from '../../core/policy.ts';
import type { Directory } from './approval-annotations.ts';
import type { CedarPolicy } from './decide.ts';
import { loadPolicy } from './load-policy.ts';
import { readPolicyFolder } from './policy-files.ts';

/** How the folder stands against the policy that is followed. */
export type PolicyStatus =
  | { state: 'current'; digest: string }
  /** The folder was changed and is not usable: `digest` is still followed. */
  | { state: 'kept'; digest: string; error: FleetError };

export type LivePolicyParts = {
  dir: string;
  directory?: Directory;
  /** Writes down that this digest is followed from now on; when it throws, the old policy stays and it is tried again. */
  record(digest: string): Promise<void>;
  /** Told each time that the status changes. */
  onChange(status: PolicyStatus): void;
};

export class LivePolicy implements Policy {
  readonly #parts: LivePolicyParts;
  #current: CedarPolicy;
  #status: PolicyStatus;
  /** The folder as the last look saw it, and as the last attempt to load found it. */
  #seen: string;
  #tried: string;
  #looking: Promise<void> = Promise.resolve();

  /** Throws `invalid_config` where the folder is not usable: a service never starts without a policy. */
  constructor(parts: LivePolicyParts) {
    this.#parts = parts;
    this.#current = loadPolicy(parts.dir, parts.directory);
    this.#seen = this.#tried = stateOf(parts.dir);
    this.#status = { state: 'current', digest: this.#current.digest };
  }

  get digest(): string {
    return this.#current.digest;
  }

  get status(): PolicyStatus {
    return this.#status;
  }

  /** As people are told of it. */
  get standing(): PolicyStanding {
    const { digest } = this.#status;
    return 'error' in this.#status
      ? { state: 'kept', digest, problem: this.#status.error.message }
      : { state: 'current', digest };
  }

  decide(request: PolicyRequest): Decision {
    return this.#current.decide(request);
  }

  /** Looks every `everyMs`; a change is taken up once two looks saw the same, so that no half-copied folder is. Answers what ends it. */
  watch(everyMs: number): () => Promise<void> {
    let looking = false;
    const timer = setInterval(async () => {
      if (looking) return; // what is to be recorded may wait for a database
      looking = true;
      await this.#look(false);
      looking = false;
    }, everyMs);
    return async () => {
      clearInterval(timer);
      await this.#looking;
    };
  }

  /** Takes the folder as it stands, now. Never throws. */
  reload(): Promise<void> {
    return this.#look(true);
  }

  #look(atOnce: boolean): Promise<void> {
    this.#looking = this.#looking.then(() => this.#takeUp(atOnce));
    return this.#looking;
  }

  async #takeUp(atOnce: boolean): Promise<void> {
    const before = this.#seen;
    const state = stateOf(this.#parts.dir);
    this.#seen = state;
    if (!atOnce && (state !== before || state === this.#tried)) return;
    try {
      const next = loadPolicy(this.#parts.dir, this.#parts.directory);
      if (next.digest !== this.#current.digest) await this.#parts.record(next.digest);
      this.#current = next;
      this.#tried = state;
      this.#become({ state: 'current', digest: next.digest });
    } catch (thrown) {
      const error = FleetError.from(thrown);
      // A fault of the files stays until they change; anything else may pass.
      if (error.code === 'invalid_config') this.#tried = state;
      this.#become({ state: 'kept', digest: this.#current.digest, error });
    }
  }

  #become(next: PolicyStatus): void {
    const before = this.#status;
    this.#status = next;
    const said = (status: PolicyStatus) =>
      [status.state, status.digest, 'error' in status && status.error.message].join();
    if (said(before) !== said(next)) this.#parts.onChange(next);
  }
}

/** Two equal answers: nothing changed in between, be it sound or not. */
function stateOf(dir: string): string {
  const { digest, problems } = readPolicyFolder(dir);
  return [digest, ...problems].join('\n');
}
