/** Reads who the server is and how it is: identity, power, overall health, last reset. */
import { type Fact, type HealthLevel, known, type PowerState, type ServerIdentity, unknown } from '../../core/bmc.ts';
import type { Connection } from './connection.ts';
import { healthFact, textFact, timeFact, uuidFact } from './facts.ts';
import { type ComputerSystem, computerSystem } from './schema.ts';
import type { Topology } from './topology.ts';

export async function readSystem(connection: Connection, topology: Topology): Promise<ComputerSystem> {
  return connection.read(topology.systemUri, computerSystem);
}

/** While it is uncertain which system is meant, nothing that tells one server from another is known. */
export function identityOf(system: ComputerSystem, topology: Topology): ServerIdentity {
  const { uncertain } = topology;
  return {
    systemUri: topology.systemUri,
    uuid: uncertain === undefined ? uuidFact(system.UUID) : unknown(uncertain),
    serial: uncertain === undefined ? serialFact(system.SerialNumber) : unknown(uncertain),
    manufacturer: textFact(system.Manufacturer, 'manufacturer'),
    model: uncertain === undefined ? textFact(system.Model, 'model') : unknown(uncertain),
    vendor: topology.profile.vendor,
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
