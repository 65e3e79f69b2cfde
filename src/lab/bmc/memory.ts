/** DIMMs and their ECC counters. Counted lazily from the time that passed, as {@link ThermalModel} does. */
import type { LabClock } from '../clock.ts';
import type { FaultSet } from '../faults.ts';
import type { Host } from '../host.ts';
import { chance } from '../random.ts';
import type { EventLog, Severity } from './event-log.ts';
import type { DimmSpec } from './profiles/profile.ts';

export type DimmReading = DimmSpec & { corrected: number; uncorrected: number; health: Severity };

/** Corrected errors of one life at which the firmware first logs and degrades a DIMM; logged again at each doubling. */
const reportAt = 100;

type Dimm = { spec: DimmSpec; corrected: number; nextReport: number; degraded: boolean };

export class MemoryModel {
  readonly #host: Host;
  readonly #clock: LabClock;
  readonly #faults: FaultSet;
  readonly #log: EventLog;
  readonly #dimms: Dimm[];
  #updated = Date.now();

  constructor(options: {
    host: Host;
    clock: LabClock;
    faults: FaultSet;
    log: EventLog;
    dimms: DimmSpec[];
    seed: number;
  }) {
    this.#host = options.host;
    this.#clock = options.clock;
    this.#faults = options.faults;
    this.#log = options.log;
    this.#dimms = options.dimms.map(spec => ({
      spec,
      corrected: Math.floor(chance(options.seed, `${options.host.name}/${spec.id}`) * 3),
      nextReport: reportAt,
      degraded: false,
    }));
  }

  dimms(): DimmReading[] {
    this.#advance();
    return this.#dimms.map(({ spec, corrected, degraded }) => ({
      ...spec,
      corrected: Math.floor(corrected),
      uncorrected: 0,
      health: degraded ? 'Warning' : 'OK',
    }));
  }

  #advance(): void {
    const now = Date.now();
    const minutes = ((now - this.#updated) * this.#clock.speed) / 60_000;
    this.#updated = now;
    const fault = this.#faults.get('ecc-rising');
    const dimm = fault === undefined ? undefined : this.#dimms[fault.dimm - 1];
    if (fault === undefined || dimm === undefined || this.#host.phase !== 'os') return;
    dimm.corrected += minutes * fault.perMinute;
    for (; dimm.corrected >= dimm.nextReport; dimm.nextReport *= 2) {
      dimm.degraded = true;
      this.#log.append({
        severity: 'Warning',
        messageId: 'MEM0701',
        message: `Correctable memory error rate exceeded for ${dimm.spec.name} (${dimm.nextReport} errors).`,
      });
    }
  }
}
