/** Restarts or switches the host. The host is drained before, so a hard restart costs nothing that is still needed. */
import type { ResetType } from '../../core/bmc.ts';
import { FleetError } from '../../core/errors.ts';
import { allowedValues } from './allowed-values.ts';
import type { Connection } from './connection.ts';
import { pathOnBmc } from './links.ts';
import { readSystem } from './read-system.ts';
import type { Topology } from './topology.ts';

type Target = { path: string; allowed: string[] | undefined };

/** The address and the restart to ask for: graceful where it means that, else forced. Throws bmc_refused when the BMC offers no restart. */
export async function restartTarget(
  connection: Connection,
  topology: Topology,
): Promise<{ path: string; type: ResetType }> {
  const { path, allowed } = await target(connection, topology);
  const order: ResetType[] = topology.profile.trustsGracefulRestart
    ? ['GracefulRestart', 'ForceRestart']
    : ['ForceRestart'];
  // A BMC that does not say what it allows still has to support the one that the standard made basic.
  const type = allowed === undefined ? 'ForceRestart' : order.find(each => allowed.includes(each));
  if (type !== undefined) return { path, type };
  throw new FleetError({
    code: 'bmc_refused',
    message: `${connection.url} offers no restart of this system`,
    hint: 'It can only be switched off and on.',
  });
}

/** Sends the reset once. Throws bmc_refused when the BMC says no, ambiguous when its answer was lost. */
export async function sendReset(connection: Connection, topology: Topology, type: ResetType): Promise<void> {
  const { path, allowed } = await target(connection, topology);
  if (allowed !== undefined && !allowed.includes(type)) {
    throw new FleetError({
      code: 'bmc_refused',
      message: `${connection.url} does not allow ${type}; nothing was sent`,
    });
  }
  const answer = await connection.post(path, { ResetType: type });
  if (answer.outcome === 'accepted') return;
  throw new FleetError({
    code: 'bmc_refused',
    message: `${connection.url} refused ${type} (${answer.status})`,
    hint: 'Read the power state: the host may be in that state already, or a firmware task may hold it.',
    untrusted: answer.reason,
  });
}

async function target(connection: Connection, topology: Topology): Promise<Target> {
  const system = await readSystem(connection, topology);
  const action = system.Actions?.['#ComputerSystem.Reset'];
  if (action?.target == null) {
    throw new FleetError({ code: 'bmc_refused', message: `${connection.url} offers no reset of this system` });
  }
  return {
    path: pathOnBmc(connection.url, action.target),
    allowed: await allowedValues(connection, action, 'ResetType'),
  };
}
