/**
 * What a captured machine is made of, told from the types of its documents and
 * their place in the tree. Follows no link, so that it errs in other ways than
 * the product does.
 */
import type { Resource, Tree } from './capture-server.ts';

export type NaiveInventory = {
  processors: { ids: string[]; cores: number; gpus: number };
  memory: { ids: string[]; mib: number };
  drives: { serials: string[]; count: number; bytes: number };
  /** Sorted, each once. */
  macs: string[];
  powerSupplies: { count: number; watts: number; inputWatts: number; outputWatts: number };
  /** `id version`, sorted. */
  firmware: string[];
};

/** `system` is the URI of the ComputerSystem, lower case; `strangers` are parts of paths that belong to other servers. */
export function naiveInventory(tree: Tree, system: string, strangers: RegExp): NaiveInventory {
  const all = [...tree].filter(([uri]) => !/\/(settings|sd|pending)$/.test(uri) && !strangers.test(uri));
  const of = (type: string, within = '') =>
    all
      .filter(([uri, body]) => typeOf(body) === type && uri.startsWith(within) && state(body) !== 'Absent')
      .map(([uri, body]) => ({ id: uri.split('/').at(-1) ?? '', body }));

  const processors = of('Processor', `${system}/processors/`);
  const memory = of('Memory', `${system}/memory/`);
  const drives = [...new Map(of('Drive').map(({ body }) => [body.SerialNumber, body])).values()];
  const devices = of('SimpleStorage', system).flatMap(({ body }) => (body.Devices as Resource[] | undefined) ?? []);
  const present = drives.length > 0 ? drives : devices.filter(each => state(each) !== 'Absent');
  const interfaces = of('EthernetInterface', system).map(({ body }) => body.PermanentMACAddress || body.MACAddress);
  const ports = [...of('Port'), ...of('NetworkPort')].flatMap(({ body }) => firstMac(body));
  const functions = of('NetworkDeviceFunction').map(({ body }) => {
    const ethernet = body.Ethernet as Resource | null | undefined;
    return ethernet?.PermanentMACAddress ?? ethernet?.MACAddress;
  });
  const supplies = of('Power', '/redfish/v1/chassis/')
    .flatMap(({ body }) => (body.PowerSupplies as Resource[] | undefined) ?? [])
    .filter(each => state(each) !== 'Absent');
  return {
    processors: {
      ids: processors.map(each => each.id).toSorted(),
      cores: sum(processors.map(each => each.body.TotalCores)),
      gpus: processors.filter(each => each.body.ProcessorType === 'GPU').length,
    },
    memory: { ids: memory.map(each => each.id).toSorted(), mib: sum(memory.map(each => each.body.CapacityMiB)) },
    drives: {
      serials: drives.map(each => String(each.SerialNumber).trim()).toSorted(),
      count: present.length,
      bytes: sum(present.map(each => each.CapacityBytes)),
    },
    macs: [...new Set([...interfaces, ...ports, ...functions].map(digits).filter(mac => mac.length === 12))].toSorted(),
    firmware: [...tree].flatMap(firmwareOf).toSorted(),
    powerSupplies: {
      count: supplies.length,
      watts: sum(supplies.map(each => each.PowerCapacityWatts)),
      inputWatts: sum(supplies.map(each => each.PowerInputWatts)),
      outputWatts: sum(supplies.map(each => each.PowerOutputWatts ?? each.LastPowerOutputWatts)),
    },
  };
}

/** Of everything that the BMC serves: it has one inventory for all its servers. */
function firmwareOf([uri, body]: [string, Resource]): string[] {
  if (typeOf(body) !== 'SoftwareInventory' || !/\/(firmware|software)inventory\/[^/]+$/.test(uri)) return [];
  const version = String(body.Version ?? '').trim();
  return [`${uri.split('/').at(-1)} ${/^(not present|undefined|-\*)$/i.test(version) ? '' : version}`];
}

function typeOf(body: Resource): string {
  return /^#([A-Za-z]+)\./.exec(String(body['@odata.type']))?.[1] ?? '';
}

function state(body: Resource): unknown {
  return (body.Status as { State?: unknown } | null | undefined)?.State;
}

function firstMac(body: Resource): unknown[] {
  const ethernet = body.Ethernet as { AssociatedMACAddresses?: unknown[] } | undefined;
  const addresses = ethernet?.AssociatedMACAddresses ?? body.AssociatedNetworkAddresses;
  return Array.isArray(addresses) ? addresses.slice(0, 1) : [];
}

/** A MAC address without what separates its digits; anything else is no address. */
function digits(value: unknown): string {
  const text = String(value).replaceAll(':', '').toLowerCase();
  return /^[0-9a-f]{12}$/.test(text) ? text : '';
}

function sum(values: unknown[]): number {
  return values.reduce<number>((total, value) => total + (typeof value === 'number' ? value : 0), 0);
}
