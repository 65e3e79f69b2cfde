/** What a server is made of, kind by kind. A kind that cannot be read is unknown with its reason. */
import { type Fact, known, unknown } from '../../core/bmc.ts';
import type { HardwareInventory } from '../../core/hardware.ts';
import type { Connection } from './connection.ts';
import { factOf } from './facts.ts';
import { readDrives } from './read-drives.ts';
import { readFirmware } from './read-firmware.ts';
import { readMemoryModules } from './read-memory-modules.ts';
import { readNetwork } from './read-network.ts';
import { readMeteredSupplies } from './read-power-supplies.ts';
import { readProcessors } from './read-processors.ts';
import { readSensors } from './read-sensors.ts';
import { identify, readSystem } from './read-system.ts';
import type { Topology } from './topology.ts';

/** Throws when the BMC or its system cannot be read at all. */
export async function readInventory(connection: Connection, topology: Topology): Promise<HardwareInventory> {
  const system = await readSystem(connection, topology);
  const [processors, memory, drives, network, powerSupplies, sensors, firmware] = await Promise.all([
    ofServer(topology, () => readProcessors(connection, system)),
    ofServer(topology, () => readMemoryModules(connection, system)),
    ofServer(topology, () => readDrives(connection, system)),
    ofServer(topology, () => readNetwork(connection, system, topology)),
    ofServer(topology, () => readMeteredSupplies(connection, topology)),
    ofServer(topology, () => readSensors(connection, topology)),
    factOf(async () => {
      const members = await readFirmware(connection, topology);
      return members.length > 0 ? known(members) : unknown('the firmware inventory is empty');
    }),
  ]);
  const identity = await identify(connection, system, topology);
  return { identity, processors, memory, drives, network, powerSupplies, sensors, firmware };
}

/** Parts of one server are not shown as those of its neighbour. */
export async function ofServer<T>({ uncertain }: Topology, read: () => Promise<Fact<T>>): Promise<Fact<T>> {
  return uncertain === undefined ? factOf(read) : unknown(uncertain);
}
