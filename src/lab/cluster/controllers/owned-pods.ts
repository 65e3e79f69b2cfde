/** What the workload controllers share: pods by their controlling owner, and new pods made from its template. */
import { createHash, randomBytes } from 'node:crypto';
import { admitNew } from '../model/admission.ts';
import { deleteObject } from '../model/deletion.ts';
import {
  conditionOf,
  controllerOf,
  type KubeObject,
  type OwnerReference,
  type PodObject,
  type PodTemplate,
  podIsFinished,
  podIsReady,
} from '../model/objects.ts';
import type { Change, NewObject, Store } from '../model/store.ts';
import type { ControllerContext, KeyedController } from './controller-loop.ts';

/** Counts for its owner: neither on its way out nor finished. */
export function isActive(pod: PodObject): boolean {
  return pod.metadata.deletionTimestamp === undefined && !podIsFinished(pod);
}

export function controlledBy(owner: KubeObject): OwnerReference {
  const { apiVersion, kind, metadata } = owner;
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid, controller: true, blockOwnerDeletion: true };
}

/** Whether nothing may be created for this owner any more. */
export function isClosing(store: Store, { metadata }: KubeObject): boolean {
  const home = store.get('namespaces', { name: metadata.namespace ?? '' });
  return metadata.deletionTimestamp !== undefined || home?.metadata.deletionTimestamp !== undefined;
}

/** Creates a pod of the owner, with defaults as if a client had posted it; undefined in a namespace that is ending. */
export function createOwnedPod(
  store: Store,
  owner: KubeObject,
  pod: { name: string; template: PodTemplate; labels?: Record<string, string> },
): PodObject | undefined {
  if (isClosing(store, owner)) return undefined;
  const { namespace = '' } = owner.metadata;
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
  return store.create('pods', admitNew(store, store.kinds.of('pods'), { body, namespace }));
}

export function deletePod(store: Store, pod: PodObject): void {
  const { name, namespace = '' } = pod.metadata;
  if (store.get('pods', { name, namespace })?.metadata.uid !== pod.metadata.uid) return;
  deleteObject(store, { plural: 'pods', name, namespace }, {});
}

const letters = 'bcdfghjklmnpqrstvwxz2456789';

/** Five random characters, as generated names end. */
export function nameSuffix(): string {
  return [...randomBytes(5)].map(byte => letters[byte % letters.length]).join('');
}

/** Ten characters that stand for a template, in the letters that generated names are made of. */
export function templateHash(template: object): string {
  const bytes = createHash('sha256').update(JSON.stringify(template)).digest().subarray(0, 10);
  return [...bytes].map(byte => letters[byte % letters.length]).join('');
}

export type Reference = { namespace: string; name: string };

export function keyOf({ namespace = '', name }: { namespace?: string; name: string }): string {
  return `${namespace}/${name}`;
}

export function referenceOf(key: string): Reference {
  const slash = key.indexOf('/');
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** A controller of one kind that is told of changes to its objects and to what they own. */
export function ownerController(
  { store }: ControllerContext,
  options: {
    name: string;
    plural: string;
    kind: string;
    owned: string[];
    reconcile: (ref: Reference, again: (ms: number) => void) => void;
  },
): KeyedController {
  const ofOwner = ({ object }: Change) => {
    const owner = controllerOf(object);
    return owner?.kind === options.kind ? [keyOf({ ...object.metadata, name: owner.name })] : [];
  };
  return {
    name: options.name,
    concerns: {
      [options.plural]: ({ object }) => [keyOf(object.metadata)],
      ...Object.fromEntries(options.owned.map(plural => [plural, ofOwner])),
    },
    keys: () => store.list(options.plural).map(({ metadata }) => keyOf(metadata)),
    reconcile: (key, again) => options.reconcile(referenceOf(key), again),
  };
}

/** Of these pods, how many have been Ready for long enough, and the real milliseconds until the next one will be. */
export function availability(
  pods: PodObject[],
  { minReadySeconds = 0, speed }: { minReadySeconds?: number | undefined; speed: number },
): { available: number; nextMs: number } {
  let available = 0;
  let nextMs = Number.POSITIVE_INFINITY;
  for (const pod of pods) {
    if (!podIsReady(pod)) continue;
    const since = Date.parse(conditionOf(pod, 'Ready')?.lastTransitionTime ?? '');
    const left = minReadySeconds === 0 ? 0 : minReadySeconds * 1000 - (Date.now() - since) * speed;
    if (left <= 0) available++;
    else nextMs = Math.min(nextMs, left);
  }
  return { available, nextMs };
}
