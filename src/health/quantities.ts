/** One sample as the numbers that history keeps. */
import { type Fact, factValue, type SensorReading } from '../core/bmc.ts';
import type { HealthSample } from '../core/hardware.ts';
import type { UpperLimits } from '../core/health-records.ts';
import type { Quantity } from '../core/history.ts';
import { numbered } from './observation.ts';

export type Measured = { quantities: Quantity[]; values: (number | null)[]; limits: Map<string, UpperLimits> };
type Row = [name: string, unit: string, value: number | null, limits?: UpperLimits];

/** Null where the server has the sensor and gave no reading. A list that could not be read at all is left out. */
export function measured(sample: HealthSample): Measured {
  const power = factValue(sample.power);
  const rows: Row[] = [
    ['power', 'on', power === undefined ? null : Number(power !== 'off')],
    ...[...list(sample.temperatures), ...list(sample.fans)].map(
      (sensor): Row => [sensor.name, sensor.unit, number(sensor.reading), ...limitsOf(sensor)],
    ),
    ...list(sample.memory).flatMap(({ dimm, corrected, uncorrected }) => [
      ...counted(`${dimm} corrected errors`, corrected),
      ...counted(`${dimm} uncorrected errors`, uncorrected),
    ]),
    ...list(sample.drives).flatMap(({ name, lifeLeftPercent }) =>
      'value' in lifeLeftPercent
        ? [[`${name} life left`, 'percent', lifeLeftPercent.value] as [string, string, number]]
        : [],
    ),
  ];
  const named = numbered(rows, ([name]) => name);
  return {
    quantities: named.map(([name, [, unit]]) => ({ name, unit })),
    values: rows.map(([, , value]) => value),
    limits: new Map(named.flatMap(([name, [, , , limits]]) => (limits ? [[name, limits] as const] : []))),
  };
}

function limitsOf({ upperCaution: caution, upperCritical: critical }: SensorReading): [] | [UpperLimits] {
  if (caution === undefined && critical === undefined) return [];
  return [{ ...(caution !== undefined && { caution }), ...(critical !== undefined && { critical }) }];
}

function list<T>(fact: Fact<T[]>): T[] {
  return factValue(fact) ?? [];
}

function number(fact: Fact<number>): number | null {
  return factValue(fact) ?? null;
}

/** A DIMM whose BMC keeps no such counter has no such quantity. */
function counted(name: string, count: Fact<number>): [string, string, number][] {
  return 'value' in count ? [[name, 'count', count.value]] : [];
}
