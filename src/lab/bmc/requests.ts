/** From method, path and body to an answer: authentication, resources, writes, preconditions. Knows nothing of sockets. */
import type { Caller } from './access.ts';
import { shownMembers } from './collections.ts';
import type { Controller } from './controller.ts';
import { etagOf, precondition } from './etags.ts';
import { expanded, levelsOf } from './expansion.ts';
import { type Body, problem, type Reply, vendorProblem } from './reply.ts';
import { sessionsUri } from './resources/access.ts';
import { monitorsUri, taskBody } from './resources/tasks.ts';
import type { Resources } from './resources/tree.ts';
import { isOver } from './task.ts';
import { isHidden, visibleTree } from './visible-tree.ts';
import { type WriteMethod, writesOf } from './writes.ts';

export type BmcRequest = {
  method: string;
  /** Path without query and trailing slash. */
  path: string;
  query: URLSearchParams;
  token?: string;
  authorization?: string;
  ifMatch?: string;
  ifNoneMatch?: string;
  /** Parsed; undefined when nothing was sent, and `malformed` when it was no JSON object. */
  body: Body | undefined | 'malformed';
};

export type Answer = { reply: Reply; caller: Caller | undefined };

const writeMethods: readonly string[] = ['POST', 'PATCH', 'PUT', 'DELETE'];

export function isWrite(method: string): method is WriteMethod {
  return writeMethods.includes(method);
}

/** Performs the request. Never throws; what cannot be done is a Redfish error. */
export async function answer(bmc: Controller, request: BmcRequest): Promise<Answer> {
  const { method } = request;
  const path = knownPath(bmc, request.path);
  const open = path === '/redfish' || path === '/redfish/v1' || (path === sessionsUri && method === 'POST');
  const caller = open ? undefined : bmc.access.identify(request);
  if (!open && (caller === undefined || bmc.wire.strikes('unauthorized-sometimes'))) {
    const refusal = problem(bmc.profile, 401, 'NoValidSession');
    return { reply: { ...refusal, headers: { 'WWW-Authenticate': 'Basic realm="Redfish"' } }, caller };
  }
  if (!open && !isWrite(method) && bmc.wire.strikes('busy-sometimes')) return { reply: busyRead(bmc), caller };
  if (!open && !isWrite(method) && fails(bmc, path)) return { reply: failure(bmc), caller };
  const known = { ...request, path };
  return { reply: isWrite(method) ? await write(bmc, known, method, caller) : read(bmc, known), caller };
}

function busyRead({ profile, faults }: Controller): Reply {
  const seconds = faults.get('busy-sometimes')?.seconds ?? 1;
  if (profile.vendor !== 'dell') return problem(profile, 503, 'ServiceTemporarilyUnavailable', String(seconds));
  const message = `The Lifecycle Controller is not ready. Retry in ${seconds} seconds.`;
  return vendorProblem({ status: 503, messageId: 'IDRAC.2.8.SYS518', message, args: [String(seconds)] });
}

function fails({ faults, wire }: Controller, path: string): boolean {
  const end = faults.get('resource-fails')?.path.toLowerCase();
  return end !== undefined && path.toLowerCase().endsWith(end) && wire.strikes('resource-fails');
}

function failure({ faults, profile }: Controller): Reply {
  if (faults.get('resource-fails')?.missing) return problem(profile, 404, 'ResourceMissingAtURI');
  return problem(profile, 500, 'GeneralError');
}

/** The path in the spelling of the tree, where the vendor does not mind the case. */
function knownPath(bmc: Controller, path: string): string {
  if (!bmc.profile.caseInsensitivePaths) return path;
  const wanted = path.toLowerCase();
  const spellings = [
    ...Object.keys(visibleTree(bmc)),
    ...Object.keys(writesOf(bmc)).map(key => key.split(' ')[1] ?? ''),
  ];
  return spellings.find(known => known.toLowerCase() === wanted) ?? path;
}

