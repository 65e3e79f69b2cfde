/** What goes along when something is deleted: an owner's dependents, and a namespace's content before itself. */
import type { Controller } from './controller-loop.ts';
import { deleteObject, dependents } from './deletion.ts';
import type { KubeObject } from './objects.ts';
import { resourceKinds } from './resources.ts';
import type { Store } from './store.ts';

const namespacedKinds = resourceKinds.filter(kind => kind.namespaced).map(kind => kind.plural);

/** Deletes the dependents of whatever is deleted, a moment later. Returns the way to stop it. */
export function collectDependents(store: Store): () => void {
  return store.onChange(({ type, object }) => {
    if (type !== 'DELETED') return;
    setImmediate(() => {
      for (const dependent of dependents(store, object)) discard(store, dependent.plural, dependent.object);
    });
  });
}

export const namespaceController: Controller = {
  name: 'namespace',
  watches: ['namespaces', ...namespacedKinds],
  reconcile: store => {
    for (const { metadata } of store.list('namespaces')) {
      if (metadata.deletionTimestamp === undefined) continue;
      const content = namespacedKinds.flatMap(plural =>
        store.list(plural, metadata.name).map(object => ({ plural, object })),
      );
      for (const { plural, object } of content) discard(store, plural, object);
      if (content.length === 0) store.remove('namespaces', metadata);
    }
  },
};

function discard(store: Store, plural: string, { metadata }: KubeObject): void {
  const { name, namespace, deletionTimestamp } = metadata;
  if (deletionTimestamp !== undefined) return;
  deleteObject(store, { plural, name, ...(namespace === undefined ? {} : { namespace }) }, {});
}
