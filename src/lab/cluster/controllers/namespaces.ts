/** Namespaces: each has a default service account, and what is in one goes before it does. */

import { deleteObject } from '../model/deletion.ts';
import { resourceKinds, storeKey } from '../model/resources.ts';
import type { Store } from '../model/store.ts';
import type { Controller } from './controller-loop.ts';

const kept = resourceKinds.filter(kind => kind.namespaced && !kind.review).map(storeKey);

export const namespaceController: Controller = {
  name: 'namespace',
  watches: ['namespaces', ...kept],
  reconcile: store => {
    for (const { metadata } of store.list('namespaces')) {
      const account = { name: 'default', namespace: metadata.name };
      if (metadata.deletionTimestamp !== undefined) empty(store, metadata.name);
      else if (store.get('serviceaccounts', account) === undefined) {
        store.create('serviceaccounts', { metadata: account });
      }
    }
  },
};

function empty(store: Store, namespace: string): void {
  const keys = new Set(store.kinds.all.filter(kind => kind.namespaced && !kind.review).map(storeKey));
  const content = [...keys].flatMap(plural =>
    store.list(plural, namespace).map(({ metadata }) => ({ plural, metadata })),
  );
  for (const { plural, metadata } of content) {
    if (metadata.deletionTimestamp === undefined) deleteObject(store, { plural, name: metadata.name, namespace }, {});
  }
  if (content.length === 0) store.remove('namespaces', { name: namespace });
}
