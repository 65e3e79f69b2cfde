/**
 * Groups that an issuer told at a log-in. They may be taken away there without
 * a word to us, so each counts only for a time, only where the configuration
 * of today accepts it, and only for the identity that it was told of.
 */
import type { ClaimedGroupStore, ClaimedGroups } from '../core/identity.ts';

export type ClaimGroupsParts = {
  store: ClaimedGroupStore;
  issuer: string;
  /** Subject by the name of the person. */
  subjects: ReadonlyMap<string, string>;
  accept: readonly string[];
  maxAgeMs: number;
  now?: () => number;
};

export class ClaimGroups {
  readonly #parts: ClaimGroupsParts;
  readonly #told = new Map<string, ClaimedGroups>();

  private constructor(parts: ClaimGroupsParts) {
    this.#parts = parts;
  }

  /** With what earlier lives of the service were told. */
  static async open(parts: ClaimGroupsParts): Promise<ClaimGroups> {
    const groups = new ClaimGroups(parts);
    for (const told of await parts.store.list()) groups.#told.set(told.person, told);
    return groups;
  }

  /** Those that count at this moment. */
  of(person: string): string[] {
    const { issuer, subjects, accept, maxAgeMs, now = Date.now } = this.#parts;
    const told = this.#told.get(person);
    if (!told || told.issuer !== issuer || told.subject !== subjects.get(person)) return [];
    const ageMs = now() - Date.parse(told.at);
    return ageMs <= maxAgeMs ? told.groups.filter(group => accept.includes(group)) : [];
  }

  /** Takes the place of what was told before, also when nothing is told any more. */
  async tell(person: string, groups: string[]): Promise<void> {
    const { store, issuer, subjects, accept, now = Date.now } = this.#parts;
    const told = {
      person,
      issuer,
      subject: subjects.get(person) ?? '',
      groups: groups.filter(group => accept.includes(group)),
      at: new Date(now()).toISOString(),
    };
    await store.put(told);
    this.#told.set(person, told);
  }
}
