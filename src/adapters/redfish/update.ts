/**
 * Starts a firmware update: by SimpleUpdate, where the BMC pulls the image, or by sending it. Either way it is asked once, and
 * answers with a task to follow. Where the image was only checked, a second request begins to write it.
 */
import {
  type Activation,
  type Component,
  type Fact,
  known,
  type UpdateOutcome,
  type UpdateRequest,
  type UpdateTraits,
  unknown,
} from '../../core/bmc.ts';
import { FleetError } from '../../core/errors.ts';
import { allowedValues, listedParameters } from './allowed-values.ts';
import type { Connection, WriteOutcome } from './connection.ts';
import { pathOnBmc } from './links.ts';
import { says } from './messages.ts';
import { multipart, octetStream } from './multipart.ts';
import { powerCycleRequest } from './power-cycle.ts';
import type { UpdateFlow } from './profiles/profile.ts';
import { readTasks } from './read-tasks.ts';
import { type Action, updateService } from './schema.ts';
import { taskOf } from './task-handle.ts';
import type { Topology } from './topology.ts';

/** How the vendor profile carries an update. Throws bmc_refused where it has none yet. */
export function traitsOf(topology: Topology, component: Component): UpdateTraits {
  const { activation, settleMs, push, waitsForStart } = flowOf(topology, component);
  return { activation, settleMs, transfer: push ? 'push' : 'pull', waitsForStart: waitsForStart ?? false };
}

/** As {@link traitsOf}, of every component, with the reason where there is none. */
export function activationsOf(topology: Topology): Record<Component, Fact<Activation>> {
  const of = (component: Component) => {
    const flow = topology.profile.update[component];
    return flow === undefined ? unknown(whyNone(topology, component)) : known(flow.activation);
  };
  return { bios: of('bios'), bmc: of('bmc'), nic: of('nic'), drive: of('drive') };
}

/** Where the update request goes. Throws bmc_refused when the BMC does not offer what its profile needs. */
export async function updatePath(connection: Connection, topology: Topology, component: Component): Promise<string> {
  const flow = flowOf(topology, component);
  // What could not come into force is not sent.
  if (flow.activation === 'power-cycle') await powerCycleRequest(connection, topology);
  if (flow.push) return (await pushTarget(connection, topology)).path;
  const { path, action } = await simpleUpdate(connection, topology);
  await ownParameters(connection, action, flow);
  return path;
}

/** Sends the request once. Throws ambiguous when its answer was lost; precondition_failed when the server is uncertain. */
export async function sendUpdate(
  connection: Connection,
  topology: Topology,
  request: UpdateRequest,
): Promise<UpdateOutcome> {
  const flow = flowOf(topology, request.component);
  if (flow.push) return outcomeOf(connection, topology, await sendImage(connection, topology, { flow, request }));
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
    ...(flow.namesDrives ? { Targets: namedDrives(request) } : {}),
    ...(await ownParameters(connection, action, flow)),
  };
  const answer = await connection.post(path, body, { mayRepeat: () => isIdle(connection, topology) });
  return outcomeOf(connection, topology, answer);
}

/** No target at all would mean every part that the image is for. */
function namedDrives({ drives = [] }: UpdateRequest): string[] {
  if (drives.length > 0) return drives;
  throw new FleetError({ code: 'internal', message: 'an image for drives names none of them; nothing was sent' });
}

/** What its vendor adds to the standard's parameters, as far as this BMC lists them. Throws bmc_refused where it has to list them all. */
async function ownParameters(connection: Connection, action: Action, { says, saysAll }: UpdateFlow): Promise<object> {
  if (says === undefined) return {};
  const listed = await listedParameters(connection, action);
  const taken = Object.entries(says).filter(([name, value]) => {
    const parameter = listed.find(each => each.Name === name);
    if (parameter === undefined) return false;
    return parameter.AllowableValues?.includes(String(value)) ?? true;
  });
  const missing = Object.keys(says).filter(name => !taken.some(([given]) => given === name));
  if (saysAll && missing.length > 0) throw offersNo(connection.url, `${missing.join(' and ')} for SimpleUpdate`);
  return Object.fromEntries(taken);
}

/** No task is under way, so the refused request started none, and it would disturb nobody's. */
async function isIdle(connection: Connection, topology: Topology): Promise<boolean> {
  const tasks = await readTasks(connection, topology);
  return tasks.every(({ state }) => state === 'completed' || state === 'failed' || state === 'gone');
}

/** Where StartUpdate goes. Throws bmc_refused when the BMC offers none. */
export async function writePath(connection: Connection, topology: Topology): Promise<string> {
  const target = (await readService(connection, topology))?.Actions?.['#UpdateService.StartUpdate']?.target;
  if (target != null) return pathOnBmc(connection.url, target);
  throw offersNo(connection.url, 'StartUpdate');
}

