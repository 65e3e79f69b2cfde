/** The firmware inventory, with the verdict of the vendor profile on which members run. */
import type { z } from 'zod';
import { type FirmwareMember, unknown } from '../../core/bmc.ts';
import { FleetError } from '../../core/errors.ts';
import type { Connection, Member } from './connection.ts';
import { reasonOf, textFact } from './facts.ts';
import { lastSegment, plain } from './links.ts';
import type { FirmwareClues, RunningFirmware } from './profiles/profile.ts';
import { computerSystem, softwareInventory, updateService } from './schema.ts';
import { readManagers, type Topology } from './topology.ts';

type Listing = Member<z.infer<typeof softwareInventory>>;
/** `fixed`: its BMC says that it cannot be updated. */
type Read = { clues: FirmwareClues; unread?: string; fixed?: boolean };

/** Every member of the inventory. Throws bmc_refused when the BMC keeps none. */
export async function readFirmware(connection: Connection, topology: Topology): Promise<FirmwareMember[]> {
  if (topology.updateService === undefined) throw noInventory(connection.url);
  const service = await connection.read(topology.updateService, updateService);
  const inventory = service.FirmwareInventory ?? service.SoftwareInventory;
  if (inventory == null) throw noInventory(connection.url);
  const { members, complete } = await connection.members(inventory, { slow: true, expand: 1, of: softwareInventory });
  if (!complete) {
    throw new FleetError({ code: 'bmc_protocol', message: `the firmware inventory of ${connection.url} does not end` });
  }
  const read = await Promise.all(members.map(member => readMember(connection, member)));
  const present = read.filter(each => each !== undefined);
  const verdicts = topology.profile.classify(
    present.map(each => each.clues),
    await runningFirmware(connection, topology),
  );
  return present.map(({ clues, unread, fixed }, index) => {
    const verdict = verdicts[index] ?? { state: 'unknown' };
    return {
      uri: clues.uri,
      id: clues.id,
      name: clues.name,
      version: unread !== undefined ? unknown(unread) : textFact(clues.version, 'version'),
      // What could not be read proves nothing, whatever its Id suggests.
      state: unread !== undefined && verdict.state === 'active' ? 'unknown' : verdict.state,
      ...(verdict.component === undefined ? {} : { component: verdict.component }),
      ...(verdict.drive === undefined || fixed ? {} : { drive: verdict.drive }),
    };
  });
}

async function readMember(connection: Connection, { uri, whole, inline }: Listing): Promise<Read | undefined> {
  const id = lastSegment(uri);
  try {
    const read = whole ? inline : await connection.read(uri, softwareInventory, { slow: true });
    const name = read.Name?.trim() || id;
    return {
      fixed: read.Updateable === false,
      clues: {
        uri,
        id: read.Id ?? id,
        name,
        version: read.Version?.trim(),
        state: read.Status?.State ?? undefined,
        related: read.RelatedItem,
      },
    };
  } catch (error) {
    const unread = reasonOf(error);
    if (FleetError.from(error).code === 'not_found') return undefined;
    return { clues: { uri, id, name: id, related: [] }, unread };
  }
}

/** While it is uncertain which server is meant, no BIOS version may vouch for a member. */
async function runningFirmware(connection: Connection, topology: Topology): Promise<RunningFirmware> {
  const [system, managers] = await Promise.all([
    connection.read(topology.systemUri, computerSystem),
    readManagers(connection, topology.managerUris),
  ]);
  const bios = textFact(system.BiosVersion, 'BIOS version');
  const certain = topology.uncertain === undefined && 'value' in bios;
  return {
    systemId: topology.uncertain === undefined ? (system.Id ?? undefined) : undefined,
    biosVersion: certain ? bios.value : undefined,
    managerVersions: managers.map(each => each.FirmwareVersion).filter(each => each != null),
    activeImages: new Set(
      managers
        .map(each => each.Links?.ActiveSoftwareImage)
        .filter(each => each != null)
        .map(plain),
    ),
  };
}

function noInventory(url: string): FleetError {
  return new FleetError({
    code: 'bmc_refused',
    message: `${url} keeps no firmware inventory`,
    hint: 'Without it no version can be proved on this server.',
  });
}
