/** The machine's event log (SEL, IML, EventLog): what operators read first, kept oldest first and bounded as on real BMCs. */
import { chance } from '../random.ts';

export type Severity = 'OK' | 'Warning' | 'Critical';
export type EventEntry = { id: number; created: Date; severity: Severity; message: string; messageId: string };

/** The worst of what parts say; a part without a verdict has none to add. */
export function worstHealth(parts: { health: Severity | null }[]): Severity {
  const healths = new Set(parts.map(({ health }) => health));
  return healths.has('Critical') ? 'Critical' : healths.has('Warning') ? 'Warning' : 'OK';
}

/** Entries that a log holds; a tenth of what a storm over a site may bring. */
export const capacity = 1024;
const day = 86_400_000;
const harmless = [
  { messageId: 'SYS1003', message: 'System POST was completed.' },
  { messageId: 'PWR2262', message: 'The host was powered on.' },
  { messageId: 'NIC100', message: 'A network port link came up.' },
  { messageId: 'SEC0704', message: 'The chassis intrusion sensor reports a closed cover.' },
];

export class EventLog {
  readonly #entries: EventEntry[] = [];
  readonly #now: () => Date;
  readonly #wraps: boolean;
  readonly #listeners: ((entry: EventEntry) => void)[] = [];
  #nextId = 1;

  /** Starts with `history` harmless entries of the past weeks, the same ones for the same seed. */
  constructor(options: { seed: number; name: string; history: number; wraps: boolean; now: () => Date }) {
    const { seed, name, history } = options;
    this.#now = options.now;
    this.#wraps = options.wraps;
    for (let i = 0; i < history; i++) {
      const age = (history - i + chance(seed, `${name}/log/age/${i}`)) * day;
      const pick = harmless[Math.floor(chance(seed, `${name}/log/${i}`) * harmless.length)] ?? harmless[0];
      if (pick !== undefined) this.append({ severity: 'OK', ...pick, created: new Date(Date.now() - age) });
    }
  }

  /** A full log forgets its oldest entry for this one, or takes no more. */
  append(entry: Omit<EventEntry, 'id' | 'created'> & { created?: Date }): void {
    if (this.#entries.length >= capacity) {
      if (!this.#wraps) return;
      this.#entries.shift();
    }
    const written = { created: this.#now(), ...entry, id: this.#nextId++ };
    this.#entries.push(written);
    for (const listener of this.#listeners) listener(written);
  }

  /** Ids start again, as on real BMCs. */
  clear(): void {
    this.#entries.splice(0);
    this.#nextId = 1;
  }

  /** Calls back with every entry from now on. */
  onAppend(listener: (entry: EventEntry) => void): void {
    this.#listeners.push(listener);
  }

  /** All entries, oldest first. */
  entries(): readonly EventEntry[] {
    return this.#entries;
  }
}
