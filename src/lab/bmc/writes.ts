/** Every write this BMC performs, by method and URI. What is not listed here answers 404 or 405. */

import type { Caller } from './access.ts';
import { performReset } from './actions/reset.ts';
import { simpleUpdate } from './actions/simple-update.ts';
import type { Controller } from './controller.ts';
import { type Body, problem, type Reply } from './reply.ts';
import { sessionBody, sessionsUri } from './resources/access.ts';
import { simpleUpdateUri } from './resources/update.ts';

export type WriteMethod = 'POST' | 'PATCH' | 'PUT' | 'DELETE';
/** `body` is the parsed object that was sent; empty for DELETE. */
export type Write = (body: Body, caller: Caller | undefined) => Reply;
/** Key: method, one space, URI. */
export type Writes = Record<string, Write>;

export function writesOf(bmc: Controller): Writes {
  const { system } = bmc.uris;
  return {
    [`POST ${sessionsUri}`]: body => logIn(bmc, body),
    ...Object.fromEntries(
      bmc.access.sessions().map(({ id }) => [`DELETE ${sessionsUri}/${id}`, () => logOut(bmc, id)]),
    ),
    [`PATCH ${system}`]: body => patchSystem(bmc, body),
    [`POST ${system}/Actions/ComputerSystem.Reset`]: body => performReset(bmc, body),
    [`POST ${simpleUpdateUri}`]: body => simpleUpdate(bmc, body),
  };
}

function logIn(bmc: Controller, body: Body): Reply {
  const { UserName: username, Password: password } = body;
  if (typeof username !== 'string') return problem(bmc.profile, 400, 'PropertyMissing', 'UserName');
  if (typeof password !== 'string') return problem(bmc.profile, 400, 'PropertyMissing', 'Password');
  const result = bmc.access.logIn(username, password);
  if ('refused' in result) {
    return result.refused === 'limit'
      ? problem(bmc.profile, 503, 'SessionLimitExceeded')
      : problem(bmc.profile, 401, 'ResourceAtUriUnauthorized');
  }
  return {
    status: 201,
    body: sessionBody(result.session),
    headers: { 'X-Auth-Token': result.token, Location: `${sessionsUri}/${result.session.id}` },
  };
}

function logOut(bmc: Controller, id: string): Reply {
  return bmc.access.logOut(id) ? { status: 204 } : problem(bmc.profile, 404, 'ResourceMissingAtURI');
}

function patchSystem(bmc: Controller, body: Body): Reply {
  const other = Object.keys(body).find(key => key !== 'AssetTag');
  if (other !== undefined) return problem(bmc.profile, 400, 'PropertyNotWritable', other);
  if (typeof body.AssetTag !== 'string') return problem(bmc.profile, 400, 'PropertyMissing', 'AssetTag');
  bmc.assetTag = body.AssetTag;
  return { status: 204 };
}
