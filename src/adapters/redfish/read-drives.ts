/**
 * Physical drives. Several links may name one drive, and a BMC may show it
 * under several addresses; it is listed once. Volumes are no drives.
 */
import { type Fact, known, unknown } from '../../core/bmc.ts';
import { FleetError } from '../../core/errors.ts';
import type { Drive } from '../../core/hardware.ts';
import type { Connection } from './connection.ts';
import { healthFact, isAbsent, reasonOf, sizeFact, textFact } from './facts.ts';
import { type DriveBody, drive, simpleStorage } from './hardware-schema.ts';
import { lastSegment } from './links.ts';
import { named, type ReadMember, readMembers } from './read-members.ts';
import type { ComputerSystem } from './schema.ts';

/** The drives of every storage subsystem; where there is none, what SimpleStorage tells of its devices. */
export async function readDrives(connection: Connection, system: ComputerSystem): Promise<Fact<Drive[]>> {
  if (system.Storage == null && system.SimpleStorage == null) return unknown('the BMC links no storage');
  const drives = system.Storage == null ? [] : await ofStorage(connection, system.Storage);
  const found =
    drives.length > 0 || system.SimpleStorage == null
      ? drives
      : await ofSimpleStorage(connection, system.SimpleStorage);
  return found.length > 0 ? known(named(once(found))) : unknown('the BMC lists no drives');
}

async function ofStorage(connection: Connection, link: string): Promise<Drive[]> {
  const { members } = await connection.members(link, { lasting: true });
  const subsystems = await Promise.all(members.map(({ uri }) => ofSubsystem(connection, uri)));
  return subsystems.flat();
}

/** A subsystem that cannot be read appears as one drive of which nothing is known: it may have some. */
async function ofSubsystem(connection: Connection, uri: string): Promise<Drive[]> {
  try {
    const read = await readMembers(connection, uri, drive, { list: 'Drives' });
    return read.filter(each => !('found' in each && isAbsent(each.found.Status))).map(driveOf);
  } catch (error) {
    const reason = reasonOf(error);
    return FleetError.from(error).code === 'not_found' ? [] : [blank(uri, reason)];
  }
}

async function ofSimpleStorage(connection: Connection, link: string): Promise<Drive[]> {
  const read = await readMembers(connection, link, simpleStorage);
  return read.flatMap(each =>
    'unread' in each
      ? [blank(each.uri, each.unread)]
      : each.found.Devices.flatMap((device, index) => {
          const uri = `${each.uri}#/Devices/${index}`;
          return isAbsent(device.Status) ? [] : [driveOf({ uri, found: { ...nothingMore, ...device } })];
        }),
  );
}

/** What SimpleStorage has no words for. */
const nothingMore = {
  SerialNumber: null,
  MediaType: null,
  Protocol: null,
  FailurePredicted: null,
  PredictedMediaLifeLeftPercent: null,
  Revision: null,
  FirmwareVersion: null,
};

function driveOf(read: ReadMember<DriveBody>): Drive {
  if ('unread' in read) return blank(read.uri, read.unread);
  const { uri, found } = read;
  return {
    uri,
    name: found.Name?.trim() || lastSegment(uri),
    model: textFact(found.Model, 'model of the drive'),
    serial: textFact(found.SerialNumber, 'serial of the drive'),
    capacityBytes: sizeFact(found.CapacityBytes, 'capacity of the drive'),
    media: mediaFact(found.MediaType),
    protocol: textFact(found.Protocol, 'protocol of the drive'),
    predictedFailure:
      found.FailurePredicted == null
        ? unknown('the BMC does not say whether the drive predicts its failure')
        : known(found.FailurePredicted),
    lifeLeftPercent: percentFact(found.PredictedMediaLifeLeftPercent),
    firmware: firmwareFact(found),
    health: healthFact(found.Status, 'drive'),
  };
}

function blank(uri: string, reason: string): Drive {
  const why = unknown(reason);
  return {
    uri,
    name: lastSegment(uri),
    model: why,
    serial: why,
    capacityBytes: why,
    media: why,
    protocol: why,
    predictedFailure: why,
    lifeLeftPercent: why,
    firmware: why,
    health: why,
  };
}

function once(drives: Drive[]): Drive[] {
  const identity = ({ uri, model, serial }: Drive) =>
    'value' in serial ? `${serial.value} ${'value' in model ? model.value : ''}` : uri;
  return [...new Map(drives.toReversed().map(each => [identity(each), each])).values()].toReversed();
}

/** Newer models of the resource have a property of their own; `Revision` is the version on every BMC that is known. */
function firmwareFact({ FirmwareVersion: firmware, Revision: revision }: DriveBody): Fact<string> {
  const [shown, other] = [firmware, revision].map(value => textFact(value, 'firmware version of the drive'));
  if (shown === undefined || other === undefined) return unknown('not read');
  if ('unknown' in shown) return other;
  const differ = 'value' in other && other.value !== shown.value;
  return differ ? unknown(`the drive shows two versions, ${shown.value} and ${other.value}`) : shown;
}

function mediaFact(value: string | null | undefined): Drive['media'] {
  if (/^(hdd|smr)$/i.test(value ?? '')) return known('hdd');
  return /^ssd$/i.test(value ?? '') ? known('ssd') : unknown('the BMC gives no kind of media');
}

function percentFact(value: number | null | undefined): Fact<number> {
  return value != null && value >= 0 && value <= 100 ? known(value) : unknown('the BMC gives no wear of the drive');
}