/** Lets the BMC write the image that it checked. Sent once; throws ambiguous when its answer was lost. */
export async function sendWrite(connection: Connection, topology: Topology): Promise<UpdateOutcome> {
  return outcomeOf(connection, topology, await connection.post(await writePath(connection, topology), {}));
}

async function sendImage(
  connection: Connection,
  topology: Topology,
  { flow, request }: { flow: UpdateFlow; request: UpdateRequest },
): Promise<WriteOutcome> {
  const { path, takes, applies, only } = await pushTarget(connection, topology);
  if (takes === 'bytes' && only.length > 0) {
    throw new FleetError({
      code: 'bmc_refused',
      message: `${connection.url} was set to give every image that it is sent to ${only.length} parts alone; nothing was sent`,
      hint: 'Empty HttpPushUriTargets of its UpdateService, unless somebody is updating these parts now.',
    });
  }
  // Bare bytes say nothing of when; where the BMC would wait, it would never restart by itself.
  if (takes === 'bytes' && flow.applyTime === 'Immediate' && applies !== 'Immediate') {
    throw new FleetError({
      code: 'bmc_refused',
      message: `${connection.url} would keep the image until somebody restarts it; nothing was sent`,
      hint: 'Set HttpPushUriApplyTime of its UpdateService to Immediate, or update it with the tools of its vendor.',
    });
  }
  if (takes === 'bytes') return connection.upload(path, octetStream(request.image));
  const parameters = {
    Targets: targetsOf(flow, topology),
    ...(flow.applyTime === undefined ? {} : { '@Redfish.OperationApplyTime': flow.applyTime }),
  };
  return connection.upload(path, multipart(parameters, request.image));
}

function targetsOf({ targets }: UpdateFlow, { systemUri, managerUris }: Topology): string[] {
  switch (targets) {
    case 'bios':
      return [`${systemUri.replace(/\/+$/, '')}/Bios`];
    case 'manager':
      return managerUris.slice(0, 1);
    case undefined:
      return [];
  }
}

/** `applies` and `only`: when, and for which parts alone, says the BMC of bare bytes. */
type PushTarget = { path: string; takes: 'form' | 'bytes'; applies: string | null | undefined; only: string[] };

/** A form says what the image is for, so it goes before the bare bytes, which are all that old builds take. */
async function pushTarget(connection: Connection, topology: Topology): Promise<PushTarget> {
  const service = await readService(connection, topology);
  const applies = service?.HttpPushUriOptions?.HttpPushUriApplyTime?.ApplyTime;
  const about = { applies, only: service?.HttpPushUriTargets ?? [] };
  if (service?.MultipartHttpPushUri != null)
    return { path: pathOnBmc(connection.url, service.MultipartHttpPushUri), takes: 'form', ...about };
  if (service?.HttpPushUri != null)
    return { path: pathOnBmc(connection.url, service.HttpPushUri), takes: 'bytes', ...about };
  throw offersNo(connection.url, 'address that an image can be sent to');
}

function outcomeOf(connection: Connection, topology: Topology, answer: WriteOutcome): UpdateOutcome {
  if (answer.outcome === 'accepted')
    return { outcome: 'accepted', ...standIn(topology), ...taskOf(connection, answer) };
  if (says(answer.messageIds, 'unlicensed')) return { ...answer, why: 'unlicensed' };
  return says(answer.messageIds, 'in-update-mode') ? { ...answer, why: 'update-mode' } : answer;
}

/** What is followed where the answer names no task: iLO's service, which tells how its newest update stands. */
function standIn({ profile, updateService: uri }: Topology): { task?: string } {
  return profile.vendor === 'hpe' && uri !== undefined ? { task: uri } : {};
}

function flowOf(topology: Topology, component: Component) {
  const flow = topology.profile.update[component];
  if (flow !== undefined) return flow;
  throw new FleetError({
    code: 'bmc_refused',
    message: whyNone(topology, component),
    hint: 'Update this component with the tools of its vendor.',
  });
}

function whyNone({ profile: { refuses, vendor } }: Topology, component: Component): string {
  const why = refuses?.[component];
  return why
    ? `no ${component} update on ${vendor}: ${why}`
    : `there is no update profile for ${component} on ${vendor} yet`;
}

async function simpleUpdate(connection: Connection, topology: Topology): Promise<{ path: string; action: Action }> {
  const action = (await readService(connection, topology))?.Actions?.['#UpdateService.SimpleUpdate'];
  if (action?.target == null) throw offersNo(connection.url, 'SimpleUpdate');
  return { path: pathOnBmc(connection.url, action.target), action };
}

async function readService(connection: Connection, { updateService: link }: Topology) {
  return link === undefined ? undefined : connection.read(link, updateService);
}

function offersNo(url: string, what: string): FleetError {
  return new FleetError({
    code: 'bmc_refused',
    message: `${url} offers no ${what}`,
    hint: 'Its firmware may be older than the standard; update it with the tools of its vendor.',
  });
}
