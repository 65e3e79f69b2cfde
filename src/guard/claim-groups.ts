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
  #told = new Map<string, ClaimedGroups>();
  /** Reads that began, and the last of them that was taken: a slow one never brings back what a later one saw go. */
  #begun = 0;
  #taken = 0;

  private constructor(parts: ClaimGroupsParts) {
    this.#parts = parts;
  }

  /** With what earlier lives of the service were told. */
  static async open(parts: ClaimGroupsParts): Promise<ClaimGroups> {
    const groups = new ClaimGroups(parts);
    await groups.read();
    return groups;
  }

  /** Takes up what other processes were told since: log-ins come to one of them, effects are allowed in each. */
  async read(): Promise<void> {
    const turn = ++this.#begun;
    const all = await this.#parts.store.list();
    if (turn < this.#taken) return;
    this.#taken = turn;
    this.#told = new Map(all.map(told => [told.person, told]));
  }

  /** Those that count at this moment, as last read. */
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
    await this.read();
  }
}
