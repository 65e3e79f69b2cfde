/** From method, path and body to an answer: authentication, resources, writes, paging, ETags. Knows nothing of sockets. */
import { createHash } from 'node:crypto';
import type { Caller } from './access.ts';
import type { Controller } from './controller.ts';
import { type Body, problem, type Reply } from './reply.ts';
import { sessionsUri } from './resources/access.ts';
import { monitorsUri, taskBody } from './resources/tasks.ts';
import { type Resources, resourceTree } from './resources/tree.ts';
import { isOver } from './update-task.ts';
import { type WriteMethod, writesOf } from './writes.ts';

export type BmcRequest = {
  method: string;
  /** Path without query and trailing slash. */
  path: string;
  query: URLSearchParams;
  token?: string;
  authorization?: string;
  ifMatch?: string;
  /** Parsed; undefined when nothing was sent, and `malformed` when it was no JSON object. */
  body: Body | undefined | 'malformed';
};

export type Answer = { reply: Reply; caller: Caller | undefined };

const writeMethods: readonly string[] = ['POST', 'PATCH', 'PUT', 'DELETE'];

export function isWrite(method: string): method is WriteMethod {
  return writeMethods.includes(method);
}

/** Performs the request. Never throws; what cannot be done is a Redfish error. */
export function answer(bmc: Controller, request: BmcRequest): Answer {
  const { method } = request;
  const path = knownPath(bmc, request.path);
  const open = path === '/redfish' || path === '/redfish/v1' || (path === sessionsUri && method === 'POST');
  const caller = open ? undefined : bmc.access.identify(request);
  if (!open && caller === undefined) {
    const refusal = problem(bmc.profile, 401, 'NoValidSession');
    return { reply: { ...refusal, headers: { 'WWW-Authenticate': 'Basic realm="Redfish"' } }, caller };
  }
  const reply = isWrite(method) ? write(bmc, { ...request, path }, method, caller) : read(bmc, { ...request, path });
  return { reply, caller };
}

/** The path in the spelling of the tree, where the vendor does not mind the case. */
function knownPath(bmc: Controller, path: string): string {
  if (!bmc.profile.caseInsensitivePaths) return path;
  const wanted = path.toLowerCase();
  const spellings = [
    ...Object.keys(resourceTree(bmc)),
    ...Object.keys(writesOf(bmc)).map(key => key.split(' ')[1] ?? ''),
  ];
  return spellings.find(known => known.toLowerCase() === wanted) ?? path;
}

function write(bmc: Controller, request: BmcRequest, method: WriteMethod, caller: Caller | undefined): Reply {
  const { path, body, ifMatch } = request;
  const perform = writesOf(bmc)[`${method} ${path}`];
  if (perform === undefined) return unperformed(bmc, path);
  if (body === 'malformed') return problem(bmc.profile, 400, 'MalformedJSON');
  const render = resourceTree(bmc)[path];
  if (
    ifMatch !== undefined &&
    ifMatch !== '*' &&
    render !== undefined &&
    bare(ifMatch) !== bare(etagOf(bmc, render()))
  ) {
    return problem(bmc.profile, 412, 'PreconditionFailed');
  }
  return perform(body ?? {}, caller);
}

/** 404 when nothing has this URI, else 405 with what is allowed. */
function unperformed(bmc: Controller, path: string): Reply {
  const allowed = Object.keys(writesOf(bmc)).filter(key => key.endsWith(` ${path}`));
  const methods = allowed.map(key => key.split(' ')[0] ?? '');
  if (Object.hasOwn(resourceTree(bmc), path)) methods.unshift('GET', 'HEAD');
  if (methods.length === 0) return problem(bmc.profile, 404, 'ResourceMissingAtURI');
  return { ...problem(bmc.profile, 405, 'OperationNotAllowed'), headers: { Allow: methods.join(', ') } };
}

function read(bmc: Controller, { method, path, query }: BmcRequest): Reply {
  if (method !== 'GET' && method !== 'HEAD') return unperformed(bmc, path);
  if (path.startsWith(`${monitorsUri}/`)) return monitor(bmc, path);
  const tree = resourceTree(bmc);
  const render = Object.hasOwn(tree, path) ? tree[path] : undefined;
  if (render === undefined) return unperformed(bmc, path);
  const known = new Set(['$skip', '$top', ...(bmc.profile.expand ? ['$expand'] : [])]);
  const odd = [...query.keys()].find(key => key.startsWith('$') && !known.has(key));
  if (odd !== undefined) return problem(bmc.profile, 501, 'QueryNotSupportedOnResource', odd);
  const body = expanded(tree, paged(bmc, render(), query), query.has('$expand'));
  const etag = etagOf(bmc, body);
  const shown = bmc.profile.etag === 'weak' ? { ...body, '@odata.etag': etag } : body;
  return { status: 200, body: shown, headers: { ETag: etag } };
}

/** A task monitor answers 202 while the task goes on; afterwards 204, and on iLO nothing is left of it. */
function monitor(bmc: Controller, path: string): Reply {
  const task = bmc.updates.listed().find(({ id }) => path === `${monitorsUri}/${id}`);
  if (task === undefined || (bmc.profile.vendor === 'hpe' && isOver(task))) {
    return problem(bmc.profile, 404, 'ResourceMissingAtURI');
  }
  if (isOver(task)) return { status: 204 };
  return { status: 202, body: taskBody(task), headers: { Location: path, 'Retry-After': '5' } };
}

function paged(bmc: Controller, body: Body, query: URLSearchParams): Body {
  const { Members: members } = body;
  if (!Array.isArray(members)) return body;
  const skip = count(query.get('$skip')) ?? 0;
  const isLog = String(body['@odata.type']).includes('LogEntryCollection');
  const page = isLog ? (bmc.profile.log.pageSize ?? members.length) : members.length;
  const top = Math.min(count(query.get('$top')) ?? page, page);
  const shown = members.slice(skip, skip + top);
  const more = top > 0 && skip + top < members.length && !query.has('$top');
  const next = more ? { '@odata.nextLink': `${body['@odata.id']}?$skip=${skip + top}` } : {};
  return { ...body, Members: shown, ...next };
}

function expanded(tree: Resources, body: Body, wanted: boolean): Body {
  const { Members: members } = body;
  if (!wanted || !Array.isArray(members)) return body;
  return { ...body, Members: members.map(member => tree[String(member['@odata.id'])]?.() ?? member) };
}

function count(text: string | null): number | undefined {
  return text !== null && /^\d+$/.test(text) ? Number(text) : undefined;
}

function etagOf(bmc: Controller, body: Body): string {
  const digest = createHash('sha256').update(JSON.stringify(body)).digest('hex');
  return bmc.profile.etag === 'weak' ? `W/"${digest.slice(0, 8).toUpperCase()}"` : `"${digest.slice(0, 16)}"`;
}

function bare(etag: string): string {
  return etag.replace(/^W\//, '');
}
