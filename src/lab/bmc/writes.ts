/** Every write this BMC performs, by method and URI. What is not listed here answers 404 or 405. */
import type { Caller } from './access.ts';
import { auxPowerReset } from './actions/aux-power-reset.ts';
import { clearPending, createJob, deleteJob, patchBios, resetBios } from './actions/bios-settings.ts';
import { patchSystem, patchSystemSettings } from './actions/patch-system.ts';
import { pushUpdate, startUpdate } from './actions/push-update.ts';
import { performReset } from './actions/reset.ts';
import { resetManager } from './actions/reset-manager.ts';
import { secureErase } from './actions/secure-erase.ts';
import { simpleUpdate } from './actions/simple-update.ts';
import { submitTestEvent, subscribe, unsubscribe } from './actions/subscribe.ts';
import { ejectMedia, insertMedia, patchMedia } from './actions/virtual-media.ts';
import type { Controller } from './controller.ts';
import { neighboursOwn } from './neighbour.ts';
import { type Body, problem, type Reply, vendorProblem } from './reply.ts';
import { sessionBody, sessionsUri } from './resources/access.ts';
import { auxPowerResetUri } from './resources/aux-power-reset.ts';
import { biosSettingsUri, biosUri, clearPendingUri } from './resources/bios.ts';
import { systemSettingsUri } from './resources/boot.ts';
import { eraseTargets } from './resources/erase.ts';
import { subscriptionsUri, testEventUri } from './resources/events.ts';
import { clearLogUri } from './resources/log.ts';
import { managerResetUri } from './resources/manager-reset.ts';
import { simpleUpdateUri, startUpdateUri } from './resources/update.ts';
import { virtualMediaUri } from './resources/virtual-media.ts';

export type WriteMethod = 'POST' | 'PATCH' | 'PUT' | 'DELETE';
/** `body` is the parsed object that was sent; empty for DELETE. */
export type Write = (body: Body, caller: Caller | undefined) => Reply | Promise<Reply>;
/** Key: method, one space, URI. */
export type Writes = Record<string, Write>;

export function writesOf(bmc: Controller): Writes {
  const { system } = bmc.uris;
  const settings = systemSettingsUri(bmc);
  const auxPower = auxPowerResetUri(bmc);
  return {
    [`POST ${sessionsUri}`]: body => logIn(bmc, body),
    ...Object.fromEntries(
      bmc.access.sessions().map(({ id }) => [`DELETE ${sessionsUri}/${id}`, () => logOut(bmc, id)]),
    ),
    [`PATCH ${system}`]: body => patchSystem(bmc, body),
    ...(settings === undefined ? {} : { [`PATCH ${settings}`]: (body: Body) => patchSystemSettings(bmc, body) }),
    [`POST ${system}/Actions/ComputerSystem.Reset`]: body => performReset(bmc, body),
    [`POST ${managerResetUri(bmc)}`]: body => resetManager(bmc, body),
    ...(auxPower === undefined ? {} : { [`POST ${auxPower}`]: (body: Body) => auxPowerReset(bmc, body) }),
    [`POST ${clearLogUri(bmc)}`]: () => clearLog(bmc),
    ...updateWrites(bmc),
    ...biosWrites(bmc),
    ...mediaWrites(bmc),
    ...eventWrites(bmc),
    ...neighboursOwn(bmc, writesOf, key => key.split(' ')[1] ?? ''),
    ...Object.fromEntries(
      eraseTargets(bmc).map(({ drive, target }) => [`POST ${target}`, (body: Body) => secureErase(bmc, drive, body)]),
    ),
  };
}

