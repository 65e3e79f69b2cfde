/** Writes of one object over the wire: created, replaced, patched, scaled or applied, with its fields' owners counted. */
import { admitNew, admitUpdate } from '../model/admission.ts';
import { isReleased } from '../model/deletion.ts';
import { ApiFailure, badRequest, notFound } from '../model/failure.ts';
import type { KubeObject } from '../model/objects.ts';
import { apiVersionOf, storeKey } from '../model/resources.ts';
import type { Store } from '../model/store.ts';
import { isMap, type Json } from './field-paths.ts';
import { requireKnownFields } from './known-fields.ts';
import { type Manager, trackUpdate } from './managed-fields.ts';
import { applyPatch } from './patch.ts';
import { type Answer, type ApiRequest, isDryRun, type NamedTarget, refOf, type Target } from './request.ts';
import { scaledTo, scaleOf } from './scale.ts';
import { appliedFirst, applyConfiguration } from './server-side-apply.ts';

const applyType = 'application/apply-patch+yaml';

/** The object as it is. Throws 404. */
function currentOf(store: Store, target: NamedTarget): KubeObject {
  const current = store.get(storeKey(target.kind), refOf(target));
  if (current === undefined) throw notFound(target.kind, target.name);
  return current;
}

/** Answers a GET of one object, or of its scale. */
export function read(store: Store, target: NamedTarget): KubeObject {
  const current = currentOf(store, target);
  return target.subresource === 'scale' ? scaleOf(current) : current;
}

/** Answers a POST. */
export function create(store: Store, target: Target, request: ApiRequest): Answer {
  const { kind, namespace } = target;
  if (kind.namespaced && namespace === undefined) throw badRequest('an empty namespace may not be set during creation');
  const sent = namespace === undefined ? { body: request.body } : { body: request.body, namespace };
  requireKnownFields(kind, request.body, request.query);
  const admitted = admitNew(store, kind, sent);
  const tracked = trackUpdate(undefined, admitted, { manager: managerOf(target, request), time: store.now() });
  return { status: 201, body: store.create(storeKey(kind), tracked, { dryRun: isDryRun(request) }) };
}

/** Answers a PUT. */
export function replace(store: Store, target: NamedTarget, request: ApiRequest): Answer {
  return { status: 200, body: update(store, target, { request, next: () => request.body }) };
}

/** Answers a PATCH of any form. */
export function patch(store: Store, target: NamedTarget, request: ApiRequest): Answer {
  const contentType = String(request.headers['content-type'] ?? '').split(';')[0] ?? '';
  if (contentType === applyType) return apply(store, target, request);
  if (target.kind.key !== undefined && contentType === 'application/strategic-merge-patch+json') {
    throw new ApiFailure(
      415,
      'UnsupportedMediaType',
      'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
    );
  }
  const next = (current: KubeObject) => applyPatch(contentType, current, request.body);
  return { status: 200, body: update(store, target, { request, next }) };
}

/** Stores what `next` makes of the current object; its resource version, where it names one, must be the current one. */
function update(
  store: Store,
  target: NamedTarget,
  { request, next }: { request: ApiRequest; next: (current: KubeObject) => unknown },
): KubeObject {
  const { kind, subresource } = target;
  const current = currentOf(store, target);
  const sent = subresource === 'scale' ? scaledTo(kind, current, next(scaleOf(current))) : next(current);
  requireKnownFields(kind, sent, request.query);
  const admitted = admitUpdate(kind, current, { body: sent, statusOnly: subresource === 'status' });
  const tracked = trackUpdate(ownedAsSent(current, sent), admitted, {
    manager: managerOf(target, request),
    time: store.now(),
  });
  const stored = keep(store, target, { request, sent, current, next: tracked });
  return subresource === 'scale' ? scaleOf(stored) : stored;
}

/** A client may rewrite the owners themselves, as kubectl does when it moves to server-side apply. */
function ownedAsSent(current: KubeObject, sent: unknown): KubeObject {
  const { managedFields } = ((sent as { metadata?: object }).metadata ?? {}) as { managedFields?: unknown };
  return Array.isArray(managedFields)
    ? ({ ...current, metadata: { ...current.metadata, managedFields } } as KubeObject)
    : current;
}

function keep(
  store: Store,
  target: NamedTarget,
  write: { request: ApiRequest; sent: unknown; current: KubeObject; next: KubeObject },
): KubeObject {
  const { request, sent, current, next } = write;
  const key = storeKey(target.kind);
  const ref = refOf(target);
  const { resourceVersion } = (sent as { metadata?: { resourceVersion?: unknown } }).metadata ?? {};
  const expected = typeof resourceVersion === 'string' ? resourceVersion : undefined;
  const dryRun = isDryRun(request);
  const stored = store.replace(key, { ...ref, expected, dryRun }, next);
  const held = (current.metadata.finalizers ?? []).length > 0;
  if (held && !dryRun && isReleased(key, stored)) store.remove(key, ref);
  return stored;
}

function apply(store: Store, target: NamedTarget, request: ApiRequest): Answer {
  const { kind, subresource } = target;
  const { body: config, query } = request;
  if (!isMap(config)) throw badRequest('the body of an apply is an object');
  if (!query.get('fieldManager')) throw new ApiFailure(400, 'BadRequest', 'fieldManager is required for apply patch');
  if (isMap(config.metadata) && config.metadata.managedFields !== undefined) {
    throw badRequest('metadata.managedFields must be nil');
  }
  requireKnownFields(kind, config, query);
  const manager = { ...managerOf(target, request), operation: 'Apply' as const };
  const applying = { manager, force: query.get('force') === 'true', time: store.now() };
  const current = store.get(storeKey(kind), refOf(target));
  if (current === undefined) return applyNew(store, target, { request, config, applying });
  const next = applyConfiguration(current, config, applying);
  const statusOnly = subresource === 'status';
  const admitted = admitUpdate(kind, current, { body: { ...next, apiVersion: config.apiVersion }, statusOnly });
  const { managedFields } = next.metadata as { managedFields?: unknown };
  const owned = { ...admitted, metadata: { ...admitted.metadata, managedFields } };
  return { status: 200, body: keep(store, target, { request, sent: config, current, next: owned }) };
}

function applyNew(
  store: Store,
  target: NamedTarget,
  { request, config, applying }: { request: ApiRequest; config: Json; applying: Parameters<typeof appliedFirst>[2] },
): Answer {
  const { kind, name, namespace, subresource } = target;
  if (subresource !== undefined) throw notFound(kind, name);
  const body = { ...config, metadata: { ...(config.metadata as object | undefined), name } };
  const admitted = admitNew(store, kind, namespace === undefined ? { body } : { body, namespace });
  const owned = appliedFirst(admitted, config, applying);
  return { status: 201, body: store.create(storeKey(kind), owned, { dryRun: isDryRun(request) }) };
}

/** Who writes: as the request says, or else the first word of its User-Agent. */
function managerOf({ kind, subresource }: Target, { query, headers }: ApiRequest): Manager {
  const agent = String(headers['user-agent'] ?? 'unknown').split('/')[0] ?? '';
  return {
    name: (query.get('fieldManager') ?? agent).slice(0, 128),
    operation: 'Update',
    apiVersion: apiVersionOf(kind),
    subresource: subresource ?? '',
  };
}
