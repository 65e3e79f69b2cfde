/**
 * Temperatures and fans. Older BMCs have `Thermal`, one resource with readings
 * and thresholds; newer ones `ThermalSubsystem`, spread over metrics, fans and
 * sensors; many have both, of unequal worth, and either may fail. `Thermal` is
 * read first, being whole in one answer, unless the profile knows it to fail;
 * what the first lacks comes from the other.
 */
import { type Fact, known, type SensorReading, unknown } from '../../core/bmc.ts';
import { askAgain } from './ask-again.ts';
import type { Connection } from './connection.ts';
import { readingFact, reasonOf, sensorHealthFact } from './facts.ts';
import { lastSegment } from './links.ts';
import { readMembers } from './read-members.ts';
import { fan, type Status, sensor, thermal, thermalMetrics, thermalSubsystem } from './schema.ts';
import { readChassis, type ServerChassis, type Topology } from './topology.ts';

export type ThermalReadings = { temperatures: Fact<SensorReading[]>; fans: Fact<SensorReading[]> };
type Readings = { temperatures: SensorReading[]; fans: SensorReading[] };
type Unit = SensorReading['unit'];

/** All sensors of the server. A chassis that cannot be read appears as one sensor without a reading: its sensors are not forgotten. */
export async function readThermal(connection: Connection, topology: Topology): Promise<ThermalReadings> {
  const newerFirst = topology.profile.newerThermalFirst ?? false;
  const chassis = await readChassis(connection, topology);
  const found = await Promise.all(chassis.map(each => ofChassis(connection, each, newerFirst)));
  const temperatures = unique(found.flatMap(each => each.temperatures));
  const fans = unique(found.flatMap(each => each.fans));
  return {
    temperatures: temperatures.length > 0 ? known(temperatures) : unknown('the BMC lists no temperature sensors'),
    fans: fans.length > 0 ? known(fans) : unknown('the BMC lists no fans'),
  };
}

type Attempt = <T>(read: () => Promise<T>) => Promise<T | undefined>;
/** Gives of what is `missing` what it has. */
type Source = (missing: { temperatures: boolean; fans: boolean }, attempt: Attempt) => Promise<Partial<Readings>>;

async function ofChassis(connection: Connection, chassis: ServerChassis, newerFirst: boolean): Promise<Readings> {
  if ('unread' in chassis) return unreadable(chassis.uri, chassis.unread);
  const reasons: string[] = [];
  const attempt: Attempt = async read => {
    try {
      return await read();
    } catch (error) {
      reasons.push(reasonOf(error));
      return undefined;
    }
  };
  const { thermal: older, thermalSubsystem: newer } = chassis;
  const sources = [
    ...(older === undefined ? [] : [olderSource(connection, older)]),
    ...(newer === undefined ? [] : [newerSource(connection, newer)]),
  ];
  let result: Readings = { temperatures: [], fans: [] };
  for (const source of newerFirst ? sources.toReversed() : sources) {
    const missing = { temperatures: result.temperatures.length === 0, fans: result.fans.length === 0 };
    if (!missing.temperatures && !missing.fans) break;
    const found = await source(missing, attempt);
    result = {
      temperatures: missing.temperatures ? (found.temperatures ?? []) : result.temperatures,
      fans: missing.fans ? (found.fans ?? []) : result.fans,
    };
  }
  const [reason] = reasons;
  if (reason === undefined) return result;
  const missing = unreadable(chassis.uri, reason);
  return {
    temperatures: result.temperatures.length > 0 ? result.temperatures : missing.temperatures,
    fans: result.fans.length > 0 ? result.fans : missing.fans,
  };
}

function olderSource(connection: Connection, link: string): Source {
  return async (_, attempt) => (await attempt(() => askAgain(() => fromThermal(connection, link)))) ?? {};
}

function newerSource(connection: Connection, link: string): Source {
  return async (missing, attempt) => {
    const links = await attempt(() => connection.read(link, thermalSubsystem, { lasting: true }));
    const metrics = links?.ThermalMetrics;
    const fans = links?.Fans;
    return {
      ...(missing.temperatures && metrics != null
        ? { temperatures: await attempt(() => fromMetrics(connection, metrics)) }
        : {}),
      ...(missing.fans && fans != null ? { fans: await attempt(() => fromFans(connection, fans)) } : {}),
    };
  };
}

