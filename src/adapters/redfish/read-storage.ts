/**
 * What an update of drives stands on: each drive with the version that it runs, and what is built on them. A drive and the
 * active member of the firmware inventory have to agree: iLO lists drives by no link that it cannot update.
 */
import {
  type Fact,
  type FirmwareMember,
  factValue,
  type HealthLevel,
  known,
  showFact,
  unknown,
} from '../../core/bmc.ts';
import type { Drive, Storage, Volume } from '../../core/hardware.ts';
import type { Connection } from './connection.ts';
import { factOf, healthFact, reasonOf } from './facts.ts';
import { subsystem, volume } from './hardware-schema.ts';
import { lastSegment, sameResource } from './links.ts';
import { readDrives } from './read-drives.ts';
import { readFirmware } from './read-firmware.ts';
import { readMembers } from './read-members.ts';
import { readSystem } from './read-system.ts';
import type { ComputerSystem } from './schema.ts';
import type { Topology } from './topology.ts';
import { sameVersion } from './version-agreement.ts';

/** Throws when the system or the firmware inventory cannot be read at all. */
export async function readStorage(connection: Connection, topology: Topology): Promise<Storage> {
  const system = await readSystem(connection, topology);
  const [drives, volumes] = await Promise.all([
    readFirmware(connection, topology).then(members => drivesWith(connection, system, members)),
    factOf(async () => known(await readVolumes(connection, system.Storage))),
  ]);
  return {
    drives,
    volumes,
    selective: topology.profile.update.drive?.namesDrives ?? false,
  };
}

/** The drives, with the versions that these members of the inventory bear out. */
export async function drivesWith(
  connection: Connection,
  system: ComputerSystem,
  members: FirmwareMember[],
): Promise<Fact<Drive[]>> {
  const listed = members.filter(({ state, component }) => state === 'active' && component === 'drive');
  const drives = await factOf(() => readDrives(connection, system));
  return 'value' in drives ? known(drives.value.map(drive => agreed(drive, listed))) : drives;
}

function agreed(drive: Drive, listed: FirmwareMember[]): Drive {
  const own = listed.filter(member => member.drive !== undefined && isOf(member.drive, drive.uri));
  if ('unknown' in drive.firmware) return drive;
  const { value } = drive.firmware;
  if (own.length === 0) return { ...drive, firmware: unknown('the firmware inventory does not list it as updateable') };
  const other = own.find(({ version }) => !sameVersion(factValue(version), value));
  if (other === undefined) return drive;
  const why = `it runs ${value}, and the firmware inventory says ${showFact(other.version)}`;
  return { ...drive, firmware: unknown(why) };
}

function isOf(link: string, uri: string): boolean {
  return link.includes('/') ? sameResource(link, uri) : link === lastSegment(uri);
}

async function readVolumes(connection: Connection, link: string | null | undefined): Promise<Volume[]> {
  if (link == null) return [];
  const subsystems = await readMembers(connection, link, subsystem);
  const read = await Promise.all(
    subsystems.map(async each => {
      if ('unread' in each) return [unread(each.uri, each.unread)];
      const { Volumes: volumes } = each.found;
      if (volumes == null) return [];
      return readOf(connection, volumes).catch(error => [unread(volumes, reasonOf(error))]);
    }),
  );
  return read.flat();
}

async function readOf(connection: Connection, link: string): Promise<Volume[]> {
  const members = await readMembers(connection, link, volume);
  return members.map(member => {
    if ('unread' in member) return unread(member.uri, member.unread);
    const { uri, found } = member;
    const [work] = found.Operations;
    return {
      uri,
      name: found.Name?.trim() || lastSegment(uri),
      health: healthFact(found.Status, 'volume'),
      busy: work && (work.OperationName?.trim() || work.Operation?.trim() || 'some operation'),
    };
  });
}

/** It may be one that is being rebuilt. */
function unread(uri: string, reason: string): Volume {
  const health: Fact<HealthLevel> = unknown(reason);
  return { uri, name: lastSegment(uri), health, busy: undefined };
}
