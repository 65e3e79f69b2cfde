/** Samples of a small server that is well, save for what a test says, and a way to play them a minute apart. */
import { type HealthLevel, known, type LogEntry, type SensorReading, unknown } from '../../src/core/bmc.ts';
import { FleetError } from '../../src/core/errors.ts';
import type { Finding, FindingKind } from '../../src/core/finding.ts';
import type { Drive, HealthSample, PowerSupply } from '../../src/core/hardware.ts';
import { evaluate, findingsOf, type ServerState } from '../../src/health/evaluate.ts';
import type { Given } from '../../src/health/rules/given.ts';

const start = Date.parse('2026-03-02T08:00:00Z');
export const minute = 60_000;

export function atMinute(minutes: number): Date {
  return new Date(start + minutes * minute);
}

export function sampleOf(changes: Partial<HealthSample> = {}): HealthSample {
  return {
    power: known('on'),
    health: known('ok'),
    temperatures: known([inlet(22), sensorOf('CPU1 Temp', 50, { upperCaution: 90, upperCritical: 95 })]),
    fans: known([fanOf(5000)]),
    powerSupplies: known([supplyOf(1), supplyOf(2)]),
    redundancy: known([]),
    memory: known([dimmOf({})]),
    drives: known([driveOf({})]),
    log: known([]),
    bmcTime: unknown('not given'),
    ...changes,
  };
}

export function sensorOf(name: string, celsius: number | undefined, more: Partial<SensorReading> = {}): SensorReading {
  const reading = celsius === undefined ? unknown('no reading') : known(celsius);
  return { name, uri: `/sensors/${name}`, reading, unit: 'celsius', health: unknown('not given'), ...more };
}

export function inlet(celsius: number, more: Partial<SensorReading> = {}): SensorReading {
  return sensorOf('Inlet Temp', celsius, { upperCaution: 38, upperCritical: 42, ...more });
}

export function fanOf(speed: number | undefined, more: Partial<SensorReading> = {}): SensorReading {
  return { ...sensorOf('Fan 1', speed), unit: 'rpm', ...more };
}

export function supplyOf(index: number, health: HealthLevel | undefined = 'ok'): PowerSupply {
  return {
    uri: `/psu/${index}`,
    name: `PSU ${index}`,
    health: health ? known(health) : unknown('no answer'),
    model: unknown('not given'),
    capacityWatts: unknown('not given'),
  };
}

export function dimmOf(told: { corrected?: number; uncorrected?: number; health?: HealthLevel; counters?: boolean }) {
  const { corrected = 0, uncorrected = 0, health = 'ok', counters = true } = told;
  return {
    dimm: 'DIMM A1',
    corrected: counters ? known(corrected) : unknown('no counters'),
    uncorrected: counters ? known(uncorrected) : unknown('no counters'),
    health: known(health),
  };
}

export function driveOf(told: { health?: HealthLevel; predicted?: boolean; life?: number; hdd?: boolean }): Drive {
  const { health = 'ok', predicted = false, life = 90, hdd = false } = told;
  return {
    uri: '/drives/0',
    name: 'Disk 0',
    health: known(health),
    model: unknown('not given'),
    serial: unknown('not given'),
    capacityBytes: unknown('not given'),
    media: known(hdd ? 'hdd' : 'ssd'),
    protocol: unknown('not given'),
    predictedFailure: known(predicted),
    lifeLeftPercent: known(life),
    firmware: unknown('not given'),
  };
}

export function entryOf(id: string, created: Date | undefined, message = 'something broke'): LogEntry {
  return { id, created: created ? known(created.toISOString()) : unknown('none'), severity: 'critical', message };
}

export const silent = new FleetError({ code: 'bmc_unreachable', message: 'no route to the BMC' });

export type Played = { state: ServerState; changed: Finding[]; minutes: number };
type Step = Partial<HealthSample> | FleetError;

/** One look a minute unless said, from `after` on. What is no failure is a sample with these changes. */
export function play(
  steps: Step[],
  options: { after?: Played; node?: string; rack?: string; given?: Given; everyMs?: number } = {},
): Played {
  const { after, node = 'n1', rack, given, everyMs = minute } = options;
  let state = after?.state;
  let minutes = after?.minutes ?? 0;
  const changed: Finding[] = [];
  for (const step of steps) {
    const seen = step instanceof FleetError ? { missing: step } : { sample: sampleOf(step) };
    const look = { node, at: atMinute((minutes * everyMs) / minute), tookMs: 1000, ...seen };
    const next = evaluate(state, look, { site: 'bos', ...(rack ? { rack } : {}), ...(given ? { given } : {}) });
    state = next.state;
    changed.push(...next.changed);
    minutes++;
  }
  if (!state) throw new Error('nothing was played');
  return { state, changed, minutes };
}

export function times<T>(count: number, step: T): T[] {
  return Array.from({ length: count }, () => step);
}

export function standing({ state }: Played): [FindingKind, string][] {
  return findingsOf(state)
    .filter(finding => finding.state !== 'cleared')
    .map(({ kind, level }): [FindingKind, string] => [kind, level])
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
}

export function only({ state }: Played): Finding {
  const [finding, second] = findingsOf(state);
  if (!finding || second) throw new Error(`expected one finding, not ${findingsOf(state).map(({ kind }) => kind)}`);
  return finding;
}
