/** What the workload controllers share: pods by their controlling owner, and new pods made from its template. */
import { randomBytes } from 'node:crypto';
import { admitNew } from './admission.ts';
import { deleteObject } from './deletion.ts';
import {
  controllerOf,
  type KubeObject,
  type OwnerReference,
  type PodObject,
  type PodTemplate,
  podIsFinished,
} from './objects.ts';
import { kindOf } from './resources.ts';
import type { NewObject, Store } from './store.ts';

/** Pods of every namespace by the uid of their controlling owner. */
export function podsByController(store: Store): Map<string, PodObject[]> {
  const pods = store.list('pods').filter(pod => controllerOf(pod) !== undefined);
  return Map.groupBy(pods, pod => controllerOf(pod)?.uid ?? '');
}

/** Counts for its owner: neither on its way out nor finished. */
export function isActive(pod: PodObject): boolean {
  return pod.metadata.deletionTimestamp === undefined && !podIsFinished(pod);
}

export function controlledBy(owner: KubeObject): OwnerReference {
  const { apiVersion, kind, metadata } = owner;
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid, controller: true, blockOwnerDeletion: true };
}

/** Creates a pod of the owner, with defaults as if a client had posted it; nothing in a namespace that is ending. */
export function createOwnedPod(
  store: Store,
  owner: KubeObject,
  pod: { name: string; template: PodTemplate; labels?: Record<string, string> },
): void {
  const { namespace = '' } = owner.metadata;
  if (store.get('namespaces', { name: namespace })?.metadata.deletionTimestamp !== undefined) return;
  const { template } = pod;
  const body: NewObject = {
    metadata: {
      ...template.metadata,
      name: pod.name,
      labels: { ...template.metadata?.labels, ...pod.labels },
      ownerReferences: [controlledBy(owner)],
    },
    spec: template.spec,
  };
  store.create('pods', admitNew(store, kindOf('pods'), { body, namespace }));
}

export function deletePod(store: Store, pod: PodObject): void {
  const { name, namespace = '' } = pod.metadata;
  deleteObject(store, { plural: 'pods', name, namespace }, {});
}

const letters = 'bcdfghjklmnpqrstvwxz2456789';

/** Five random characters, as generated names end. */
export function nameSuffix(): string {
  return [...randomBytes(5)].map(byte => letters[byte % letters.length]).join('');
}
