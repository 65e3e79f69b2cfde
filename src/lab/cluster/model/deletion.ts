/**
 * Deleting, as the API does it: a bound pod stays with a deletion timestamp
 * until its kubelet lets it go, a finalizer or a namespace's content holds
 * its object back, everything else leaves at once.
 */
import { conflict, notFound, type StatusBody, success } from './failure.ts';
import { type KubeObject, podIsFinished } from './objects.ts';
import type { ResourceKind } from './resources.ts';
import type { Ref, Store } from './store.ts';

/** Holds an owner until what blocks its deletion is gone. */
export const foregroundFinalizer = 'foregroundDeletion';
/** Holds an owner until its dependents are let go. */
export const orphanFinalizer = 'orphan';

export type DeleteOptions = {
  gracePeriodSeconds?: number;
  propagationPolicy?: string;
  /** The older form of propagation `Orphan`. */
  orphanDependents?: boolean;
  preconditions?: { uid?: string; resourceVersion?: string };
  dryRun?: string[];
};

/** Deletes or starts to delete; answers the object while it stays, else a Success status. Throws 404 or 409. */
export function deleteObject(
  store: Store,
  target: Ref & { plural: string },
  options: DeleteOptions,
): KubeObject | StatusBody {
  const { plural, ...ref } = target;
  const kind = store.kinds.of(plural);
  const current = store.get(plural, ref);
  if (current === undefined) throw notFound(kind, ref.name);
  checkPreconditions(kind, current, options.preconditions);
  if (options.dryRun?.includes('All')) return current;
  const finalizer = finalizerFor(options);
  const graceSeconds = plural === 'pods' ? podGraceSeconds(store, ref, options) : 0;
  const held = (current.metadata.finalizers ?? []).length > 0 || finalizer !== undefined || plural === 'namespaces';
  if (graceSeconds > 0 || held) return markDeleted(store, target, { graceSeconds, finalizer });
  store.remove(plural, ref);
  if (plural === 'pods') return { ...current, metadata: { ...current.metadata, deletionGracePeriodSeconds: 0 } };
  return success({
    name: ref.name,
    ...(kind.group === '' ? {} : { group: kind.group }),
    kind: kind.plural,
    uid: current.metadata.uid,
  });
}

/** Throws 409 when a uid or resource version that the caller insists on is not the current one. */
export function checkPreconditions(
  kind: ResourceKind,
  object: KubeObject,
  preconditions: DeleteOptions['preconditions'],
): void {
  const { uid, resourceVersion, name } = object.metadata;
  if (preconditions?.uid !== undefined && preconditions.uid !== uid) {
    const why = `Precondition failed: UID in precondition: ${preconditions.uid}, UID in object meta: ${uid}`;
    throw conflict(kind, name, why);
  }
  if (preconditions?.resourceVersion !== undefined && preconditions.resourceVersion !== resourceVersion) {
    const why = `Precondition failed: ResourceVersion in precondition: ${preconditions.resourceVersion}, ResourceVersion in object meta: ${resourceVersion}`;
    throw conflict(kind, name, why);
  }
}

function podGraceSeconds(store: Store, ref: Ref, options: DeleteOptions): number {
  const pod = store.get('pods', ref);
  if (pod === undefined || pod.spec.nodeName === undefined || podIsFinished(pod)) return 0;
  return options.gracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30;
}

function finalizerFor({ propagationPolicy, orphanDependents }: DeleteOptions): string | undefined {
  if (propagationPolicy === 'Foreground') return foregroundFinalizer;
  return propagationPolicy === 'Orphan' || orphanDependents === true ? orphanFinalizer : undefined;
}

function markDeleted(
  store: Store,
  { plural, ...ref }: Ref & { plural: string },
  { graceSeconds, finalizer }: { graceSeconds: number; finalizer: string | undefined },
): KubeObject {
  return store.update(plural, ref, draft => {
    const { metadata } = draft;
    if (finalizer !== undefined && metadata.deletionTimestamp === undefined) {
      metadata.finalizers = [...new Set([...(metadata.finalizers ?? []), finalizer])];
    }
    const earlier = metadata.deletionGracePeriodSeconds;
    if (earlier !== undefined && earlier <= graceSeconds) return;
    metadata.deletionTimestamp ??= store.now();
    metadata.deletionGracePeriodSeconds = graceSeconds;
    if (plural === 'namespaces') draft.status = { ...draft.status, phase: 'Terminating' };
  });
}

/** Takes a finalizer off; the object leaves when it was being deleted and nothing else holds it. */
export function releaseFinalizer(store: Store, { plural, ...ref }: Ref & { plural: string }, finalizer: string): void {
  const stored = store.update(plural, ref, ({ metadata }) => {
    metadata.finalizers = (metadata.finalizers ?? []).filter(each => each !== finalizer);
    if (metadata.finalizers.length === 0) delete metadata.finalizers;
  });
  if (isReleased(plural, stored)) store.remove(plural, ref);
}

/** Whether an object is being deleted and nothing holds it: no finalizer, no grace, no content of its own. */
export function isReleased(plural: string, { metadata }: KubeObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, finalizers = [] } = metadata;
  const ended = deletionTimestamp !== undefined && deletionGracePeriodSeconds === 0 && finalizers.length === 0;
  return ended && plural !== 'namespaces';
}
