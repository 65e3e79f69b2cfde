/**
 * Hours of a server's samples, from a seed: one a minute, as a sampler would
 * get them from a machine that is well, or that is about to fail in a known way
 * from a known moment on. What is random is drawn from the seed alone.
 */
import { type Fact, type HealthLevel, known, type LogEntry, type SensorReading, unknown } from '../../src/core/bmc.ts';
import { FleetError } from '../../src/core/errors.ts';
import type { Drive, HealthSample, PowerSupply } from '../../src/core/hardware.ts';
import type { Look } from '../../src/health/sampler.ts';

export const healthyKinds = [
  'steady',
  'noisy-sensor',
  'missing-readings',
  'counter-resets',
  'bmc-gaps',
  'few-corrected-errors',
  'busy',
] as const;
export const faultyKinds = [
  'ecc-ramp',
  'ecc-uncorrectable',
  'fan-loss',
  'fan-silent',
  'psu-loss',
  'drive-predictive',
  'inlet-ramp',
  'thermal-runaway',
] as const;
export type HealthyKind = (typeof healthyKinds)[number];
export type FaultyKind = (typeof faultyKinds)[number];

export type History = {
  looks: Look[];
  /** Where something breaks: the moment, and for a rise the corrected errors per hour. */
  fault?: { at: Date; perHour: number };
};

const node = 'n1';
export const minuteMs = 60_000;
const start = Date.parse('2026-03-02T08:00:00Z');

type Dice = { chance(): number; between(low: number, high: number): number; whole(below: number): number };

/** A small generator of 32 bits (mulberry32). */
function diceOf(seed: number): Dice {
  let state = seed >>> 0;
  const chance = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    chance,
    between: (low, high) => low + chance() * (high - low),
    whole: below => Math.floor(chance() * below),
  };
}

export function historyOf(kind: HealthyKind | FaultyKind, seed: number, hours = 4): History {
  const dice = diceOf(seed * 2654435761 + kind.length * 97 + kind.charCodeAt(0));
  const minutes = hours * 60;
  const faulty = (faultyKinds as readonly string[]).includes(kind);
  const breaksAt = faulty ? 20 + dice.whole(60) : Number.POSITIVE_INFINITY;
  // From one error in six minutes to one in three seconds.
  const perHour = kind === 'ecc-ramp' ? Math.round(10 ** dice.between(1, 3.1)) : 0;
  const server = serverOf(dice, kind, perHour);
  const looks = Array.from({ length: minutes }, (_, minute) => server(minute, minute - breaksAt));
  return faulty ? { looks, fault: { at: new Date(start + breaksAt * minuteMs), perHour } } : { looks };
}

type Kind = HealthyKind | FaultyKind;

/** The samples of one machine, minute by minute; `since` counts from the fault and is negative before it. */
function serverOf(dice: Dice, kind: Kind, perHour: number): (minute: number, since: number) => Look {
  const bases = { inlet: dice.between(19, 26), cpu: dice.between(45, 70), dimm: dice.between(35, 50) };
  const speed = dice.between(4000, 12_000);
  const corrected = Array.from({ length: 8 }, () => dice.whole(4));
  const judges = dice.chance() < 0.5;
  const noisy = { sensor: dice.whole(3), amplitude: dice.between(5, 25) };
  let uncorrected = 0;
  let gapEnds = -1;
  return (minute, since) => {
    const at = new Date(start + minute * minuteMs);
    const broken = since >= 0;
    const load = kind === 'busy' ? 14 * Math.abs(Math.sin(minute / 25)) + dice.between(0, 4) : dice.between(-1.5, 1.5);
    if (kind === 'ecc-ramp' && broken) corrected[2] = (corrected[2] ?? 0) + events(dice, perHour / 60);
    if (kind === 'few-corrected-errors' && dice.chance() < 1 / 120) corrected[1] = (corrected[1] ?? 0) + 1;
    if (kind === 'counter-resets' && dice.chance() < 0.01) corrected.fill(0);
    if (kind === 'ecc-uncorrectable' && since === 0) uncorrected = 1;
    if (kind === 'bmc-gaps' && minute > gapEnds && dice.chance() < 0.01) gapEnds = minute + 1 + dice.whole(40);
    if (minute <= gapEnds) return { node, at, tookMs: 10_000, missing: silence };
    const warmer = kind === 'inlet-ramp' && broken ? 20 * (1 - Math.exp(-since / 20)) : 0;
    const heat = kind === 'thermal-runaway' && broken ? 3 * since : kind === 'fan-loss' && broken ? 12 : 0;
    const lost = (kind === 'fan-loss' || kind === 'fan-silent') && broken;
    const jitter = (index: number) =>
      kind === 'noisy-sensor' && index === noisy.sensor ? noisy.amplitude * dice.between(-1, 1) : 0;
    const missing = () => kind === 'missing-readings' && dice.chance() < 0.2;
    const inlet = bases.inlet + warmer + dice.between(-0.6, 0.6) + jitter(0);
    const cpu = Math.min(110, bases.cpu + load + warmer + heat + jitter(1));
    const sensors = [
      temperature('Inlet Temp', missing() ? undefined : inlet, { caution: 38, critical: 42 }),
      temperature('CPU1 Temp', missing() ? undefined : cpu, { caution: 92, critical: 98 }),
      temperature('DIMM Temp', missing() ? undefined : bases.dimm + load / 2 + warmer + jitter(2), { critical: 85 }),
    ];
    const dimms = corrected.map((count, index) => ({
      dimm: `DIMM A${index + 1}`,
      corrected: missing() ? unread : known(count),
      uncorrected: known(index === 2 ? uncorrected : 0),
      health: known<HealthLevel>(index === 2 && uncorrected > 0 && judges ? 'critical' : 'ok'),
    }));
    const sample: HealthSample = {
      power: known('on'),
      health: known<HealthLevel>('ok'),
      temperatures: dice.chance() < 0.02 ? unread : known(sensors),
      fans: known(fansOf(dice, { speed, lost, judged: kind === 'fan-loss' && judges, missing })),
      powerSupplies: known(suppliesOf(kind === 'psu-loss' && broken)),
      memory: dice.chance() < 0.01 ? unread : known(dimms),
      drives: known(drivesOf(kind === 'drive-predictive' && broken)),
      log: known(logOf(minute)),
      bmcTime: known(new Date(at.getTime() + dice.between(-20_000, 20_000)).toISOString()),
    };
    return { node, at, tookMs: Math.round(dice.between(400, 6000)), sample };
  };
}