async function write(
  bmc: Controller,
  request: BmcRequest,
  method: WriteMethod,
  caller: Caller | undefined,
): Promise<Reply> {
  const { path, body, ifMatch } = request;
  const tree = visibleTree(bmc);
  const perform = isHidden(bmc, path) ? undefined : writesOf(bmc)[`${method} ${path}`];
  if (perform === undefined) return unperformed(bmc, tree, path);
  if (body === 'malformed') return problem(bmc.profile, 400, 'MalformedJSON');
  const render = tree[path];
  const conditional = render !== undefined && (ifMatch !== undefined || method === 'PATCH');
  const refused = conditional ? precondition(bmc, ifMatch, render()) : undefined;
  return refused ?? perform(body ?? {}, caller);
}

/** 404 when nothing has this URI, else 405 with what is allowed. */
function unperformed(bmc: Controller, tree: Resources, path: string): Reply {
  const methods = methodsOf(bmc, tree, path);
  if (methods.length === 0) return problem(bmc.profile, 404, 'ResourceMissingAtURI');
  return { ...problem(bmc.profile, 405, 'OperationNotAllowed'), headers: { Allow: methods.join(', ') } };
}

/** What may be asked of this address; nothing where there is none. */
function methodsOf(bmc: Controller, tree: Resources, path: string): string[] {
  const writes = isHidden(bmc, path) ? [] : Object.keys(writesOf(bmc)).filter(key => key.endsWith(` ${path}`));
  const methods = writes.map(key => key.split(' ')[0] ?? '');
  return Object.hasOwn(tree, path) ? ['GET', 'HEAD', ...methods] : methods;
}

function read(bmc: Controller, { method, path, query, ifNoneMatch }: BmcRequest): Reply {
  const tree = visibleTree(bmc);
  if (method !== 'GET' && method !== 'HEAD') return unperformed(bmc, tree, path);
  if (path.startsWith(`${monitorsUri}/`)) return monitor(bmc, path);
  if (path === bmc.profile.acts.events.sse && method === 'GET') return eventStream(bmc);
  const render = Object.hasOwn(tree, path) ? tree[path] : undefined;
  if (render === undefined) return unperformed(bmc, tree, path);
  const known = new Set(['$skip', '$top', ...(bmc.profile.expand > 0 ? ['$expand'] : [])]);
  const odd = [...query.keys()].find(key => key.startsWith('$') && !known.has(key));
  if (odd !== undefined) return problem(bmc.profile, 501, 'QueryNotSupportedOnResource', odd);
  const levels = levelsOf(query.get('$expand'), bmc.profile.expand);
  const body = expanded(tree, shownMembers(bmc, render(), query), levels);
  const headers = { Allow: methodsOf(bmc, tree, path).join(', ') };
  const etag = etagOf(bmc, body);
  if (etag === undefined) return { status: 200, body, headers };
  if (etag === ifNoneMatch) return { status: 304, headers: { ETag: etag } };
  const shown = bmc.profile.etag === 'weak' ? { ...body, '@odata.etag': etag } : body;
  return { status: 200, body: shown, headers: { ...headers, ETag: etag } };
}

function eventStream({ profile, events }: Controller): Reply {
  if (events.full) return problem(profile, 503, 'CreateLimitReachedForResource');
  return { status: 200, headers: { 'Content-Type': 'text/event-stream' }, stream: send => events.stream(send) };
}

/** A task monitor answers 202 while the task goes on; afterwards 204, and on iLO nothing is left of it. */
function monitor(bmc: Controller, path: string): Reply {
  const task = bmc.tasks.listed().find(({ id }) => path === `${monitorsUri}/${id}`);
  if (task === undefined || (bmc.profile.vendor === 'hpe' && isOver(task))) {
    return problem(bmc.profile, 404, 'ResourceMissingAtURI');
  }
  if (isOver(task)) return { status: 204 };
  return { status: 202, body: taskBody(task), headers: { Location: path, 'Retry-After': '5' } };
}
