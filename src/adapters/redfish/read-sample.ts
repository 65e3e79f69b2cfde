/** What may change from one minute to the next. */
import { type Fact, type KnownEntries, known, unknown } from '../../core/bmc.ts';
import type { HealthSample } from '../../core/hardware.ts';
import type { Connection } from './connection.ts';
import { factOf, timeFact } from './facts.ts';
import { readDrives } from './read-drives.ts';
import { ofServer } from './read-inventory.ts';
import { readLog } from './read-log.ts';
import { readLogNews } from './read-log-news.ts';
import { readMemory } from './read-memory.ts';
import { readPowerSupplies } from './read-power-supplies.ts';
import { readRedundancy } from './read-redundancy.ts';
import { healthOf, powerOf, readSystem } from './read-system.ts';
import { readThermal } from './read-thermal.ts';
import { type ComputerSystem, manager } from './schema.ts';
import type { Topology } from './topology.ts';

/** Throws when the BMC or its system cannot be read at all. */
export async function readSample(
  connection: Connection,
  topology: Topology,
  knownEntries?: KnownEntries,
): Promise<HealthSample> {
  const system = await readSystem(connection, topology);
  const [thermal, powerSupplies, redundancy, memory, drives, log, bmcTime] = await Promise.all([
    factOf(async () => known(await readThermal(connection, topology))),
    ofServer(topology, () => readPowerSupplies(connection, topology)),
    ofServer(topology, () => readRedundancy(connection, topology)),
    ofServer(topology, () => readMemory(connection, system)),
    ofServer(topology, () => readDrives(connection, system)),
    logOf(connection, { system, topology, known: knownEntries }),
    factOf(() => clockOf(connection, topology)),
  ]);
  const expires = connection.certificateExpires;
  return {
    power: powerOf(system, topology),
    health: healthOf(system, topology),
    temperatures: 'value' in thermal ? thermal.value.temperatures : thermal,
    fans: 'value' in thermal ? thermal.value.fans : thermal,
    powerSupplies,
    redundancy,
    memory,
    drives,
    ...log,
    bmcTime,
    ...(expires === undefined ? {} : { certificateExpires: expires.toISOString() }),
  };
}

async function logOf(
  connection: Connection,
  about: { system: ComputerSystem; topology: Topology; known: KnownEntries | undefined },
): Promise<Pick<HealthSample, 'log' | 'logs'>> {
  const { system, topology, known: knownEntries } = about;
  if (knownEntries === undefined) return { log: await readLog(connection, system, topology) };
  const read = await readLogNews(connection, { system, topology, known: knownEntries });
  if ('unknown' in read) return { log: read };
  return { log: known(read.value.at(-1)?.entries ?? []), logs: read.value };
}

async function clockOf(connection: Connection, { managerUris: [uri] }: Topology): Promise<Fact<string>> {
  if (uri === undefined) return unknown('the BMC lists no manager of this server');
  return timeFact((await connection.read(uri, manager)).DateTime, 'time');
}
