/**
 * Every sensor of a server, each once. What a BMC shows of them is spread over
 * up to five places of unequal worth: the collection of sensors has the most
 * kinds and may lack the fans (iLO) or most voltages (iDRAC); `Thermal` and
 * `Power` are whole in one answer, and gone on newer BMCs. So the collection
 * is read first, `Thermal` and `Power` complete it, and the newer subsystems
 * are asked for what is missing then. For an inventory: too dear for samples.
 */
import { type Fact, known, unknown } from '../../core/bmc.ts';
import { FleetError } from '../../core/errors.ts';
import { type Sensor, sensorKinds } from '../../core/hardware.ts';
import { askAgain } from './ask-again.ts';
import type { Connection } from './connection.ts';
import { isAbsent, reasonOf } from './facts.ts';
import { plain } from './links.ts';
import { fromEnvironment, fromThermalMetrics } from './read-excerpts.ts';
import { idOf, named, readMembers } from './read-members.ts';
import { bare, believed, leakHealth, ofBody, ofEntries, unreadPlace } from './sensor-forms.ts';
import {
  coolingSubsystem,
  fanBody,
  leakDetection,
  leakDetector,
  powerLists,
  sensorBody,
  thermalLists,
} from './sensor-schema.ts';
import { merged, type Sighting } from './sensor-sightings.ts';
import { readChassis, type ServerChassis, type Topology } from './topology.ts';

type ReadableChassis = Exclude<ServerChassis, { unread: string }>;

/** Kind by kind, absent ones left out. A place that cannot be read is one sensor of kind `unread`. */
export async function readSensors(connection: Connection, topology: Topology): Promise<Fact<Sensor[]>> {
  const chassis = await readChassis(connection, topology);
  const shown = await Promise.all(
    chassis.map(each =>
      'unread' in each ? [unreadPlace(each.uri, idOf(each.uri), each.unread)] : ofChassis(connection, each),
    ),
  );
  // A sensor may be listed by the chassis that it is in and by the one around it.
  const sensors = shown.flat().map(({ sensor }) => believed(sensor));
  const once = [...new Map(sensors.map(each => [`${plain(each.uri)} ${each.kind}`, each])).values()];
  return once.length > 0 ? known(toldApart(once)) : unknown('the BMC lists no sensors');
}

async function ofChassis(connection: Connection, chassis: ReadableChassis): Promise<Sighting[]> {
  const place = (what: string) => `${idOf(chassis.uri)} (${what})`;
  const [listed, thermal, power, cooling] = await Promise.all([
    orUnread(place('sensors'), chassis.sensors, link => fromCollection(connection, link)),
    orUnread(place('Thermal'), chassis.thermal, link => askAgain(() => fromThermal(connection, link))),
    orUnread(place('Power'), chassis.power, link => fromPower(connection, link)),
    orUnread(place('cooling'), chassis.thermalSubsystem, link => fromLeakDetection(connection, link)),
  ]);
  const first = merged(listed, [...thermal, ...power, ...cooling]);
  const second = [...first, ...(await missingCooling(connection, chassis, first))];
  const environment = await orUnread(place('environment'), chassis.environmentMetrics, link =>
    fromEnvironment(connection, link, second),
  );
  return [...second, ...environment];
}

/** What the link leads to; nothing where there is nothing. */
async function orUnread(
  name: string,
  link: string | undefined,
  read: (link: string) => Promise<Sighting[]>,
): Promise<Sighting[]> {
  if (link === undefined) return [];
  try {
    return await read(link);
  } catch (error) {
    const reason = reasonOf(error);
    return FleetError.from(error).code === 'not_found' ? [] : [unreadPlace(link, name, reason)];
  }
}

async function fromCollection(connection: Connection, link: string): Promise<Sighting[]> {
  const read = await readMembers(connection, link, sensorBody);
  return read.flatMap(each =>
    'unread' in each ? [unreadPlace(each.uri, idOf(each.uri), each.unread)] : ofBody(each.uri, each.found),
  );
}

async function fromThermal(connection: Connection, link: string): Promise<Sighting[]> {
  const { Temperatures, Fans } = await connection.read(link, thermalLists);
  return [...ofEntries({ list: 'Temperatures', link }, Temperatures), ...ofEntries({ list: 'Fans', link }, Fans)];
}

async function fromPower(connection: Connection, link: string): Promise<Sighting[]> {
  const { Voltages, PowerControl } = await connection.read(link, powerLists);
  return [
    ...ofEntries({ list: 'Voltages', link }, Voltages),
    ...ofEntries({ list: 'PowerControl', link }, PowerControl),
  ];
}

/** Detectors of leaks in a cooling loop. */
async function fromLeakDetection(connection: Connection, link: string): Promise<Sighting[]> {
  const { LeakDetection } = await connection.read(link, coolingSubsystem, { lasting: true });
  if (LeakDetection == null) return [];
  const { LeakDetectors } = await connection.read(LeakDetection, leakDetection, { lasting: true });
  if (LeakDetectors == null) return [];
  const read = await readMembers(connection, LeakDetectors, leakDetector);
  return read.flatMap(each => {
    const { uri } = each;
    if ('unread' in each) return [unreadPlace(uri, idOf(uri), each.unread)];
    const { Name, DetectorState, Status } = each.found;
    if (isAbsent(Status)) return [];
    const shown = bare({ uri, name: Name?.trim() || idOf(uri), kind: 'leak', unit: '' }, undefined);
    return [{ ...shown, sensor: { ...shown.sensor, health: leakHealth(Status, DetectorState) } }];
  });
}

/** Fans and temperatures of the newer subsystem, where the chassis has shown none. */
async function missingCooling(
  connection: Connection,
  { uri, thermalSubsystem: link }: ReadableChassis,
  found: Sighting[],
): Promise<Sighting[]> {
  const lacks = (kind: Sensor['kind']) => !found.some(({ sensor }) => sensor.kind === kind);
  return orUnread(`${idOf(uri)} (cooling)`, link, async subsystem => {
    const { Fans, ThermalMetrics } = await connection.read(subsystem, coolingSubsystem, { lasting: true });
    const [fans, temperatures] = await Promise.all([
      Fans == null || !lacks('fan') ? [] : fromFans(connection, Fans),
      ThermalMetrics == null || !lacks('temperature') ? [] : fromThermalMetrics(connection, ThermalMetrics, found),
    ]);
    return [...fans, ...temperatures];
  });
}

async function fromFans(connection: Connection, link: string): Promise<Sighting[]> {
  const read = await readMembers(connection, link, fanBody);
  return read.flatMap(each => {
    if ('unread' in each) return [unreadPlace(each.uri, idOf(each.uri), each.unread)];
    const { SpeedPercent: speed, ...body } = each.found;
    // Some BMCs put the speed into the percentage too, so the speed goes first.
    const turns = speed?.SpeedRPM != null;
    const measure = turns ? { ReadingUnits: 'RPM', Reading: speed.SpeedRPM } : { ReadingUnits: '%', SpeedRPM: 0 };
    return ofBody(each.uri, {
      ...body,
      ReadingType: null,
      Reading: speed?.Reading,
      SpeedRPM: null,
      PhysicalSubContext: null,
      Thresholds: null,
      ...measure,
    });
  });
}

/** Within a kind no two have the same name; a voltage and a current may. */
function toldApart(sensors: Sensor[]): Sensor[] {
  return sensorKinds.flatMap(kind => named(sensors.filter(each => each.kind === kind)));
}
