/** Reads who the server is and how it is: identity, power, overall health, last reset. */
import { type Fact, type HealthLevel, known, type PowerState, type ServerIdentity, unknown } from '../../core/bmc.ts';
import type { Connection } from './connection.ts';
import { factOf, healthFact, textFact, timeFact, uuidFact } from './facts.ts';
import { type ComputerSystem, chassis, computerSystem } from './schema.ts';
import type { Topology } from './topology.ts';

export async function readSystem(connection: Connection, topology: Topology): Promise<ComputerSystem> {
  return connection.read(topology.systemUri, computerSystem);
}

/** While it is uncertain which system is meant, nothing that tells one server from another is known. */
export async function identify(
  connection: Connection,
  system: ComputerSystem,
  topology: Topology,
): Promise<ServerIdentity> {
  const { uncertain } = topology;
  const made = await makeOf(connection, system);
  return {
    systemUri: topology.systemUri,
    uuid: uncertain === undefined ? uuidFact(system.UUID) : unknown(uncertain),
    serial: uncertain === undefined ? serialFact(system.SerialNumber) : unknown(uncertain),
    manufacturer: made.manufacturer,
    model: uncertain === undefined ? made.model : unknown(uncertain),
    vendor: topology.profile.vendor,
  };
}

type Make = Pick<ServerIdentity, 'manufacturer' | 'model'>;

/** A GB200's system names neither; the chassis that it links does. A serial is never taken from there: it is another part's. */
async function makeOf(connection: Connection, { Manufacturer, Model, Links }: ComputerSystem): Promise<Make> {
  const own = { manufacturer: textFact(Manufacturer, 'manufacturer'), model: textFact(Model, 'model') };
  const [only, ...more] = Links?.Chassis ?? [];
  if ('value' in own.model || only === undefined || more.length > 0) return own;
  const around = await factOf(async () => known(await connection.read(only, chassis, { lasting: true })));
  if ('unknown' in around) return own;
  return {
    manufacturer: textFact(Manufacturer ?? around.value.Manufacturer, 'manufacturer'),
    model: textFact(around.value.Model, 'model'),
  };
}

export function powerOf(system: ComputerSystem, topology: Topology): Fact<PowerState> {
  if (topology.uncertain !== undefined) return unknown(topology.uncertain);
  const states: Record<string, PowerState> = {
    on: 'on',
    off: 'off',
    poweringon: 'powering-on',
    poweringoff: 'powering-off',
  };
  const state = states[(system.PowerState ?? '').toLowerCase()];
  return state === undefined ? unknown('the BMC gives no power state that the standard knows') : known(state);
}

export function healthOf(system: ComputerSystem, topology: Topology): Fact<HealthLevel> {
  return topology.uncertain === undefined ? healthFact(system.Status, 'system') : unknown(topology.uncertain);
}

export function lastResetOf(system: ComputerSystem, topology: Topology): Fact<string> {
  return topology.uncertain === undefined
    ? timeFact(system.LastResetTime, 'time of the last reset')
    : unknown(topology.uncertain);
}

function serialFact(value: string | null | undefined): Fact<string> {
  return /^(0+|0?123456789.*)$/.test(value?.trim() ?? '')
    ? unknown('the BMC gives a placeholder as serial')
    : textFact(value, 'serial');
}
