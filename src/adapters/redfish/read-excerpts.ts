/**
 * Metrics: excerpts of sensors, most with a link to the sensor that they were
 * taken from. One whose sensor is known already says nothing new, and one that
 * names no sensor counts only where nothing else of its kind is known: it is
 * the same reading once more, in other units (NVIDIA: kWh of what the sensor
 * has in J).
 */
import { FleetError } from '../../core/errors.ts';
import type { Connection } from './connection.ts';
import { reasonOf } from './facts.ts';
import { plain } from './links.ts';
import { bare, ofBody } from './sensor-forms.ts';
import type { Measure } from './sensor-kinds.ts';
import { environmentMetrics, type SensorExcerpt, sensorBody, temperatureMetrics } from './sensor-schema.ts';
import { merged, type Sighting } from './sensor-sightings.ts';

type Taken = Measure & { at: string; name: string; excerpt: SensorExcerpt | null | undefined };

export async function fromThermalMetrics(connection: Connection, link: string, found: Sighting[]): Promise<Sighting[]> {
  const { TemperatureReadingsCelsius: all } = await connection.read(link, temperatureMetrics);
  const taken = all.map((excerpt, index): Taken => {
    const at = `${link}#/TemperatureReadingsCelsius/${index}`;
    return { at, name: `Temperature ${index}`, kind: 'temperature', unit: 'celsius', excerpt };
  });
  return fromExcerpts(connection, taken, found);
}

export async function fromEnvironment(connection: Connection, link: string, found: Sighting[]): Promise<Sighting[]> {
  const read = await connection.read(link, environmentMetrics);
  const one = (at: keyof typeof read, name: string, measure: Measure): Taken => {
    const excerpt = read[at];
    return { at: `${link}#/${at}`, name, ...measure, excerpt: Array.isArray(excerpt) ? undefined : excerpt };
  };
  const taken = [
    one('TemperatureCelsius', 'Temperature', { kind: 'temperature', unit: 'celsius' }),
    one('DewPointCelsius', 'Dew point', { kind: 'humidity', unit: 'celsius' }),
    one('HumidityPercent', 'Humidity', { kind: 'humidity', unit: 'percent' }),
    one('PowerWatts', 'Power', { kind: 'power', unit: 'W' }),
    one('EnergykWh', 'Energy', { kind: 'energy', unit: 'kWh' }),
    ...read.FanSpeedsPercent.map((excerpt, index): Taken => {
      const at = `${link}#/FanSpeedsPercent/${index}`;
      return { at, name: `Fan ${index}`, kind: 'fan', unit: 'percent', excerpt };
    }),
  ];
  return fromExcerpts(connection, taken, found);
}

async function fromExcerpts(connection: Connection, taken: Taken[], found: Sighting[]): Promise<Sighting[]> {
  const seen = new Set(found.map(({ sensor }) => plain(sensor.uri)));
  const kinds = new Set(found.map(({ sensor }) => sensor.kind));
  const read = await Promise.all(
    taken.map(async ({ at, name, kind, unit, excerpt }): Promise<Sighting[]> => {
      if (excerpt == null) return [];
      const { DataSourceUri: source, DeviceName, Reading } = excerpt;
      const measure = { name: DeviceName?.trim() || name, kind, unit };
      if (source == null) return kinds.has(kind) || Reading == null ? [] : [bare({ uri: at, ...measure }, Reading)];
      return seen.has(plain(source)) ? [] : fromSource(connection, { uri: source, ...measure }, Reading);
    }),
  );
  return read.flat();
}

/** The sensor itself, which has thresholds and health; where it is not there, what the excerpt says of it. */
async function fromSource(
  connection: Connection,
  what: { uri: string; name: string } & Measure,
  reading: number | null | undefined,
): Promise<Sighting[]> {
  const excerpt = bare(what, reading);
  try {
    const [own] = ofBody(what.uri, await connection.read(what.uri, sensorBody));
    return own === undefined ? [] : merged([own], [{ ...excerpt, names: own.names }]).slice(0, 1);
  } catch (error) {
    const reason = reasonOf(error);
    if (FleetError.from(error).code === 'not_found' && reading == null) return [];
    return [{ ...excerpt, sensor: { ...excerpt.sensor, health: { unknown: reason } } }];
  }
}
