/** Memory modules and their error counters. HPE and others keep no counters: there errors show in health and log alone. */
import { type Fact, factValue, type HealthLevel, known, type MemoryErrors, unknown } from '../../core/bmc.ts';
import type { Connection } from './connection.ts';
import { factOf, healthFact, inUse, reasonOf, worst } from './facts.ts';
import { lastSegment } from './links.ts';
import { type ReadMember, readMembers } from './read-members.ts';
import { type ComputerSystem, type MemoryBody, memory, memoryMetrics } from './schema.ts';

/** One entry per module in place; empty sockets are left out. */
export async function readMemory(connection: Connection, system: ComputerSystem): Promise<Fact<MemoryErrors[]>> {
  const link = system.Memory;
  if (link == null) return unknown('the BMC links no memory');
  return factOf(async () => {
    const vouched = factValue(healthFact(system.MemorySummary?.Status, 'memory')) === 'ok';
    const read = await readMembers(connection, link, memory, { expand: 2, each: { vouched } });
    const modules = await Promise.all(read.map(each => ofModule(connection, each)));
    const present = modules.filter(each => each !== undefined);
    return present.length > 0 ? known(present) : unknown('the BMC lists no memory modules');
  });
}

async function ofModule(connection: Connection, read: ReadMember<MemoryBody>): Promise<MemoryErrors | undefined> {
  const id = lastSegment(read.uri);
  if ('unread' in read) return { dimm: id, ...noCounters(read.unread), health: unknown(read.unread) };
  const { Status: status, Metrics: metrics, DeviceLocator: locator, Name: name } = read.found;
  if (!inUse(status)) return undefined;
  const dimm = locator?.trim() || name?.trim() || id;
  const health = healthFact(status, 'memory module');
  if (metrics == null) return { dimm, ...noCounters('this BMC keeps no memory error counters'), health };
  return { dimm, ...(await readCounters(connection, metrics, health)) };
}

async function readCounters(
  connection: Connection,
  metrics: NonNullable<MemoryBody['Metrics']>,
  health: Fact<HealthLevel>,
): Promise<Omit<MemoryErrors, 'dimm'>> {
  try {
    const read = metrics.inline ?? (await connection.read(metrics.uri, memoryMetrics));
    const count = (key: 'CorrectableECCErrorCount' | 'UncorrectableECCErrorCount'): Fact<number> => {
      const value = read.LifeTime?.[key] ?? read.CurrentPeriod?.[key];
      return value == null ? unknown('this BMC counts no memory errors, it only raises alarms') : known(value);
    };
    const alarms = read.HealthData?.AlarmTrips;
    return {
      corrected: count('CorrectableECCErrorCount'),
      uncorrected: count('UncorrectableECCErrorCount'),
      health: withAlarms(health, alarms?.CorrectableECCError === true, alarms?.UncorrectableECCError === true),
    };
  } catch (error) {
    return { ...noCounters(reasonOf(error)), health };
  }
}

/** A tripped alarm can only make the health worse. */
function withAlarms(health: Fact<HealthLevel>, corrected: boolean, uncorrected: boolean): Fact<HealthLevel> {
  const alarm: HealthLevel | undefined = uncorrected ? 'critical' : corrected ? 'warning' : undefined;
  if (alarm === undefined) return health;
  return known(worst(['value' in health ? health.value : alarm, alarm]) ?? alarm);
}

function noCounters(reason: string): Pick<MemoryErrors, 'corrected' | 'uncorrected'> {
  return { corrected: unknown(reason), uncorrected: unknown(reason) };
}