async function fromThermal(connection: Connection, link: string): Promise<Readings> {
  const read = await connection.read(link, thermal);
  return {
    temperatures: read.Temperatures.map((each, index) => ({
      name: each.Name?.trim() || `Temperature ${each.MemberId ?? index}`,
      uri: each['@odata.id'] ?? `${link}#/Temperatures/${index}`,
      unit: 'celsius' as const,
      ...readingAndHealth(each.ReadingCelsius, each.Status),
      ...thresholds(each.UpperThresholdNonCritical, each.UpperThresholdCritical),
    })),
    fans: read.Fans.map((each, index) => ({
      name: (each.Name ?? each.FanName)?.trim() || `Fan ${each.MemberId ?? index}`,
      uri: each['@odata.id'] ?? `${link}#/Fans/${index}`,
      unit: /percent/i.test(each.ReadingUnits ?? each.Units ?? '') ? ('percent' as const) : ('rpm' as const),
      ...readingAndHealth(each.Reading ?? each.CurrentReading, each.Status),
    })),
  };
}

/** ThermalMetrics has bare numbers; health and thresholds are in the sensor behind each one. */
async function fromMetrics(connection: Connection, link: string): Promise<SensorReading[]> {
  const read = await connection.read(link, thermalMetrics);
  return Promise.all(
    read.TemperatureReadingsCelsius.map(async (each, index): Promise<SensorReading> => {
      const uri = each.DataSourceUri ?? `${link}#/TemperatureReadingsCelsius/${index}`;
      const bare: SensorReading = {
        name: each.DeviceName?.trim() || lastSegment(uri),
        uri,
        reading: readingFact(each.Reading, undefined),
        unit: 'celsius',
        health: unknown('the BMC gives no health of the sensor'),
      };
      if (each.DataSourceUri == null) return bare;
      try {
        const source = await connection.read(each.DataSourceUri, sensor);
        return {
          ...bare,
          name: source.Name?.trim() || bare.name,
          ...readingAndHealth(source.Reading ?? each.Reading, source.Status),
          ...thresholds(source.Thresholds?.UpperCaution?.Reading, source.Thresholds?.UpperCritical?.Reading),
        };
      } catch (error) {
        return { ...bare, health: unknown(reasonOf(error)) };
      }
    }),
  );
}

async function fromFans(connection: Connection, link: string): Promise<SensorReading[]> {
  return (await readMembers(connection, link, fan, { gone: 'unread' })).map((read): SensorReading => {
    const { uri } = read;
    if ('unread' in read) return blank({ name: lastSegment(uri), uri, unit: 'rpm' }, read.unread);
    const { Name: name, SpeedPercent: speed, Status: status } = read.found;
    // Some BMCs put the speed into the percentage too, so the speed goes first.
    const [value, unit]: [number | null | undefined, Unit] =
      speed?.SpeedRPM != null ? [speed.SpeedRPM, 'rpm'] : [speed?.Reading, 'percent'];
    return { name: name?.trim() || lastSegment(uri), uri, unit, ...readingAndHealth(value, status) };
  });
}

function readingAndHealth(value: number | null | undefined, status: Status): Pick<SensorReading, 'reading' | 'health'> {
  const reading = readingFact(value, status);
  return { reading, health: sensorHealthFact(status, reading) };
}

/** One sensor may be listed by the chassis it is in and by the one around it. */
function unique(readings: SensorReading[]): SensorReading[] {
  return [...new Map(readings.map(each => [`${each.uri} ${each.unit}`, each])).values()];
}

/** Zero or less is how some BMCs write "no threshold". */
function thresholds(caution: number | null | undefined, critical: number | null | undefined) {
  return {
    ...(caution != null && caution > 0 ? { upperCaution: caution } : {}),
    ...(critical != null && critical > 0 ? { upperCritical: critical } : {}),
  };
}

function unreadable(uri: string, reason: string): Readings {
  const name = lastSegment(uri);
  return {
    temperatures: [blank({ name: `${name} (temperatures)`, uri, unit: 'celsius' }, reason)],
    fans: [blank({ name: `${name} (fans)`, uri, unit: 'rpm' }, reason)],
  };
}

function blank(what: { name: string; uri: string; unit: Unit }, reason: string): SensorReading {
  return { ...what, reading: unknown(reason), health: unknown(reason) };
}
