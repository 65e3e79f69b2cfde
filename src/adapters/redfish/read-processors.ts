/** Processors in place, GPUs among them. */
import { type Fact, known, unknown } from '../../core/bmc.ts';
import type { Processor } from '../../core/hardware.ts';
import type { Connection } from './connection.ts';
import { healthFact, isAbsent, sizeFact, textFact } from './facts.ts';
import { type ProcessorBody, processor } from './hardware-schema.ts';
import { lastSegment } from './links.ts';
import { named, type ReadMember, readMembers } from './read-members.ts';
import type { ComputerSystem } from './schema.ts';

export async function readProcessors(connection: Connection, system: ComputerSystem): Promise<Fact<Processor[]>> {
  if (system.Processors == null) return unknown('the BMC links no processors');
  const read = await readMembers(connection, system.Processors, processor);
  const found = read.filter(each => !('found' in each && isAbsent(each.found.Status))).map(processorOf);
  return found.length > 0 ? known(named(found)) : unknown('the BMC lists no processors');
}

function processorOf(read: ReadMember<ProcessorBody>): Processor {
  const { uri } = read;
  const name = lastSegment(uri);
  if ('unread' in read) {
    const why = unknown(read.unread);
    return { uri, name, kind: 'other', model: why, cores: why, threads: why, health: why };
  }
  const { found } = read;
  return {
    uri,
    name: found.Name?.trim() || name,
    kind: kindOf(found.ProcessorType),
    model: textFact(found.Model, 'model of the processor'),
    cores: sizeFact(found.TotalCores, 'number of cores'),
    threads: sizeFact(found.TotalThreads, 'number of threads'),
    health: healthFact(found.Status, 'processor'),
  };
}

function kindOf(type: string | null | undefined): Processor['kind'] {
  if (type === 'CPU') return 'cpu';
  return type === 'GPU' ? 'gpu' : 'other';
}
