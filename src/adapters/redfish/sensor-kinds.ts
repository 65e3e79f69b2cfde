/**
 * What a sensor measures. The unit tells it better than the type: Lenovo calls
 * watts a current and a fan's speed an air flow, and DMTF's own mock-up leaves
 * the type out. Units come as UCUM has them, and as vendors have them.
 */
import type { SensorKind } from '../../core/hardware.ts';
import type { SensorBody } from './sensor-schema.ts';

export type Measure = { kind: SensorKind; unit: string };

const celsius: Measure = { kind: 'temperature', unit: 'celsius' };
const rpm: Measure = { kind: 'fan', unit: 'rpm' };
const percent: Measure = { kind: 'percent', unit: 'percent' };
const volts: Measure = { kind: 'voltage', unit: 'V' };
const amperes: Measure = { kind: 'current', unit: 'A' };
const watts: Measure = { kind: 'power', unit: 'W' };
const joules: Measure = { kind: 'energy', unit: 'J' };
const kilowattHours: Measure = { kind: 'energy', unit: 'kWh' };
const wattHours: Measure = { kind: 'energy', unit: 'Wh' };
const hertz: Measure = { kind: 'frequency', unit: 'Hz' };
const pascals: Measure = { kind: 'pressure', unit: 'Pa' };
const kilopascals: Measure = { kind: 'pressure', unit: 'kPa' };
const feet: Measure = { kind: 'flow', unit: 'CFM' };
const metres: Measure = { kind: 'flow', unit: 'm³/min' };
const litres: Measure = { kind: 'flow', unit: 'L/min' };
const litresPerSecond: Measure = { kind: 'flow', unit: 'L/s' };

const byUnit = new Map<string, Measure>([
  ...(['cel', 'c', '°c', 'celsius', 'degc'] as const).map(unit => [unit, celsius] as const),
  ...(['rpm', '{rev}/min'] as const).map(unit => [unit, rpm] as const),
  ...(['v', 'volts', 'volt'] as const).map(unit => [unit, volts] as const),
  ...(['a', 'amps', 'amperes', 'ampere'] as const).map(unit => [unit, amperes] as const),
  ...(['w', 'watts', 'watt'] as const).map(unit => [unit, watts] as const),
  ['j', joules],
  ['kw.h', kilowattHours],
  ['kwh', kilowattHours],
  ['w.h', wattHours],
  ['hz', hertz],
  ['pa', pascals],
  ['kpa', kilopascals],
  ['cfm', feet],
  ['[ft_i]3/min', feet],
  ['m3/min', metres],
  ['l/min', litres],
  ['l/s', litresPerSecond],
]);

/** Each with the unit that the standard says it has. */
const byType = new Map<string, Measure>([
  ['temperature', celsius],
  ['rotational', rpm],
  ['voltage', volts],
  ['current', amperes],
  ['power', watts],
  ['energyjoules', joules],
  ['energykwh', kilowattHours],
  ['energywh', wattHours],
  ['frequency', hertz],
  ['percent', percent],
  ['humidity', { kind: 'humidity', unit: 'percent' }],
  ['absolutehumidity', { kind: 'humidity', unit: 'g/m³' }],
  ['pressure', pascals],
  ['pressurepa', pascals],
  ['pressurekpa', kilopascals],
  ['airflow', feet],
  ['airflowcmm', metres],
  ['liquidflow', litresPerSecond],
  ['liquidflowlpm', litres],
]);

/**
 * Undefined where the BMC says neither unit nor type, so that another place may. A unit that is there and empty is a state;
 * `ofType` is what its type would make of it.
 */
export function measureOf(body: SensorBody): (Measure & { ofType?: SensorKind }) | undefined {
  const said = body.ReadingUnits?.trim();
  const type = byType.get(body.ReadingType?.toLowerCase() ?? '');
  if (said === undefined) return type === undefined ? undefined : share(type, body);
  if (said === '') return { kind: 'state', unit: '', ...(type === undefined ? {} : { ofType: type.kind }) };
  if (/^(%|percent)$/i.test(said)) return share({ ...percent, kind: type?.kind ?? 'percent' }, body);
  return byUnit.get(said.toLowerCase()) ?? { kind: type?.kind ?? 'other', unit: said };
}

/** A percentage of a fan's full speed is a fan. */
function share(measure: Measure, { Name, SpeedRPM }: SensorBody): Measure {
  const turns = SpeedRPM != null || /fan/i.test(Name ?? '');
  return measure.kind === 'percent' && turns ? { ...measure, kind: 'fan' } : measure;
}
