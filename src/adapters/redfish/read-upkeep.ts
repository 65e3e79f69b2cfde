/** What changes seldom: versions, and how full the logs are that stop when they are full. */
import { type Fact, known, unknown } from '../../core/bmc.ts';
import type { Upkeep } from '../../core/hardware.ts';
import type { Connection } from './connection.ts';
import { factOf } from './facts.ts';
import { logs } from './log-services.ts';
import { readFirmware } from './read-firmware.ts';
import { drivesWith } from './read-storage.ts';
import { identify, readSystem } from './read-system.ts';
import { type ComputerSystem, counted } from './schema.ts';
import type { Topology } from './topology.ts';

/** Throws when the BMC or its system cannot be read at all. */
export async function readUpkeep(connection: Connection, topology: Topology): Promise<Upkeep> {
  const system = await readSystem(connection, topology);
  const [identity, firmware, logFilled] = await Promise.all([
    identify(connection, system, topology),
    factOf(async () => known(await readFirmware(connection, topology))),
    factOf(() => fillOf(connection, system, topology)),
  ]);
  const drives = 'value' in firmware ? await drivesWith(connection, system, firmware.value) : firmware;
  return { identity, firmware, drives, logFilled };
}

async function fillOf(connection: Connection, system: ComputerSystem, topology: Topology): Promise<Fact<number>> {
  const found = await logs(connection, system, topology);
  if (found.length === 0) return unknown('the BMC has no event log');
  const shares = await Promise.all(
    found.map(async ({ entries, most }) => {
      if (most === undefined || most <= 0) return 0;
      return ((await connection.read(entries, counted))['Members@odata.count'] ?? 0) / most;
    }),
  );
  return known(Math.min(1, Math.max(...shares)));
}
