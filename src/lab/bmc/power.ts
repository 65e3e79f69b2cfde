/** Power supplies that share what the machine draws, and whether one of them may be lost. */
import type { FaultSet } from '../faults.ts';
import type { Host } from '../host.ts';
import { chance, seededText } from '../random.ts';
import type { EventLog, Severity } from './event-log.ts';
import type { PowerSpec, SupplySpec } from './profiles/hardware.ts';
import type { Stage } from './stage.ts';

export type SupplyReading = SupplySpec & {
  serial: string;
  /** Null only where a script says so. */
  health: Severity | null;
  inputVolts: number;
  inputWatts: number;
  outputWatts: number;
};

/** How many supplies must work for the machine to run, and whether there is one to spare. */
export type Redundancy = { needed: number; health: Severity };

const standbyWatts = 18;
const mainsVolts = 230;
const efficiency = 0.94;

export class PowerModel {
  readonly #host: Host;
  readonly #faults: FaultSet;
  readonly #log: EventLog;
  readonly #spec: PowerSpec;
  readonly #usualWatts: number;
  readonly #serials: string[];
  readonly #stage: Stage;
  #reported: number | undefined;

  constructor(options: { host: Host; faults: FaultSet; log: EventLog; spec: PowerSpec; seed: number; stage: Stage }) {
    const { host, faults, log, spec, seed } = options;
    this.#host = host;
    this.#faults = faults;
    this.#log = log;
    this.#stage = options.stage;
    this.#spec = spec;
    this.#usualWatts = Math.round(spec.usualWatts * (0.9 + 0.2 * chance(seed, `${host.name}/watts`)));
    this.#serials = spec.supplies.map(({ id }) =>
      seededText(seed, `${host.name}/${id}/serial`, '0123456789ABCDEF', 12),
    );
    faults.onChange(kind => {
      if (kind === 'psu-failed') this.#report();
    });
  }

  /** What the machine draws now. */
  watts(): number {
    const shares = { off: standbyWatts, post: this.#usualWatts * 0.7, os: this.#usualWatts };
    return Math.round(shares[this.#host.phase]);
  }

  supplies(): SupplyReading[] {
    const failed = this.#failed();
    const { supplies } = this.#spec;
    const share = this.watts() / Math.max(1, supplies.length - (failed === undefined ? 0 : 1));
    const read = supplies.map((spec, i): SupplyReading => {
      const lost = i === failed;
      const outputWatts = lost ? 0 : Math.round(share);
      return {
        ...spec,
        serial: this.#serials[i] ?? '',
        health: lost ? 'Critical' : 'OK',
        inputVolts: lost ? 0 : mainsVolts,
        inputWatts: Math.round(outputWatts / efficiency),
        outputWatts,
      };
    });
    return this.#stage.supplies(read);
  }

  redundancy(): Redundancy {
    const needed = Math.max(1, this.#spec.supplies.length - 1);
    return { needed, health: this.#failed() === undefined ? 'OK' : 'Warning' };
  }

  /** Index of the failed supply, if the machine has it at all. */
  #failed(): number | undefined {
    const psu = this.#faults.get('psu-failed')?.psu;
    return psu === undefined || psu > this.#spec.supplies.length ? undefined : psu - 1;
  }

  #report(): void {
    const failed = this.#failed();
    const { supplies } = this.#spec;
    if (failed === this.#reported) return;
    const [before, now] = [supplies[this.#reported ?? -1], supplies[failed ?? -1]];
    this.#reported = failed;
    if (before !== undefined) {
      this.#log.append({ severity: 'OK', messageId: 'PSU0800', message: `${before.name} is operating normally.` });
    }
    if (now !== undefined) {
      this.#log.append({ severity: 'Critical', messageId: 'PSU0003', message: `${now.name} lost its output.` });
    }
  }
}
