/** Starts a firmware update by SimpleUpdate: the BMC pulls the image, and answers with a task to follow. */
import type { Component, UpdateOutcome, UpdateRequest, UpdateTraits } from '../../core/bmc.ts';
import { FleetError } from '../../core/errors.ts';
import { allowedValues } from './allowed-values.ts';
import type { Connection } from './connection.ts';
import { pathOnBmc } from './links.ts';
import { readTasks } from './read-tasks.ts';
import { type Action, updateService } from './schema.ts';
import { taskOf } from './task-handle.ts';
import type { Topology } from './topology.ts';

/** How the vendor profile carries an update. Throws bmc_refused where it has none yet. */
export function traitsOf(topology: Topology, component: Component): UpdateTraits {
  const { activation, settleMs } = flowOf(topology, component);
  return { activation, settleMs };
}

/** Where the update request goes. Throws bmc_refused when the BMC offers no SimpleUpdate. */
export async function updatePath(connection: Connection, topology: Topology): Promise<string> {
  return (await simpleUpdate(connection, topology)).path;
}

/** Sends the request once. Throws ambiguous when its answer was lost; precondition_failed when the server is uncertain. */
export async function sendUpdate(
  connection: Connection,
  topology: Topology,
  request: UpdateRequest,
): Promise<UpdateOutcome> {
  const flow = flowOf(topology, request.component);
  const { path, action } = await simpleUpdate(connection, topology);
  const protocols = await allowedValues(connection, action, 'TransferProtocol');
  if (protocols !== undefined && !protocols.includes(request.protocol)) {
    throw new FleetError({
      code: 'bmc_refused',
      message: `${connection.url} fetches no images over ${request.protocol}; nothing was sent`,
      hint: 'Offer the image over a protocol that this BMC lists.',
    });
  }
  const body = {
    ImageURI: request.imageUri,
    TransferProtocol: request.protocol,
    ...(flow.applyTime === undefined ? {} : { '@Redfish.OperationApplyTime': flow.applyTime }),
  };
  const answer = await connection.post(path, body, { mayRepeat: () => isIdle(connection, topology) });
  if (answer.outcome === 'refused') return answer;
  return { outcome: 'accepted', ...taskOf(connection, answer) };
}

/** No task is under way, so the refused request started none, and it would disturb nobody's. */
async function isIdle(connection: Connection, topology: Topology): Promise<boolean> {
  const tasks = await readTasks(connection, topology);
  return tasks.every(({ state }) => state === 'completed' || state === 'failed' || state === 'gone');
}

function flowOf(topology: Topology, component: Component) {
  const flow = topology.profile.update[component];
  if (flow !== undefined) return flow;
  throw new FleetError({
    code: 'bmc_refused',
    message: `there is no update profile for ${component} on ${topology.profile.vendor} yet`,
    hint: 'Update this component with the tools of its vendor.',
  });
}

async function simpleUpdate(connection: Connection, topology: Topology): Promise<{ path: string; action: Action }> {
  const service =
    topology.updateService === undefined ? undefined : await connection.read(topology.updateService, updateService);
  const action = service?.Actions?.['#UpdateService.SimpleUpdate'];
  if (action?.target == null) {
    throw new FleetError({
      code: 'bmc_refused',
      message: `${connection.url} offers no SimpleUpdate`,
      hint: 'Its firmware may be older than the standard; update it with the tools of its vendor.',
    });
  }
  return { path: pathOnBmc(connection.url, action.target), action };
}
