/**
 * iLO's own word for what its newest update does. A TaskMonitor of iLO is deleted when the work ends, and older firmware names
 * no task at all; then this tells whether the flash is still being written, which a restart of the host would damage.
 */
import type { TaskState, UpdateTask } from '../../core/bmc.ts';
import type { Connection } from './connection.ts';
import { updateService } from './schema.ts';
import type { Topology } from './topology.ts';

/** As a task with the address of the service, `gone` where it rests; undefined for other makers. */
export async function readHpeUpdate(connection: Connection, topology: Topology): Promise<UpdateTask | undefined> {
  const { profile, updateService: uri } = topology;
  if (profile.vendor !== 'hpe' || uri === undefined) return undefined;
  const { Oem: oem } = await connection.read(uri, updateService);
  return { uri, state: stateOf(oem?.Hpe?.State) };
}

/** A word that we do not know counts as work: a reset during work is the mistake that cannot be taken back. */
function stateOf(word: string | null | undefined): TaskState {
  switch (word?.toLowerCase()) {
    case undefined:
    case 'idle':
      return 'gone';
    case 'complete':
      return 'completed';
    case 'error':
      return 'failed';
    default:
      return 'running';
  }
}
