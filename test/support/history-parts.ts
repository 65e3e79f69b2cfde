/** Parts of a made-up server as a sample shows them, and the dice that they are drawn with. */
import { type Fact, type HealthLevel, known, type LogEntry, type SensorReading, unknown } from '../../src/core/bmc.ts';
import type { Drive, PowerSupply } from '../../src/core/hardware.ts';

export const unread = unknown('not read');

const minuteMs = 60_000;

export type Dice = {
  chance(): number;
  between(low: number, high: number): number;
  whole(below: number): number;
  /** Around zero, with long tails: of a hundred throws one or two are beyond five times the scale. */
  spread(scale: number): number;
};

/** A small generator of 32 bits (mulberry32). */
export function diceOf(seed: number): Dice {
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
    spread(scale) {
      const turn = chance() - 0.5;
      return -scale * Math.sign(turn) * Math.log(1 - 2 * Math.abs(turn) + 1e-9);
    },
  };
}

/** How many events of so many expected ones happen. */
export function events(dice: Dice, expected: number): number {
  const whole = Math.floor(expected * dice.between(0.5, 1.5));
  return whole + (dice.chance() < expected - Math.floor(expected) ? 1 : 0);
}

export function temperature(
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

export function fan(index: number, rpm: number | undefined, health: HealthLevel | undefined): SensorReading {
  return {
    name: `Fan ${index + 1}`,
    uri: `/redfish/v1/Chassis/1/Fans/${index + 1}`,
    reading: rpm === undefined ? unread : known(Math.round(rpm)),
    unit: 'rpm',
    health: health === undefined ? unknown('not given') : known(health),
  };
}

/** Two of them. */
export function supplies(second: Fact<HealthLevel>): PowerSupply[] {
  return [1, 2].map(index => ({
    uri: `/redfish/v1/Chassis/1/PowerSupplies/${index}`,
    name: `PSU ${index}`,
    health: index === 2 ? second : known<HealthLevel>('ok'),
    model: known('PS'),
    capacityWatts: known(1100),
  }));
}

/** Two of them; the first is meant. */
export function drives({ health, predicted }: { health: HealthLevel; predicted: boolean }): Drive[] {
  return [0, 1].map(index => ({
    uri: `/redfish/v1/Systems/1/Storage/1/Drives/${index}`,
    name: `Disk ${index}`,
    health: known<HealthLevel>(index === 0 ? health : 'ok'),
    model: known('D'),
    serial: known(`S${index}`),
    capacityBytes: known(960_000_000_000),
    media: known('ssd'),
    protocol: known('NVMe'),
    predictedFailure: known(predicted && index === 0),
    lifeLeftPercent: known(93 - index),
    firmware: known('1.0'),
  }));
}

/** A log in which something harmless is written now and then, after an old critical entry; `news` come on top, newest first. */
export function logAt(start: number, minute: number, more: { every: number; news: LogEntry[] }): LogEntry[] {
  const count = Math.floor(minute / more.every);
  const harmless = Array.from({ length: Math.min(count, 15) }, (_, index) => harmlessEntry(start, count - index, more));
  return [...more.news, ...harmless, oldEntry(start)];
}

/** Entries stay what they are, and a thousand histories show the same. */
const written = new Map<string, LogEntry>();

function harmlessEntry(start: number, id: number, { every }: { every: number }): LogEntry {
  const severity = every < 10 && id % 3 === 0 ? 'warning' : 'ok';
  const at = start + id * every * minuteMs;
  return entry({ id: String(id + 1), at, severity, message: 'A network port link changed.' });
}

function oldEntry(start: number): LogEntry {
  return entry({ id: '1', at: start - 40 * 24 * 60 * minuteMs, severity: 'critical', message: 'A fan was lost.' });
}

function entry({ at, ...rest }: Omit<LogEntry, 'created'> & { at: number }): LogEntry {
  const key = `${rest.id} ${at}`;
  const held = written.get(key) ?? { ...rest, created: known(new Date(at).toISOString()) };
  written.set(key, held);
  return held;
}
