/** A sensor from each form in which a BMC writes one. What is absent is none. */
import { type Fact, factValue, type HealthLevel, known, unknown } from '../../core/bmc.ts';
import type { Sensor, SensorKind, SensorLimits } from '../../core/hardware.ts';
import { healthFact, healthLevel, inUse, isAbsent, readingFact, textFact, worst } from './facts.ts';
import { idOf } from './read-members.ts';
import { type Measure, measureOf } from './sensor-kinds.ts';
import type { SensorBody, SensorEntry } from './sensor-schema.ts';
import type { Sighting } from './sensor-sightings.ts';

type Level = number | null | undefined;

/** Of the collection of sensors. */
export function ofBody(uri: string, body: SensorBody): Sighting[] {
  if (isAbsent(body.Status)) return [];
  const { Thresholds: given, Status: status } = body;
  const measure = measureOf(body);
  const { kind, unit } = measure ?? { kind: 'state', unit: '' };
  const id = factValue(textFact(body.Id, 'id')) ?? idOf(uri);
  const name = factValue(textFact(body.Name, 'name')) ?? id;
  const where = body.PhysicalSubContext ?? '';
  return [
    {
      sensor: {
        uri,
        name,
        kind,
        unit,
        reading: readingOf(body.Reading, status, unit),
        health: healthFact(status, 'sensor'),
        limits: limits({
          lower: [given?.LowerCaution?.Reading, given?.LowerCritical?.Reading, given?.LowerFatal?.Reading],
          upper: [given?.UpperCaution?.Reading, given?.UpperCritical?.Reading, given?.UpperFatal?.Reading],
        }),
      },
      names: [name, id, `${name} ${body.ReadingType ?? ''}`, `${name} ${body.ReadingType ?? ''} ${where}`],
      open: measure === undefined ? 'any' : measure.ofType,
    },
  ];
}

/** A number without a unit may be anything. */
function readingOf(value: Level, status: SensorBody['Status'], unit: string): Fact<number> {
  const reading = readingFact(value, status);
  return unit === '' && 'value' in reading ? unknown('the BMC gives no unit with what the sensor reads') : reading;
}

type Listed = { list: 'Temperatures' | 'Fans' | 'Voltages' | 'PowerControl'; link: string };

/** Of the lists in `Thermal` and `Power`. */
export function ofEntries({ list, link }: Listed, entries: SensorEntry[]): Sighting[] {
  return entries.flatMap((entry, index) => {
    const { kind, unit, value, what } = measured(list, entry);
    const given = entry.Name?.trim() || entry.FanName?.trim();
    // Some lists hold a place for what is not there, and a power control that measures nothing is no sensor.
    const empty = value == null && (list === 'PowerControl' || (!given && entry.Status == null));
    if (empty || isAbsent(entry.Status)) return [];
    const name = given || (entries.length === 1 ? what : `${what} ${entry.MemberId ?? index}`);
    return [
      {
        sensor: {
          uri: entry['@odata.id'] ?? `${link}#/${list}/${index}`,
          name,
          kind,
          unit,
          // The state of a power control is that of its limit.
          reading: readingFact(value, list === 'PowerControl' ? undefined : entry.Status),
          health: healthFact(entry.Status, 'sensor'),
          limits: limits({
            lower: [entry.LowerThresholdNonCritical, entry.LowerThresholdCritical, entry.LowerThresholdFatal],
            upper: [entry.UpperThresholdNonCritical, entry.UpperThresholdCritical, entry.UpperThresholdFatal],
          }),
        },
        names: [name],
      },
    ];
  });
}

function measured(list: Listed['list'], entry: SensorEntry): Measure & { value: Level; what: string } {
  switch (list) {
    case 'Temperatures':
      return { kind: 'temperature', unit: 'celsius', value: entry.ReadingCelsius, what: 'Temperature' };
    case 'Fans': {
      const share = /percent|%/i.test(entry.ReadingUnits ?? entry.Units ?? '');
      const value = entry.Reading ?? entry.CurrentReading;
      return { kind: 'fan', unit: share ? 'percent' : 'rpm', value, what: 'Fan' };
    }
    case 'Voltages':
      return { kind: 'voltage', unit: 'V', value: entry.ReadingVolts, what: 'Voltage' };
    case 'PowerControl':
      return { kind: 'power', unit: 'W', value: entry.PowerConsumedWatts, what: 'Power consumption' };
  }
}

/** A sensor of which no more is told than this. */
export function bare(what: { uri: string; name: string } & Measure, reading: Level): Sighting {
  const sensor: Sensor = {
    ...what,
    reading: readingFact(reading, undefined),
    health: unknown('the BMC gives no health of the sensor'),
    limits: {},
  };
  return { sensor, names: [what.name] };
}

/** A place that could not be read. */
export function unreadPlace(uri: string, name: string, reason: string): Sighting {
  const why = unknown(reason);
  return { sensor: { uri, name, kind: 'unread', unit: '', reading: why, health: why, limits: {} }, names: [] };
}

/** The worse of what a detector found and of how it is itself. That it is well does not say that nothing leaks. */
export function leakHealth(status: SensorBody['Status'], found: string | null | undefined): Fact<HealthLevel> {
  const own = healthFact(status, 'detector');
  if (!inUse(status)) return own;
  const seen = healthLevel(found);
  const level = worst([seen, factValue(own)].filter(each => each !== undefined));
  const told = seen !== undefined || level !== 'ok';
  return level !== undefined && told ? known(level) : unknown('the detector does not say whether it found a leak');
}

/** "OK" of a sensor that should read something and reads nothing says nothing. */
export function believed(sensor: Sensor): Sensor {
  const silent: SensorKind[] = ['state', 'leak', 'unread'];
  const { health, reading } = sensor;
  const hollow = 'value' in health && health.value === 'ok' && !('value' in reading);
  return hollow && !silent.includes(sensor.kind) ? { ...sensor, health: reading } : sensor;
}

/** Each side as caution, critical, fatal. Zero or less is how some BMCs write that there is no upper limit. */
function limits({ lower, upper }: { lower: [Level, Level, Level]; upper: [Level, Level, Level] }): SensorLimits {
  const [lowerCaution, lowerCritical, lowerFatal] = lower.map(each => each ?? undefined);
  const [upperCaution, upperCritical, upperFatal] = upper.map(each => (each != null && each > 0 ? each : undefined));
  const given = {
    lowerCaution,
    lowerCritical: lowerCritical ?? lowerFatal,
    upperCaution,
    upperCritical: upperCritical ?? upperFatal,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}