function updateWrites(bmc: Controller): Writes {
  const { push, simpleTargets } = bmc.profile.update;
  const take = (body: Body) => pushUpdate(bmc, body);
  return {
    ...(simpleTargets === 'absent' ? {} : { [`POST ${simpleUpdateUri}`]: (body: Body) => simpleUpdate(bmc, body) }),
    ...(push === undefined ? {} : { [`POST ${push.multipart}`]: take }),
    ...(push?.stream === undefined ? {} : { [`POST ${push.stream}`]: take }),
    ...(push?.waitsForStart ? { [`POST ${startUpdateUri}`]: () => startUpdate(bmc) } : {}),
  };
}

function biosWrites(bmc: Controller): Writes {
  const settings = biosSettingsUri(bmc);
  return {
    [`POST ${biosUri(bmc)}/Actions/Bios.ResetBios`]: () => resetBios(bmc),
    ...(settings === undefined ? {} : { [`PATCH ${settings}`]: (body: Body) => patchBios(bmc, body) }),
    ...(bmc.profile.acts.bios.jobs === undefined ? {} : jobWrites(bmc)),
  };
}

function jobWrites(bmc: Controller): Writes {
  const jobs = `${bmc.uris.manager}/Oem/Dell/Jobs`;
  return {
    [`POST ${clearPendingUri(bmc)}`]: () => clearPending(bmc),
    [`POST ${jobs}`]: body => createJob(bmc, body),
    ...Object.fromEntries(bmc.tasks.all().map(job => [`DELETE ${jobs}/${job.id}`, () => deleteJob(bmc, job)])),
  };
}

function mediaWrites(bmc: Controller): Writes {
  const writes: Writes = {};
  for (const slot of bmc.media.slots()) {
    const uri = `${virtualMediaUri(bmc)}/${slot.id}`;
    if (slot.takes === 'action') {
      writes[`POST ${uri}/Actions/VirtualMedia.InsertMedia`] = body => insertMedia(bmc, slot, body);
      writes[`POST ${uri}/Actions/VirtualMedia.EjectMedia`] = () => ejectMedia(bmc, slot);
    } else writes[`PATCH ${uri}`] = body => patchMedia(bmc, slot, body);
  }
  return writes;
}

function eventWrites(bmc: Controller): Writes {
  return {
    [`POST ${subscriptionsUri}`]: body => subscribe(bmc, body),
    ...Object.fromEntries(
      bmc.events.subscriptions().map(({ id }) => [`DELETE ${subscriptionsUri}/${id}`, () => unsubscribe(bmc, id)]),
    ),
    [`POST ${testEventUri}`]: body => submitTestEvent(bmc, body),
  };
}

function clearLog(bmc: Controller): Reply {
  bmc.log.clear();
  return { status: 204 };
}

function logIn(bmc: Controller, body: Body): Reply {
  const { UserName: username, Password: password } = body;
  if (typeof username !== 'string') return problem(bmc.profile, 400, 'PropertyMissing', 'UserName');
  if (typeof password !== 'string') return problem(bmc.profile, 400, 'PropertyMissing', 'Password');
  if (bmc.faults.get('log-in-repeated'))
    return problem(bmc.profile, 400, 'PropertyValueFormatError', `'${password}' for Password`);
  const result = bmc.access.logIn(username, password);
  if ('refused' in result) {
    return result.refused === 'limit' ? noSessionLeft(bmc) : problem(bmc.profile, 401, 'ResourceAtUriUnauthorized');
  }
  return {
    status: 201,
    body: sessionBody(result.session),
    headers: { 'X-Auth-Token': result.token, Location: `${sessionsUri}/${result.session.id}` },
  };
}

function noSessionLeft({ profile }: Controller): Reply {
  if (profile.vendor !== 'dell') return problem(profile, 503, 'SessionLimitExceeded');
  const message = 'The maximum number of user sessions is reached.';
  return vendorProblem({ status: 503, messageId: 'IDRAC.2.8.RAC0218', message });
}

function logOut(bmc: Controller, id: string): Reply {
  return bmc.access.logOut(id) ? { status: 204 } : problem(bmc.profile, 404, 'ResourceMissingAtURI');
}
