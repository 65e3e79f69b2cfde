/**
 * Deleting, as the API does it: a bound pod stays with a deletion timestamp
 * until its kubelet lets it go, a finalizer or a namespace's content holds
 * its object back, everything else leaves at once.
 */
import { conflict, notFound, type StatusBody, success } from './failure.ts';
import { type KubeObject, podIsFinished } from './objects.ts';
import { kindOf } from './resources.ts';
import type { Ref, Store } from './store.ts';

export type DeleteOptions = {
  gracePeriodSeconds?: number;
  propagationPolicy?: string;
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
  const kind = kindOf(plural);
  const current = store.get(plural, ref);
  if (current === undefined) throw notFound(kind, ref.name);
  checkPreconditions(plural, current, options.preconditions);
  if (options.dryRun?.includes('All')) return current;
  if (options.propagationPolicy === 'Orphan') releaseDependents(store, current);
  const graceSeconds = plural === 'pods' ? podGraceSeconds(store, ref, options) : 0;
  const held = (current.metadata.finalizers ?? []).length > 0 || plural === 'namespaces';
  if (graceSeconds > 0 || held) return markDeleted(store, target, graceSeconds);
  store.remove(plural, ref);
  return success({ name: ref.name, group: kind.group, kind: kind.plural });
}

/** Throws 409 when a uid or resource version that the caller insists on is not the current one. */
export function checkPreconditions(
  plural: string,
  object: KubeObject,
  preconditions: DeleteOptions['preconditions'],
): void {
  const { uid, resourceVersion, name } = object.metadata;
  if (preconditions?.uid !== undefined && preconditions.uid !== uid) {
    const why = `Precondition failed: UID in precondition: ${preconditions.uid}, UID in object meta: ${uid}`;
    throw conflict(kindOf(plural), name, why);
  }
  if (preconditions?.resourceVersion !== undefined && preconditions.resourceVersion !== resourceVersion) {
    const why = `Precondition failed: ResourceVersion in precondition: ${preconditions.resourceVersion}, ResourceVersion in object meta: ${resourceVersion}`;
    throw conflict(kindOf(plural), name, why);
  }
}

function podGraceSeconds(store: Store, ref: Ref, options: DeleteOptions): number {
  const pod = store.get('pods', ref);
  if (pod === undefined || pod.spec.nodeName === undefined || podIsFinished(pod)) return 0;
  return options.gracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30;
}

function markDeleted(store: Store, { plural, ...ref }: Ref & { plural: string }, graceSeconds: number): KubeObject {
  return store.update(plural, ref, draft => {
    const { metadata } = draft;
    const earlier = metadata.deletionGracePeriodSeconds;
    if (earlier !== undefined && earlier <= graceSeconds) return;
    metadata.deletionTimestamp ??= store.now();
    metadata.deletionGracePeriodSeconds = graceSeconds;
    if (plural === 'namespaces') draft.status = { ...draft.status, phase: 'Terminating' };
  });
}

function releaseDependents(store: Store, owner: KubeObject): void {
  for (const { plural, object } of dependents(store, owner)) {
    store.update(plural, object.metadata, draft => {
      draft.metadata.ownerReferences = draft.metadata.ownerReferences?.filter(({ uid }) => uid !== owner.metadata.uid);
    });
  }
}

const ownedKinds = [
  'pods',
  'replicasets',
  'leases',
  'deployments',
  'statefulsets',
  'daemonsets',
  'configmaps',
] as const;

/** Objects that name `owner` by uid among their owner references. */
export function dependents(store: Store, owner: KubeObject): { plural: string; object: KubeObject }[] {
  return ownedKinds.flatMap(plural =>
    store
      .list(plural)
      .filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === owner.metadata.uid))
      .map(object => ({ plural, object })),
  );
}
