/** The machine's event log (SEL, IML, EventLog): what operators read first, kept oldest first and bounded as on real BMCs. */
import { chance } from '../random.ts';

export type Severity = 'OK' | 'Warning' | 'Critical';
export type EventEntry = { id: number; created: Date; severity: Severity; message: string; messageId: string };

const capacity = 1024;
const day = 86_400_000;
const harmless = [
  { messageId: 'SYS1003', message: 'System POST was completed.' },
  { messageId: 'PWR2262', message: 'The host was powered on.' },
  { messageId: 'NIC100', message: 'A network port link came up.' },
  { messageId: 'SEC0704', message: 'The chassis intrusion sensor reports a closed cover.' },
];

export class EventLog {
  readonly #entries: EventEntry[] = [];
  #nextId = 1;

  /** Starts with `history` harmless entries of the past weeks, the same ones for the same seed. */
  constructor(options: { seed: number; name: string; history: number }) {
    const { seed, name, history } = options;
    for (let i = 0; i < history; i++) {
      const age = (history - i + chance(seed, `${name}/log/age/${i}`)) * day;
      const pick = harmless[Math.floor(chance(seed, `${name}/log/${i}`) * harmless.length)] ?? harmless[0];
      if (pick !== undefined) this.append({ severity: 'OK', ...pick, created: new Date(Date.now() - age) });
    }
  }

  append(entry: Omit<EventEntry, 'id' | 'created'> & { created?: Date }): void {
    this.#entries.push({ created: new Date(), ...entry, id: this.#nextId++ });
    if (this.#entries.length > capacity) this.#entries.shift();
  }

  /** All entries, oldest first. */
  entries(): readonly EventEntry[] {
    return this.#entries;
  }
}
