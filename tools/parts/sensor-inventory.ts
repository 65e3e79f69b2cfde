/**
 * A server has up to some 200 sensors, of which hardly any matters at once. So
 * they are told as counts and ranges, kind by kind, and one by one only those
 * that are not well, unless all are asked for.
 */
import { z } from 'zod';
import { type Fact, factValue } from '../../src/core/bmc.ts';
import { type Block, type Cell, foreign, healthCell, type Tone, toned } from '../../src/core/document.ts';
import type { Sensor } from '../../src/core/hardware.ts';
import { unitSymbol } from './units.ts';

const levels = ['critical', 'warning', 'unknown', 'ok'] as const;
type Level = (typeof levels)[number];

const counts = { ok: z.number(), warning: z.number(), critical: z.number(), unknown: z.number() };

export const sensorsOutput = z
  .union([
    z.object({
      count: z.number(),
      ...counts,
      kinds: z
        .array(z.object({ kind: z.string(), count: z.number(), lowest: z.string(), highest: z.string(), ...counts }))
        .describe('What there is of each kind and unit, with the lowest and the highest reading'),
      listed: z
        .array(
          z.object({
            name: z.string(),
            kind: z.string(),
            reading: z.string(),
            warningAt: z.string(),
            criticalAt: z.string(),
            health: z.string(),
          }),
        )
        .describe('Worst first: those that are not well or could not be read; every sensor when all are asked for'),
      all: z.boolean().describe('Whether every sensor is listed'),
    }),
    z.string(),
  ])
  .describe('Sensors, or why there are none');
type SensorsOutput = z.infer<typeof sensorsOutput>;
type Summary = Exclude<SensorsOutput, string>;

export function sensorsTold(fact: Fact<Sensor[]>, all: boolean): SensorsOutput {
  if ('unknown' in fact) return `unknown (${fact.unknown})`;
  const sensors = fact.value;
  const groups = Map.groupBy(sensors, ({ kind, unit }) => `${kind} ${unit}`);
  const worstFirst = levels.flatMap(level => sensors.filter(each => levelOf(each) === level));
  return {
    count: sensors.length,
    ...counted(sensors),
    kinds: [...groups.values()].map(kindTold),
    listed: worstFirst.filter(each => all || needsLook(each)).map(sensorTold),
    all,
  };
}

/** Many BMCs give no health of most sensors: that alone is counted, and not listed. */
function needsLook(sensor: Sensor): boolean {
  return sensor.kind === 'unread' || ['warning', 'critical'].includes(levelOf(sensor));
}

function levelOf({ health }: Sensor): Level {
  return factValue(health) ?? 'unknown';
}

function counted(sensors: Sensor[]): Record<Level, number> {
  const of = (level: Level) => sensors.filter(each => levelOf(each) === level).length;
  return { ok: of('ok'), warning: of('warning'), critical: of('critical'), unknown: of('unknown') };
}

function kindTold(sensors: Sensor[]): Summary['kinds'][number] {
  const [first] = sensors;
  const readings = sensors.flatMap(each => factValue(each.reading) ?? []);
  const edge = (value: number) => (readings.length === 0 ? '' : amount(value, first?.unit ?? ''));
  return {
    kind: first?.kind ?? '',
    count: sensors.length,
    lowest: edge(Math.min(...readings)),
    highest: edge(Math.max(...readings)),
    ...counted(sensors),
  };
}

function sensorTold(sensor: Sensor): Summary['listed'][number] {
  const { name, kind, reading, unit, limits } = sensor;
  const told = 'value' in reading ? amount(reading.value, unit) : `unknown (${reading.unknown})`;
  const warningAt = beyond(limits.lowerCaution, limits.upperCaution);
  const criticalAt = beyond(limits.lowerCritical, limits.upperCritical);
  return { name, kind, reading: told, warningAt, criticalAt, health: levelOf(sensor) };
}

/** `< 3 or > 38`, in the unit of the reading. */
function beyond(low: number | undefined, high: number | undefined): string {
  const sides = [low === undefined ? '' : `< ${rounded(low)}`, high === undefined ? '' : `> ${rounded(high)}`];
  return sides.filter(Boolean).join(' or ');
}

function amount(value: number, unit: string): string {
  const scaled = ['Hz', 'J', 'W', 'Pa'].includes(unit) ? prefixes.find(([, factor]) => value >= factor) : undefined;
  const [prefix, factor] = scaled ?? ['', 1];
  return `${rounded(value / factor)} ${prefix}${unitSymbol(unit)}`.trim();
}

const prefixes = [
  ['G', 1e9],
  ['M', 1e6],
] as const;

/** As many digits as tell something: 18600, 12.16, 1.216. */
function rounded(value: number): string {
  const size = Math.abs(value);
  return String(Number(value.toFixed(size >= 1000 ? 0 : size >= 10 ? 2 : 3)));
}

export function presentSensors(told: SensorsOutput): Block[] {
  if (typeof told === 'string') return [{ text: `Sensors: ${told}`, tone: 'muted' }];
  const { count, kinds, listed, all } = told;
  const list: Block[] = listed.length > 0 ? [{ table: { columns: sensorColumns, rows: listed.map(sensorRow) } }] : [];
  const summary: Block = {
    table: { columns: ['sensors', 'count', 'lowest', 'highest', 'health'], rows: kinds.map(kindRow) },
  };
  return [
    { text: `${count} sensors: ${healthText(told)}`, tone: toneOf(told) },
    ...(all
      ? [summary, ...list]
      : [...list, summary, { text: '--sensors lists each of them', tone: 'muted' as const }]),
  ];
}

const sensorColumns = ['sensor', 'kind', 'reading', 'warning', 'critical', 'health'];

function sensorRow({ name, kind, reading, warningAt, criticalAt, health }: Summary['listed'][number]): Cell[] {
  return [foreign(name), kind, foreign(reading), warningAt, criticalAt, healthCell(health)];
}

/** A BMC may name a unit as it likes. */
function kindRow(kind: Summary['kinds'][number]): Cell[] {
  const range = [kind.lowest, kind.highest].map(foreign);
  return [kind.kind, String(kind.count), ...range, toned(healthText(kind), toneOf(kind))];
}

/** Worst first; what there is none of is left out. */
function healthText(of: Record<Level, number>): string {
  return levels
    .filter(level => of[level] > 0)
    .map(level => `${of[level]} ${level}`)
    .join(', ');
}

function toneOf({ critical, warning, unknown }: Record<Level, number>): Tone {
  if (critical > 0) return 'bad';
  if (warning > 0) return 'warn';
  return unknown > 0 ? 'plain' : 'good';
}
