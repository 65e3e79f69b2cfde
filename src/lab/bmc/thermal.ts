/**
 * Temperatures and fans that follow what the machine does. Every reading is
 * computed from the time that passed since the last one, so nothing runs while
 * nobody looks: heat moves towards a target exponentially.
 */
import type { LabClock } from '../clock.ts';
import type { FaultSet } from '../faults.ts';
import type { Host } from '../host.ts';
import { chance } from '../random.ts';
import type { EventLog, Severity } from './event-log.ts';
import type { FanSpec, TemperatureSpec } from './profiles/hardware.ts';
import type { BmcProfile } from './profiles/profile.ts';
import type { Stage } from './stage.ts';

/** A sensor that gives no reading has no health either; a limit may be missing only where a script says so. */
export type TemperatureReading = Omit<TemperatureSpec, 'caution' | 'critical'> & {
  caution: number | null;
  critical: number | null;
  celsius: number | null;
  health: Severity | null;
};
export type FanReading = FanSpec & { reading: number | null; health: Severity | null };

/** Real milliseconds in which 63 % of a change has happened. */
const heatTau = 240_000;
const fanTau = 15_000;
const ambient = 21;

export class ThermalModel {
  readonly #host: Host;
  readonly #clock: LabClock;
  readonly #faults: FaultSet;
  readonly #log: EventLog;
  readonly #profile: BmcProfile;
  readonly #seed: number;
  readonly #stage: Stage;
  readonly #started = Date.now();
  #updated = Date.now();
  /** 0 with all fans, 1 with the full effect of a lost one. */
  #heat = 0;
  /** 0 powered off, 1 under the usual load. */
  #load = 1;
  /** Degrees by which the air that comes in is too warm. */
  #inlet = 0;
  /** Share of its speed that each fan turns at. */
  readonly #fans: number[];
  readonly #reported = new Set<string>();
  readonly #inletHealth = new Map<string, Severity>();
  readonly #phases = new Map<string, readonly [number, number]>();

  constructor(options: {
    host: Host;
    clock: LabClock;
    faults: FaultSet;
    log: EventLog;
    profile: BmcProfile;
    seed: number;
    stage: Stage;
  }) {
    this.#host = options.host;
    this.#clock = options.clock;
    this.#faults = options.faults;
    this.#log = options.log;
    this.#profile = options.profile;
    this.#seed = options.seed;
    this.#stage = options.stage;
    this.#fans = options.profile.fans.map(() => 1);
  }

  temperatures(): TemperatureReading[] {
    this.#advance();
    const read = this.#profile.temperatures.map((spec): TemperatureReading => {
      const warm = (spec.base - ambient) * this.#load + spec.rise * this.#heat;
      const celsius = Math.round(ambient + this.#inlet + warm + this.#noise(spec.id, 0.8));
      const health = celsius >= spec.critical ? 'Critical' : celsius >= spec.caution ? 'Warning' : 'OK';
      if (spec.context === 'Intake') this.#reportInlet(spec, health);
      return this.#absent(spec.id)
        ? { ...spec, celsius: null, health: null }
        : { ...spec, celsius: this.#shown(spec.id, Math.round(celsius + this.#jitter(spec.id))), health };
    });
    return this.#stage.temperatures(read);
  }

  fans(): FanReading[] {
    this.#advance();
    const boost = 1 + 0.35 * this.#heat;
    const read = this.#profile.fans.map((spec, i): FanReading => {
      const share = this.#fans[i] ?? 1;
      const reading = Math.round(spec.speed * share * boost * (1 + this.#noise(spec.id, 0.01)));
      const health = !this.#host.poweredOn || share > 0.7 ? 'OK' : share > 0.3 ? 'Warning' : 'Critical';
      return this.#absent(spec.id)
        ? { ...spec, reading: null, health: null }
        : { ...spec, reading: this.#shown(spec.id, Math.max(0, Math.round(reading + this.#jitter(spec.id)))), health };
    });
    return this.#stage.fans(read);
  }

  /** Whether one more fan may be lost. */
  redundancy(): Severity {
    return this.fans().some(({ health }) => health === 'Critical') ? 'Warning' : 'OK';
  }

  #advance(): void {
    const now = Date.now();
    const passed = (now - this.#updated) * this.#clock.speed;
    this.#updated = now;
    const failing = this.#faults.get('fan-failing')?.fan;
    const on = this.#host.poweredOn;
    this.#heat = approach(this.#heat, on && failing !== undefined ? 1 : 0, passed / heatTau);
    this.#load = approach(this.#load, on ? 1 : 0, passed / heatTau);
    this.#inlet = approach(this.#inlet, this.#faults.get('inlet-rising')?.celsius ?? 0, passed / heatTau);
    for (const [i, share] of this.#fans.entries()) {
      this.#fans[i] = approach(share, on && i + 1 !== failing ? 1 : 0, passed / fanTau);
      this.#report(i, i + 1 === failing);
    }
  }

  #report(fan: number, failing: boolean): void {
    const spec = this.#profile.fans[fan];
    if (spec === undefined || failing === this.#reported.has(spec.id)) return;
    if (failing) this.#reported.add(spec.id);
    else this.#reported.delete(spec.id);
    this.#log.append(
      failing
        ? { severity: 'Critical', messageId: 'FAN0001', message: `Fan ${spec.name} RPM is less than the lower limit.` }
        : { severity: 'OK', messageId: 'FAN0002', message: `Fan ${spec.name} is operating normally.` },
    );
  }

  #reportInlet({ id, name }: TemperatureSpec, health: Severity): void {
    if (health === (this.#inletHealth.get(id) ?? 'OK')) return;
    this.#inletHealth.set(id, health);
    this.#log.append(
      health === 'OK'
        ? { severity: 'OK', messageId: 'TMP0121', message: `${name} is within range.` }
        : { severity: health, messageId: 'TMP0118', message: `${name} is greater than the upper limit.` },
    );
  }

  #shown(id: string, reading: number): number {
    return this.#faults.get('sensor-nan')?.sensor === id ? Number.NaN : reading;
  }

  #absent(id: string): boolean {
    return this.#faults.get('sensor-absent')?.sensor === id;
  }

  /** Another value each second of the machine's time; it says nothing of the machine, so health does not follow. */
  #jitter(id: string): number {
    const noisy = this.#faults.get('sensor-noisy');
    if (noisy?.sensor !== id) return 0;
    const second = Math.floor(((Date.now() - this.#started) * this.#clock.speed) / 1000);
    return noisy.amplitude * (2 * chance(this.#seed, `${this.#host.name}/${id}/jitter/${second}`) - 1);
  }

  /** Two slow waves whose phases the seed determines: gentle, and the same in every run at the same age. */
  #noise(name: string, amplitude: number): number {
    const minutes = ((Date.now() - this.#started) * this.#clock.speed) / 60_000;
    const [a, b] = this.#phasesOf(name);
    return amplitude * (0.6 * Math.sin(minutes / 7 + a) + 0.4 * Math.sin(minutes / 2.3 + b));
  }

  #phasesOf(name: string): readonly [number, number] {
    const phase = (wave: string) => 2 * Math.PI * chance(this.#seed, `${this.#host.name}/${name}/${wave}`);
    const phases = this.#phases.get(name) ?? [phase('a'), phase('b')];
    this.#phases.set(name, phases);
    return phases;
  }
}

function approach(value: number, target: number, taus: number): number {
  return target + (value - target) * Math.exp(-taus);
}