const silence = new FleetError({ code: 'bmc_unreachable', message: 'no route' });
const unread = unknown('not read');

/** How many events of so many expected ones happen. */
function events(dice: Dice, expected: number): number {
  const whole = Math.floor(expected * dice.between(0.5, 1.5));
  return whole + (dice.chance() < expected - Math.floor(expected) ? 1 : 0);
}

function temperature(
  name: string,
  celsius: number | undefined,
  limits: { caution?: number; critical?: number },
): SensorReading {
  const { caution, critical } = limits;
  return {
    name,
    uri: `/redfish/v1/Chassis/1/Sensors/${name.replaceAll(' ', '')}`,
    reading: celsius === undefined ? unread : known(Math.round(celsius * 10) / 10),
    unit: 'celsius',
    // What the BMC thinks is left out: the limits must do.
    health: unknown('not given'),
    ...(caution === undefined ? {} : { upperCaution: caution }),
    ...(critical === undefined ? {} : { upperCritical: critical }),
  };
}

function fansOf(
  dice: Dice,
  { speed, lost, judged, missing }: { speed: number; lost: boolean; judged: boolean; missing(): boolean },
): SensorReading[] {
  return Array.from({ length: 6 }, (_, index): SensorReading => {
    const gone = lost && index === 3;
    const health: Fact<HealthLevel> = gone && judged ? known('critical') : unknown('not given');
    const rpm = gone ? 0 : Math.round(speed * dice.between(0.97, 1.03));
    const reading = missing() ? unread : known(rpm);
    return { name: `Fan ${index + 1}`, uri: `/redfish/v1/Chassis/1/Fans/${index + 1}`, reading, unit: 'rpm', health };
  });
}

function suppliesOf(lost: boolean): PowerSupply[] {
  return [1, 2].map(index => ({
    uri: `/redfish/v1/Chassis/1/PowerSupplies/${index}`,
    name: `PSU ${index}`,
    health: known<HealthLevel>(lost && index === 2 ? 'critical' : 'ok'),
    model: known('PS'),
    capacityWatts: known(1100),
  }));
}

function drivesOf(predicted: boolean): Drive[] {
  return [0, 1].map(index => ({
    uri: `/redfish/v1/Systems/1/Storage/1/Drives/${index}`,
    name: `Disk ${index}`,
    health: known<HealthLevel>('ok'),
    model: known('D'),
    serial: known(`S${index}`),
    capacityBytes: known(960_000_000_000),
    media: known('ssd'),
    protocol: known('NVMe'),
    predictedFailure: known(predicted && index === 0),
    lifeLeftPercent: known(93 - index),
  }));
}

/** A log in which something harmless is written every half hour, after an old critical entry. */
function logOf(minute: number): LogEntry[] {
  const count = Math.floor(minute / 30);
  const harmless = Array.from({ length: Math.min(count, 15) }, (_, index): LogEntry => {
    const id = count - index;
    const created = known(new Date(start + id * 30 * minuteMs).toISOString());
    return { id: String(id + 1), created, severity: 'ok', message: 'A network port link came up.' };
  });
  const created = known(new Date(start - 40 * 24 * 3_600_000).toISOString());
  return [...harmless, { id: '1', created, severity: 'critical', message: 'A fan was lost.' }];
}
