/**
 * Finds what belongs to the server among everything its BMC serves, by links
 * from the service root alone. One BMC may serve several systems (Cray), parts
 * that call themselves systems (HGX baseboards), and pretended ones
 * (composition templates).
 */
import { FleetError } from '../../core/errors.ts';
import { protocolError } from './answer.ts';
import type { Connection, ReadOptions } from './connection.ts';
import { reasonOf } from './facts.ts';
import { lastSegment, plain, sameResource } from './links.ts';
import type { VendorProfile } from './profiles/profile.ts';
import { readMembers } from './read-members.ts';
import { type ComputerSystem, chassis, computerSystem, type Manager, manager, serviceRoot } from './schema.ts';
import { profileOf } from './vendor.ts';

export type Topology = {
  profile: VendorProfile;
  systemUri: string;
  /** Other servers behind the same BMC. */
  neighbours: string[];
  /** Why it is not certain that `systemUri` is the server meant. */
  uncertain?: string;
  managerUris: string[];
  chassis?: string;
  updateService?: string;
  taskService?: string;
  eventService?: string;
};

type Candidate = { uri: string; system: ComputerSystem };

/** Reads service root, systems and managers. `declared` is the operator's choice where the BMC serves several systems. */
export async function discover(connection: Connection, declared: string | undefined): Promise<Topology> {
  const root = await connection.read('/redfish/v1/', serviceRoot);
  if (root.Systems == null) throw protocolError(`the service root of ${connection.url} links no Systems`);
  const candidates = await servers(connection, root.Systems);
  const chosen = choose(connection.url, candidates, declared);
  const managed = chosen.system.Links?.ManagedBy ?? [];
  const managerUris =
    managed.length > 0 || root.Managers == null
      ? managed
      : (await connection.members(root.Managers)).members.map(member => member.uri);
  const neighbours = candidates.map(each => each.uri).filter(uri => uri !== chosen.uri);
  const certain = neighbours.length === 0 || declared !== undefined;
  return {
    profile: profileOf(root, await readManagers(connection, managerUris)),
    systemUri: chosen.uri,
    neighbours,
    uncertain: certain
      ? undefined
      : `this BMC serves ${candidates.length} systems and none was declared as this server`,
    managerUris,
    chassis: root.Chassis ?? undefined,
    updateService: root.UpdateService ?? undefined,
    taskService: root.Tasks ?? undefined,
    eventService: root.EventService ?? undefined,
  };
}

/** The managers that can be read; one that cannot is left out. */
export async function readManagers(
  connection: Connection,
  uris: string[],
  options: ReadOptions = {},
): Promise<(Manager & { uri: string })[]> {
  const read = await Promise.all(
    uris.map(uri =>
      connection.read(uri, manager, options).then(
        found => ({ ...found, uri }),
        error => {
          reasonOf(error);
          return undefined;
        },
      ),
    ),
  );
  return read.filter(each => each !== undefined);
}

export type ServerChassis =
  | {
      uri: string;
      thermal?: string;
      thermalSubsystem?: string;
      power?: string;
      powerSubsystem?: string;
      sensors?: string;
      environmentMetrics?: string;
      networkAdapters?: string;
    }
  | { uri: string; unread: string };

/** The chassis that are this server's: all, but those of neighbours. */
export async function readChassis(connection: Connection, topology: Topology): Promise<ServerChassis[]> {
  if (topology.chassis === undefined) return [];
  const members = await readMembers(connection, topology.chassis, chassis, {
    lasting: true,
    each: { lasting: true },
  });
  return members.flatMap((member): ServerChassis[] => {
    if ('unread' in member) return [member];
    const { uri, found } = member;
    if (isNeighbours(topology, uri, found.Links?.ComputerSystems ?? [])) return [];
    return [
      {
        uri,
        thermal: found.Thermal ?? undefined,
        thermalSubsystem: found.ThermalSubsystem ?? undefined,
        power: found.Power ?? undefined,
        powerSubsystem: found.PowerSubsystem ?? undefined,
        sensors: found.Sensors ?? undefined,
        environmentMetrics: found.EnvironmentMetrics ?? undefined,
        networkAdapters: found.NetworkAdapters ?? undefined,
      },
    ];
  });
}

function isNeighbours(topology: Topology, chassisUri: string, systems: string[]): boolean {
  const names = (uri: string) => systems.some(system => sameResource(system, uri));
  if (names(topology.systemUri)) return false;
  const sameId = (uri: string) => lastSegment(uri).toLowerCase() === lastSegment(chassisUri).toLowerCase();
  return topology.uncertain === undefined && topology.neighbours.some(uri => names(uri) || sameId(uri));
}

/** Systems that can be reset; where none can, physical ones; else whatever there is. */
async function servers(connection: Connection, systems: string): Promise<Candidate[]> {
  const { members } = await connection.members(systems);
  const all = await Promise.all(
    members.map(async ({ uri }) => ({ uri, system: await connection.read(uri, computerSystem) })),
  );
  const resettable = all.filter(({ system }) => system.Actions?.['#ComputerSystem.Reset']?.target != null);
  if (resettable.length > 0) return resettable;
  const physical = all.filter(({ system }) => system.SystemType === 'Physical');
  return physical.length > 0 ? physical : all;
}

function choose(url: string, candidates: Candidate[], declared: string | undefined): Candidate {
  const chosen = declared === undefined ? candidates[0] : candidates.find(each => plain(each.uri) === plain(declared));
  if (chosen !== undefined) return chosen;
  if (declared === undefined) throw protocolError(`${url} serves no ComputerSystem`);
  throw new FleetError({
    code: 'invalid_config',
    message: `${url} serves no system at the declared address`,
    hint: 'Declare the URI of a ComputerSystem that this BMC lists.',
  });
}
