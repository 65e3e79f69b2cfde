/**
 * Groups of fans and of power supplies of which one may fail. They stand in the resources that samples read anyway, so they
 * cost nothing: the older form's where a chassis has it, else the newer's, which may be some minutes old.
 */
import { type Fact, known } from '../../core/bmc.ts';
import type { RedundancyGroup } from '../../core/hardware.ts';
import { askAgain } from './ask-again.ts';
import type { Connection } from './connection.ts';
import { healthFact, reasonOf, textFact } from './facts.ts';
import { power, powerSubsystem } from './hardware-schema.ts';
import { lastSegment } from './links.ts';
import { type Redundancies, thermal, thermalSubsystem } from './schema.ts';
import { readChassis, type ServerChassis, type Topology } from './topology.ts';

/** A place that cannot be read has none; that its fans or supplies were not read is told beside. */
export async function readRedundancy(connection: Connection, topology: Topology): Promise<Fact<RedundancyGroup[]>> {
  const { newerThermalFirst } = topology.profile;
  const chassis = (await readChassis(connection, topology)).flatMap(each => ('unread' in each ? [] : [each]));
  const found = await Promise.all(
    chassis.flatMap(each => [fansOf(connection, each, newerThermalFirst ?? false), suppliesOf(connection, each)]),
  );
  return known(found.flat());
}

type Read = Exclude<ServerChassis, { unread: string }>;

async function fansOf(connection: Connection, chassis: Read, newerFirst: boolean): Promise<RedundancyGroup[]> {
  const { thermal: older, thermalSubsystem: newer } = chassis;
  if (newer !== undefined && (newerFirst || older === undefined))
    return groups(
      'fans',
      newer,
      async () => (await connection.read(newer, thermalSubsystem, { lasting: true })).FanRedundancy,
    );
  if (older === undefined) return [];
  return groups('fans', older, () => askAgain(async () => (await connection.read(older, thermal)).Redundancy));
}

async function suppliesOf(connection: Connection, { power: older, powerSubsystem: newer }: Read) {
  if (older !== undefined)
    return groups('supplies', older, async () => (await connection.read(older, power)).Redundancy);
  if (newer === undefined) return [];
  const read = async () => (await connection.read(newer, powerSubsystem, { lasting: true })).PowerSupplyRedundancy;
  return groups('supplies', newer, read);
}

async function groups(
  of: RedundancyGroup['of'],
  place: string,
  read: () => Promise<Redundancies>,
): Promise<RedundancyGroup[]> {
  try {
    return (await read()).map((group, index) => {
      const name = textFact(group.Name ?? group.GroupName, 'name');
      return {
        of,
        uri: group['@odata.id'] ?? `${place}#/Redundancy/${index}`,
        name: 'value' in name ? name.value : `${lastSegment(place)} ${index + 1}`,
        health: healthFact(group.Status, 'redundancy'),
      };
    });
  } catch (error) {
    reasonOf(error);
    return [];
  }
}
