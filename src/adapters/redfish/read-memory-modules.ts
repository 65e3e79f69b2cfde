/** Memory modules in place: what they are. What errors they had is in {@link ./read-memory.ts}. */
import { type Fact, known, unknown } from '../../core/bmc.ts';
import type { MemoryModule } from '../../core/hardware.ts';
import type { Connection } from './connection.ts';
import { healthFact, isAbsent, sizeFact, textFact } from './facts.ts';
import { type MemoryModuleBody, memoryModule } from './hardware-schema.ts';
import { lastSegment } from './links.ts';
import { named, type ReadMember, readMembers } from './read-members.ts';
import type { ComputerSystem } from './schema.ts';

export async function readMemoryModules(connection: Connection, system: ComputerSystem): Promise<Fact<MemoryModule[]>> {
  if (system.Memory == null) return unknown('the BMC links no memory');
  const read = await readMembers(connection, system.Memory, memoryModule);
  const found = read.filter(each => !('found' in each && isAbsent(each.found.Status))).map(moduleOf);
  return found.length > 0 ? known(named(found)) : unknown('the BMC lists no memory modules');
}

function moduleOf(read: ReadMember<MemoryModuleBody>): MemoryModule {
  const { uri } = read;
  const name = lastSegment(uri);
  if ('unread' in read) {
    const why = unknown(read.unread);
    return { uri, name, capacityMiB: why, partNumber: why, serial: why, health: why };
  }
  const { found } = read;
  return {
    uri,
    name: found.DeviceLocator?.trim() || found.Name?.trim() || name,
    capacityMiB: sizeFact(found.CapacityMiB, 'capacity of the module'),
    partNumber: textFact(found.PartNumber, 'part number'),
    serial: textFact(found.SerialNumber, 'serial of the module'),
    health: healthFact(found.Status, 'memory module'),
  };
}
