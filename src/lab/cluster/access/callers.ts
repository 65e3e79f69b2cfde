/** Who came under which User-Agent, so that it can be shown that a program never asked as an administrator. */
import type { User } from './accounts.ts';
import { administrators } from './rbac.ts';

export type Caller = { userAgent: string; user: string; isAdministrator: boolean };

export class Callers {
  readonly #met = new Map<string, Caller>();

  met(userAgent: string, { name, groups }: User): void {
    const key = JSON.stringify([userAgent, name]);
    if (this.#met.has(key)) return;
    this.#met.set(key, { userAgent, user: name, isAdministrator: groups.includes(administrators) });
  }

  /** Each pair of a program and a user once, in the order of their first requests. */
  list(): Caller[] {
    return [...this.#met.values()];
  }
}
