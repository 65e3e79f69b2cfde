/** One sample as the numbers that history keeps. */
import { type Fact, factValue } from '../core/bmc.ts';
import type { HealthSample } from '../core/hardware.ts';
import type { Quantity } from '../core/history.ts';
import { numbered } from './observation.ts';

export type Measured = { quantities: Quantity[]; values: (number | null)[] };

/** Null where the server has the sensor and gave no reading. A list that could not be read at all is left out. */
export function measured(sample: HealthSample): Measured {
  const power = factValue(sample.power);
  const rows: [name: string, unit: string, value: number | null][] = [
    ['power', 'on', power === undefined ? null : Number(power !== 'off')],
    ...[...list(sample.temperatures), ...list(sample.fans)].map(
      ({ name, unit, reading }) => [name, unit, number(reading)] as [string, string, number | null],
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
  };
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
