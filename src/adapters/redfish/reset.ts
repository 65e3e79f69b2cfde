/** Restarts or switches the host. The host is drained before, so a hard restart costs nothing that is still needed. */
import { factValue, type PowerPurpose, type PowerState, type ResetType } from '../../core/bmc.ts';
import { FleetError, unreachable } from '../../core/errors.ts';
import { allowedValues } from './allowed-values.ts';
import { type Connection, isForNow } from './connection.ts';
import { pathOnBmc } from './links.ts';
import type { VendorProfile } from './profiles/profile.ts';
import { powerOf, readSystem } from './read-system.ts';
import type { Topology } from './topology.ts';

type Target = { path: string; allowed: string[] | undefined; power: PowerState | undefined };

/**
 * The address and the reset to ask for; a restart is graceful where that means what it says, else forced. Throws
 * bmc_refused when the BMC offers none.
 */
export async function powerTarget(
  connection: Connection,
  topology: Topology,
  purpose: PowerPurpose,
): Promise<{ path: string; type: ResetType }> {
  const { path, allowed } = await target(connection, topology);
  const order = resetsFor(purpose, topology.profile);
  // A BMC that does not say what it allows still has to support the ones that the standard made basic.
  const type = allowed === undefined ? order.at(-1) : order.find(each => allowed.includes(each));
  if (type !== undefined) return { path, type };
  throw new FleetError({
    code: 'bmc_refused',
    message: `${connection.url} offers no reset of this system that means ${purpose}`,
    hint: `It offers: ${allowed?.join(', ')}.`,
  });
}

/** Best first. */
function resetsFor(purpose: PowerPurpose, profile: VendorProfile): ResetType[] {
  switch (purpose) {
    case 'restart':
      return profile.trustsGracefulRestart ? ['GracefulRestart', 'ForceRestart'] : ['ForceRestart'];
    case 'on':
      return ['On'];
    case 'shut-down':
      return ['GracefulShutdown'];
    case 'cut':
      return ['ForceOff'];
    default:
      return unreachable(purpose);
  }
}

const leadsTo: Partial<Record<ResetType, PowerState>> = { On: 'on', ForceOff: 'off', GracefulShutdown: 'off' };

/** Sends the reset once; nothing happens where the host is so already. Throws bmc_refused when the BMC says no, ambiguous when its answer was lost. */
export async function sendReset(connection: Connection, topology: Topology, type: ResetType): Promise<void> {
  const { path, allowed, power } = await target(connection, topology);
  if (allowed !== undefined && !allowed.includes(type)) {
    throw new FleetError({
      code: 'bmc_refused',
      message: `${connection.url} does not allow ${type}; nothing was sent`,
    });
  }
  const powerNow = async () => (await target(connection, topology)).power;
  const mayRepeat = async () => (await powerNow()) === power;
  const answer = await connection.post(path, { ResetType: type }, { urgency: 'power', mayRepeat });
  if (answer.outcome === 'accepted') return;
  // Some BMCs refuse what is so already.
  const wanted = leadsTo[type];
  const clash = answer.status === 409 || answer.status === 400;
  if (clash && wanted !== undefined && (await powerNow()) === wanted) return;
  throw new FleetError({
    code: 'bmc_refused',
    retry: isForNow(answer) ? 'later' : 'never',
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
    power: factValue(powerOf(system, topology)),
  };
}
