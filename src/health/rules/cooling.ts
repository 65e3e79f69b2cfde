/**
 * Fans and temperatures, by the BMC's judgement and by their readings. Where a
 * reading is past all limits and the BMC calls the sensor well, one of the two
 * is wrong, and that is a warning.
 */
import { factValue, type PowerState, type SensorReading } from '../../core/bmc.ts';
import type { RedundancyGroup } from '../../core/hardware.ts';
import { isBad, judged, type Observation, type Verdict, worse } from '../observation.ts';

/** Below this a fan of a server stands still for all that matters. */
const lowestRpm = 300;
/** Degrees under a limit in which a temperature counts as neither too high nor well. */
const marginCelsius = 3;
/** Where the BMC gives no limits at all. */
const usualLimits = { inlet: { caution: 38, critical: 42 }, component: { caution: 95, critical: 105 } };
/** Degrees between the two limits of an inlet, where the BMC gives one of them. */
const inletStep = 4;
/** What no sensor in a server that runs can mean. */
const plausible = { lowest: -40, highest: 150 };

/** A fan that stands still in a server that is off, or may be off, says nothing. */
export function observeFans(fans: SensorReading[], power: PowerState | undefined): Observation[] {
  return fans.flatMap((fan): Observation[] => {
    if (power === 'off' || power === 'powering-on') return [];
    const health = judged(fan.health);
    const reading = factValue(fan.reading);
    const still = power === 'on' && reading !== undefined && (fan.unit === 'rpm' ? reading < lowestRpm : reading <= 0);
    const turning: Verdict | undefined =
      reading === undefined || power !== 'on'
        ? undefined
        : still
          ? health === 'good'
            ? 'warning'
            : 'critical'
          : 'good';
    const verdict = health && turning ? worse(health, turning) : (health ?? turning);
    if (verdict === undefined) return [];
    const speed = reading === undefined ? 'no reading' : `${reading} ${fan.unit === 'rpm' ? 'rpm' : '%'}`;
    const told = still ? `stands still at ${speed}` : `is ${verdict} at ${speed}`;
    return [
      observed('fan', fan, {
        verdict,
        text: `${/fan/i.test(fan.name) ? fan.name : `fan ${fan.name}`} ${told}`,
        value: reading,
      }),
    ];
  });
}

/** `groups` are those of the fans. A server that is off needs none to spare. */
export function observeFanRedundancy(groups: RedundancyGroup[], power: PowerState | undefined): Observation[] {
  if (power !== 'on') return [];
  return groups.flatMap(({ name, uri, health }): Observation[] => {
    const verdict = judged(health);
    if (verdict === undefined) return [];
    const part = { name, uri };
    if (!isBad(verdict)) return [{ kind: 'fan-redundancy', part, verdict }];
    return [{ kind: 'fan-redundancy', part, verdict: 'warning', text: 'the BMC says that the fans are not redundant' }];
  });
}

export function observeTemperatures(sensors: SensorReading[]): Observation[] {
  return sensors.flatMap((sensor): Observation[] => {
    const celsius = plausibleCelsius(sensor);
    const health = judged(sensor.health);
    if (celsius === undefined && (health === undefined || health === 'good')) return [];
    const { caution, critical } = limitsOf(sensor);
    const reached: Verdict = celsius === undefined ? 'good' : against(celsius, { caution, critical });
    const measured = reached === 'critical' && health === 'good' ? 'warning' : reached;
    const verdict = health ? worse(health, measured) : measured;
    const limit = verdict === 'critical' ? (critical ?? caution) : (caution ?? critical);
    const beside = limit === undefined ? '' : `, limit ${limit} °C`;
    const text = `temperature ${sensor.name} is ${verdict} at ${celsius ?? 'no reading'} °C${beside}`;
    const kind = isInlet(sensor) ? 'inlet-temperature' : 'component-temperature';
    return [observed(kind, sensor, { verdict, text, value: celsius })];
  });
}

/** Air as it enters the server; a power supply has an inlet of its own. */
export function isInlet({ name }: { name: string }): boolean {
  return /inlet|intake|ambient/i.test(name) && !/\b(psu?|p\/s|power)[\s_-]?\d*/i.test(name);
}

/** Sensors that count down to a limit are below zero; none of the usual limits is meant for them. */
function isMargin({ name }: SensorReading): boolean {
  return /margin|mgn|dts|delta/i.test(name);
}

export function inletLimits({ upperCaution, upperCritical }: SensorReading): { caution: number; critical: number } {
  if (upperCritical !== undefined)
    return { caution: upperCaution ?? upperCritical - inletStep, critical: upperCritical };
  return upperCaution === undefined ? usualLimits.inlet : { caution: upperCaution, critical: upperCaution + inletStep };
}

function limitsOf(sensor: SensorReading): { caution?: number; critical?: number } {
  if (isInlet(sensor)) return inletLimits(sensor);
  const { upperCaution, upperCritical } = sensor;
  if (upperCaution === undefined && upperCritical === undefined) return isMargin(sensor) ? {} : usualLimits.component;
  return {
    ...(upperCaution === undefined ? {} : { caution: upperCaution }),
    ...(upperCritical === undefined ? {} : { critical: upperCritical }),
  };
}

/** Undefined too for the 255 and -128 of a sensor that is not connected. */
export function plausibleCelsius(sensor: SensorReading): number | undefined {
  const celsius = factValue(sensor.reading);
  if (celsius === undefined || celsius > plausible.highest) return undefined;
  return celsius >= plausible.lowest || isMargin(sensor) ? celsius : undefined;
}

function against(celsius: number, { caution, critical }: { caution?: number; critical?: number }): Verdict {
  if (critical !== undefined && celsius >= critical) return 'critical';
  if (caution !== undefined && celsius >= caution) return 'warning';
  const lowest = caution ?? critical;
  return lowest !== undefined && celsius > lowest - marginCelsius ? 'held' : 'good';
}

function observed(
  kind: Observation['kind'],
  { name, uri }: SensorReading,
  seen: { verdict: Verdict; text: string; value: number | undefined },
): Observation {
  const { verdict, text, value } = seen;
  return { kind, part: { name, uri }, verdict, text, ...(value === undefined ? {} : { value }) };
}
