/** The verbs of the API on stored objects: get, list, create, replace, patch and delete. */
import { admitNew, admitUpdate, requireOpenNamespace } from './admission.ts';
import { type DeleteOptions, deleteObject } from './deletion.ts';
import { type Eviction, evict } from './eviction.ts';
import { ApiFailure, badRequest, conflict, notFound, success } from './failure.ts';
import type { Lister } from './listing.ts';
import type { KubeObject } from './objects.ts';
import { applyPatch } from './patch.ts';
import { type Answer, type ApiRequest, selectionOf, type Target } from './request.ts';
import type { Store } from './store.ts';

type NamedTarget = Target & { name: string };

/** Answers every request that is not a watch; throws ApiFailure. */
export function answerRest(store: Store, lister: Lister, call: { target: Target; request: ApiRequest }): Answer {
  const { target, request } = call;
  const named = isNamed(target) ? target : undefined;
  switch (request.method) {
    case 'GET':
      return { status: 200, body: named ? currentOf(store, named) : lister.list(target, request) };
    case 'POST':
      if (named) return act(store, named, request);
      return { status: 201, body: create(store, target, request) };
    case 'PUT':
      if (named) return { status: 200, body: write(store, named, { request, next: () => request.body }) };
      break;
    case 'PATCH':
      if (named) return { status: 200, body: patch(store, named, request) };
      break;
    case 'DELETE':
      return named ? remove(store, named, request) : removeAll(store, target, request);
  }
  throw new ApiFailure(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource');
}

function isNamed(target: Target): target is NamedTarget {
  return target.name !== undefined;
}

function refOf({ name, namespace }: NamedTarget): { name: string; namespace?: string } {
  return namespace === undefined ? { name } : { name, namespace };
}

function currentOf(store: Store, target: NamedTarget): KubeObject {
  const current = store.get(target.kind.plural, refOf(target));
  if (current === undefined) throw notFound(target.kind, target.name);
  return current;
}

function isDryRun(request: ApiRequest): boolean {
  return request.query.getAll('dryRun').includes('All');
}

function create(store: Store, { kind, namespace }: Target, request: ApiRequest): KubeObject {
  if (kind.namespaced && namespace === undefined) throw badRequest('an empty namespace may not be set during creation');
  const sent = namespace === undefined ? { body: request.body } : { body: request.body, namespace };
  return store.create(kind.plural, admitNew(store, kind, sent), { dryRun: isDryRun(request) });
}

function act(store: Store, target: NamedTarget, request: ApiRequest): Answer {
  const { name, namespace = '', subresource } = target;
  if (subresource !== 'eviction' && subresource !== 'binding') {
    throw new ApiFailure(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource');
  }
  requireOpenNamespace(store, namespace);
  if (typeof request.body !== 'object' || request.body === null) throw badRequest('the body is no object');
  if (subresource === 'eviction') {
    const eviction = request.body as Eviction;
    const deleteOptions = { ...eviction.deleteOptions, ...(isDryRun(request) ? { dryRun: ['All'] } : {}) };
    return { status: 201, body: evict(store, { namespace, name }, { ...eviction, deleteOptions }) };
  }
  const binding = request.body as { target?: { name?: string } };
  const node = binding.target?.name;
  if (node === undefined) throw badRequest('a binding names its target');
  store.update('pods', { namespace, name }, draft => {
    if (draft.spec.nodeName !== undefined) throw conflict(target.kind, name, 'pod is already assigned to a node');
    draft.spec.nodeName = node;
  });
  return { status: 201, body: { ...success(), code: 201 } };
}

function patch(store: Store, target: NamedTarget, request: ApiRequest): KubeObject {
  const contentType = String(request.headers['content-type'] ?? '').split(';')[0] ?? '';
  return write(store, target, { request, next: current => applyPatch(contentType, current, request.body) });
}

/** Stores what `next` makes of the current object; its resource version, where it names one, must be the current one. */
function write(
  store: Store,
  target: NamedTarget,
  { request, next }: { request: ApiRequest; next: (current: KubeObject) => unknown },
): KubeObject {
  const { kind } = target;
  const current = currentOf(store, target);
  const body = next(current);
  const statusOnly = target.subresource === 'status';
  const admitted = admitUpdate(kind, current, { body, statusOnly });
  const sent = (body as { metadata?: { resourceVersion?: unknown } }).metadata?.resourceVersion;
  const expected = typeof sent === 'string' ? sent : undefined;
  const dryRun = isDryRun(request);
  const stored = store.replace(kind.plural, { ...refOf(target), expected, dryRun }, admitted);
  const unheld = stored.metadata.deletionTimestamp !== undefined && (stored.metadata.finalizers ?? []).length === 0;
  const letGo = unheld && (current.metadata.finalizers ?? []).length > 0 && kind.plural !== 'namespaces';
  const gone = letGo && (stored.metadata.deletionGracePeriodSeconds ?? 0) === 0;
  if (gone && !dryRun) store.remove(kind.plural, refOf(target));
  return stored;
}

function remove(store: Store, target: NamedTarget, request: ApiRequest): Answer {
  if (target.subresource !== undefined) throw new ApiFailure(405, 'MethodNotAllowed', 'nothing to delete here');
  const ref = { plural: target.kind.plural, ...refOf(target) };
  return { status: 200, body: deleteObject(store, ref, deleteOptionsOf(request)) };
}

function removeAll(store: Store, target: Target, request: ApiRequest): Answer {
  const { plural } = target.kind;
  const matches = selectionOf(target, request.query);
  const options = deleteOptionsOf(request);
  for (const { metadata } of store.list(plural, target.namespace).filter(matches)) {
    const { name, namespace } = metadata;
    deleteObject(store, { plural, name, ...(namespace === undefined ? {} : { namespace }) }, options);
  }
  return { status: 200, body: success() };
}

function deleteOptionsOf({ body, query }: ApiRequest): DeleteOptions {
  const options: DeleteOptions = typeof body === 'object' && body !== null ? { ...body } : {};
  const grace = query.get('gracePeriodSeconds');
  const propagation = query.get('propagationPolicy');
  if (grace !== null) options.gracePeriodSeconds = Number(grace);
  if (propagation !== null) options.propagationPolicy = propagation;
  if (query.getAll('dryRun').includes('All')) options.dryRun = ['All'];
  return options;
}
