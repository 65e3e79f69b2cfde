/** The requests that change a BMC, or what it remembers for its server: found on the BMC, never assumed. */
import { z } from 'zod';
import type { BmcChange, BmcChangeOutcome } from '../../core/bmc-change.ts';
import { FleetError, unreachable } from '../../core/errors.ts';
import { allowedValues } from './allowed-values.ts';
import { biosRequest } from './bios.ts';
import { bootRequest } from './boot-override.ts';
import { type ChangeRequest, offersNone } from './change-request.ts';
import { type Connection, isForNow } from './connection.ts';
import { httpBootRequest } from './http-boot.ts';
import { lightRequest } from './light.ts';
import { pathOnBmc } from './links.ts';
import { says } from './messages.ts';
import { powerCycleRequest } from './power-cycle.ts';
import { action, object } from './schema.ts';
import { eraseRequest } from './secure-erase.ts';
import { taskOf } from './task-handle.ts';
import type { Topology } from './topology.ts';
import { ejectRequest, insertRequest } from './virtual-media.ts';

const changeableManager = z.object({ Actions: object({ '#Manager.Reset': action }) });

/** Throws bmc_refused where this BMC offers no such change. */
export async function changeRequest(
  connection: Connection,
  topology: Topology,
  change: BmcChange,
): Promise<ChangeRequest> {
  switch (change.act) {
    case 'reset-bmc':
      return resetRequest(connection, topology);
    case 'identify': {
      const request = await lightRequest(connection, topology, change.lit);
      if (request !== undefined) return request;
      throw offersNone(connection, 'locating light', 'Find the server by its serial number.');
    }
    case 'boot-once':
      return bootRequest(connection, topology, change.from);
    case 'power-cycle':
      return powerCycleRequest(connection, topology);
    case 'set-bios':
      return biosRequest(connection, topology, change.attributes);
    case 'insert-media':
      return insertRequest(connection, topology, change.image);
    case 'eject-media':
      return ejectRequest(connection, topology, change.image);
    case 'http-boot':
      return httpBootRequest(connection, topology, change.uri);
    case 'erase-drive':
      return eraseRequest(connection, topology, change.drive);
    default:
      return unreachable(change);
  }
}

/**
 * Sends it once. Throws bmc_refused when the BMC says no, `retry: later` where it says that the moment is wrong, and
 * ambiguous when its answer was lost.
 */
export async function sendChange(
  connection: Connection,
  { method, path, body }: ChangeRequest,
): Promise<BmcChangeOutcome> {
  const answer = method === 'POST' ? await connection.post(path, body) : await connection.patch(path, body);
  if (answer.outcome === 'accepted') return taskOf(connection, answer);
  const unlicensed = says(answer.messageIds, 'unlicensed');
  throw new FleetError({
    code: 'bmc_refused',
    retry: answer.status === 503 || isForNow(answer) ? 'later' : 'never',
    message: `${connection.url} refused the change (${answer.status})${unlicensed ? ': it has no licence for it' : ''}`,
    hint: unlicensed
      ? 'Buy the licence from its vendor, or do without: no other account helps.'
      : 'Read the state of the server: a firmware task may hold it, or it may be in POST.',
    untrusted: answer.reason,
  });
}

async function resetRequest(connection: Connection, { managerUris }: Topology): Promise<ChangeRequest> {
  for (const uri of managerUris) {
    const reset = (await connection.read(uri, changeableManager)).Actions?.['#Manager.Reset'];
    if (reset?.target == null) continue;
    const allowed = await allowedValues(connection, reset, 'ResetType');
    const type = ['GracefulRestart', 'ForceRestart'].find(each => allowed?.includes(each) ?? true);
    if (type !== undefined)
      return { method: 'POST', path: pathOnBmc(connection.url, reset.target), body: { ResetType: type } };
  }
  throw offersNone(connection, 'restart of itself', "Only its power, or its vendor's tools, can restart it.");
}
