/**
 * Network ports. The system lists interfaces as an operating system sees them,
 * the chassis lists adapters with their ports; both may tell of one MAC
 * address, and either may be missing. The BMC's own interface is with its
 * manager, and is not read.
 */
import { type Fact, known, unknown } from '../../core/bmc.ts';
import { FleetError } from '../../core/errors.ts';
import type { NetworkPort } from '../../core/hardware.ts';
import type { Connection } from './connection.ts';
import { healthFact, isAbsent, reasonOf, sizeFact } from './facts.ts';
import { deviceFunction, ethernetInterface, networkAdapter, networkPort } from './hardware-schema.ts';
import { lastSegment } from './links.ts';
import { named, type ReadMember, readMembers } from './read-members.ts';
import type { ComputerSystem, Status } from './schema.ts';
import { readChassis, type ServerChassis, type Topology } from './topology.ts';

/** One entry for each MAC address; what has none is listed too. */
export async function readNetwork(
  connection: Connection,
  system: ComputerSystem,
  topology: Topology,
): Promise<Fact<NetworkPort[]>> {
  const chassis = await readChassis(connection, topology);
  const [interfaces, ...ports] = await Promise.all([
    ofSystem(connection, system),
    ...chassis.map(each => ofChassis(connection, each)),
  ]);
  const found = merged([...interfaces, ...ports.flat()]);
  return found.length > 0 ? known(named(found)) : unknown('the BMC lists no network ports');
}

async function ofSystem(connection: Connection, { EthernetInterfaces: link }: ComputerSystem): Promise<NetworkPort[]> {
  if (link == null) return [];
  const read = await orBlank(link, () => readMembers(connection, link, ethernetInterface));
  return read.flatMap(each =>
    portOf(each, ({ Name, PermanentMACAddress, MACAddress, LinkStatus, SpeedMbps, Status }) => ({
      name: Name,
      // On a bond the current address is that of another port.
      macs: [PermanentMACAddress, MACAddress],
      link: LinkStatus,
      mbps: SpeedMbps,
      status: Status,
    })),
  );
}

async function ofChassis(connection: Connection, chassis: ServerChassis): Promise<NetworkPort[]> {
  if ('unread' in chassis) return [blank(chassis.uri, chassis.unread)];
  const { networkAdapters: link } = chassis;
  if (link === undefined) return [];
  const adapters = await orBlank(link, () => readMembers(connection, link, networkAdapter));
  const ports = await Promise.all(
    adapters.map(async adapter => {
      if ('unread' in adapter) return [blank(adapter.uri, adapter.unread)];
      const { Ports, NetworkPorts, NetworkDeviceFunctions } = adapter.found;
      const first = Ports == null ? [] : await portsOf(connection, Ports);
      const ports = first.length > 0 || NetworkPorts == null ? first : await portsOf(connection, NetworkPorts);
      const functions = NetworkDeviceFunctions == null ? [] : await functionsOf(connection, NetworkDeviceFunctions);
      return [...ports, ...functions];
    }),
  );
  return ports.flat();
}

async function portsOf(connection: Connection, link: string): Promise<NetworkPort[]> {
  const read = await orBlank(link, () => readMembers(connection, link, networkPort));
  return read.flatMap(each =>
    portOf(each, found => ({
      name: found.Name,
      macs: [...(found.Ethernet?.AssociatedMACAddresses ?? []), ...found.AssociatedNetworkAddresses],
      link: found.LinkStatus,
      mbps: found.CurrentSpeedGbps == null ? found.CurrentLinkSpeedMbps : found.CurrentSpeedGbps * 1000,
      status: found.Status,
    })),
  );
}

/** Some adapters leave a port out of their list, and still give its address here. A function without one is no port. */
async function functionsOf(connection: Connection, link: string): Promise<NetworkPort[]> {
  const read = await orBlank(link, () => readMembers(connection, link, deviceFunction));
  const found = read.flatMap(each =>
    portOf(each, ({ Name, Ethernet, Status }) => ({
      name: Name,
      macs: [Ethernet?.PermanentMACAddress, Ethernet?.MACAddress],
      link: undefined,
      mbps: undefined,
      status: Status,
    })),
  );
  return found.filter(each => 'value' in each.mac);
}

/** A list that cannot be read is one unknown entry; one that is not there is empty. */
async function orBlank<T>(uri: string, read: () => Promise<ReadMember<T>[]>): Promise<ReadMember<T>[]> {
  try {
    return await read();
  } catch (error) {
    const unread = reasonOf(error);
    return FleetError.from(error).code === 'not_found' ? [] : [{ uri, unread }];
  }
}

type Words = {
  name: string | null | undefined;
  /** Best first. */
  macs: (string | null | undefined)[];
  link: string | null | undefined;
  mbps: number | null | undefined;
  status: Status;
};

function portOf<T>(read: ReadMember<T>, wordsOf: (found: T) => Words): NetworkPort[] {
  if ('unread' in read) return [blank(read.uri, read.unread)];
  const words = wordsOf(read.found);
  if (isAbsent(words.status)) return [];
  const [mac] = words.macs.map(macOf).filter(each => each !== undefined);
  return [
    {
      uri: read.uri,
      name: words.name?.trim() || lastSegment(read.uri),
      mac: mac === undefined ? unknown('the BMC gives no MAC address') : known(mac),
      linkUp: linkFact(words.link),
      speedMbps: sizeFact(words.mbps, 'speed of the link'),
      health: healthFact(words.status, 'network port'),
    },
  ];
}

function blank(uri: string, reason: string): NetworkPort {
  const why = unknown(reason);
  return { uri, name: lastSegment(uri), mac: why, linkUp: why, speedMbps: why, health: why };
}

/** The first that tells of an address keeps its name; what it does not know comes from the others. */
function merged(ports: NetworkPort[]): NetworkPort[] {
  const found = new Map<string, NetworkPort>();
  for (const port of ports) {
    const key = 'value' in port.mac ? port.mac.value : port.uri;
    const first = found.get(key);
    found.set(key, first === undefined ? port : completed(first, port));
  }
  return [...found.values()];
}

function completed(first: NetworkPort, other: NetworkPort): NetworkPort {
  return {
    ...first,
    linkUp: 'value' in first.linkUp ? first.linkUp : other.linkUp,
    speedMbps: 'value' in first.speedMbps ? first.speedMbps : other.speedMbps,
    health: 'value' in first.health ? first.health : other.health,
  };
}

function macOf(value: string | null | undefined): string | undefined {
  const digits = (value ?? '').replace(/[:.\s-]/g, '').toLowerCase();
  if (!/^[0-9a-f]{12}$/.test(digits) || /^(0+|f+)$/.test(digits)) return undefined;
  return digits.match(/../g)?.join(':');
}

function linkFact(value: string | null | undefined): Fact<boolean> {
  if (/^(link)?up$/i.test(value ?? '')) return known(true);
  return /^((link)?down|nolink)$/i.test(value ?? '')
    ? known(false)
    : unknown('the BMC does not say whether there is a link');
}
