/** DIMMs and their ECC counters. Counted lazily from the time that passed, as {@link ThermalModel} does. */
import type { LabClock } from '../clock.ts';
import type { FaultSet } from '../faults.ts';
import type { Host } from '../host.ts';
import { chance, seededText } from '../random.ts';
import type { EventLog, Severity } from './event-log.ts';
import type { DimmSpec } from './profiles/hardware.ts';
import type { Stage } from './stage.ts';

/** Null only where a script says so. */
export type DimmReading = DimmSpec & {
  serial: string;
  corrected: number | null;
  uncorrected: number | null;
  health: Severity | null;
};

/** Corrected errors of one life at which the firmware first logs and degrades a DIMM; logged again at each doubling. */
const reportAt = 100;

type Dimm = {
  spec: DimmSpec;
  serial: string;
  corrected: number;
  uncorrected: number;
  nextReport: number;
  degraded: boolean;
};

export class MemoryModel {
  readonly #host: Host;
  readonly #clock: LabClock;
  readonly #faults: FaultSet;
  readonly #log: EventLog;
  readonly #dimms: Dimm[];
  readonly #stage: Stage;
  #updated = Date.now();

  constructor(options: {
    host: Host;
    clock: LabClock;
    faults: FaultSet;
    log: EventLog;
    dimms: DimmSpec[];
    seed: number;
    stage: Stage;
  }) {
    this.#host = options.host;
    this.#clock = options.clock;
    this.#faults = options.faults;
    this.#log = options.log;
    this.#stage = options.stage;
    this.#dimms = options.dimms.map(spec => ({
      spec,
      serial: seededText(options.seed, `${options.host.name}/${spec.id}/serial`, '0123456789ABCDEF', 8),
      corrected: Math.floor(chance(options.seed, `${options.host.name}/${spec.id}`) * 3),
      uncorrected: 0,
      nextReport: reportAt,
      degraded: false,
    }));
    options.faults.onChange(kind => {
      if (kind === 'ecc-uncorrectable') this.#lose();
    });
  }

  dimms(): DimmReading[] {
    this.#advance();
    const read = this.#dimms.map(
      ({ spec, serial, corrected, uncorrected, degraded }): DimmReading => ({
        ...spec,
        serial,
        corrected: Math.floor(corrected),
        uncorrected,
        health: uncorrected > 0 ? 'Critical' : degraded ? 'Warning' : 'OK',
      }),
    );
    return this.#stage.dimms(read);
  }

  #lose(): void {
    const dimm = this.#dimms[(this.#faults.get('ecc-uncorrectable')?.dimm ?? 0) - 1];
    if (dimm === undefined || !this.#host.poweredOn) return;
    dimm.uncorrected++;
    this.#log.append({
      severity: 'Critical',
      messageId: 'MEM0001',
      message: `Multi-bit memory errors were detected on ${dimm.spec.name}.`,
    });
    this.#host.emit('memory-error');
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
      this.#host.emit('memory-error');
    }
  }
}
