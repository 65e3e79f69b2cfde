/**
 * A server as one look at it shows it, put together from what is read part by part: a part that cannot be read is unknown,
 * and takes no other with it.
 */
import {
  type Fact,
  type FirmwareMember,
  known,
  type ServerHealth,
  type ServerMakeup,
  unknown,
} from '../../core/bmc.ts';
import type { Connection } from './connection.ts';
import { factOf } from './facts.ts';
import { readFirmware } from './read-firmware.ts';
import { readLog } from './read-log.ts';
import { readMemory } from './read-memory.ts';
import { healthOf, identify, powerOf } from './read-system.ts';
import { readThermal } from './read-thermal.ts';
import type { ComputerSystem } from './schema.ts';
import type { Topology } from './topology.ts';
import { activationsOf } from './update.ts';

/** A server that was read just now, and a connection that asks for nothing of it again. */
export type Met = { connection: Connection; topology: Topology; system: ComputerSystem };

export async function serverMakeup({ connection, topology, system }: Met): Promise<ServerMakeup> {
  const [identity, firmware] = await Promise.all([
    identify(connection, system, topology),
    factOf(async () => listFact(await readFirmware(connection, topology))),
  ]);
  return { identity, firmware, neighbours: topology.neighbours, activations: activationsOf(topology) };
}

export async function serverHealth(met: Met): Promise<ServerHealth> {
  const { connection, system, topology } = met;
  const [makeup, thermal, memory, log] = await Promise.all([
    serverMakeup(met),
    factOf(async () => known(await readThermal(connection, topology))),
    readMemory(connection, system),
    readLog(connection, system, topology),
  ]);
  return {
    ...makeup,
    power: powerOf(system, topology),
    health: healthOf(system, topology),
    temperatures: 'value' in thermal ? thermal.value.temperatures : thermal,
    fans: 'value' in thermal ? thermal.value.fans : thermal,
    memory,
    log,
  };
}

function listFact(members: FirmwareMember[]): Fact<FirmwareMember[]> {
  return members.length > 0 ? known(members) : unknown('the firmware inventory is empty');
}
