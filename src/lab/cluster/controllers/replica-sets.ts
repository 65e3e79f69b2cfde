/** A ReplicaSet keeps its number of pods. */

import { controllerOf, type PodObject, podIsReady, type WorkloadObject } from '../model/objects.ts';
import { selectorMatches } from '../model/selectors.ts';
import type { Change } from '../model/store.ts';
import type { ControllerContext, KeyedController } from './controller-loop.ts';
import {
  availability,
  controlledBy,
  createOwnedPod,
  deletePod,
  isActive,
  keyOf,
  nameSuffix,
  ownerController,
} from './owned-pods.ts';
import { podIndex } from './pod-index.ts';

const source = { component: 'replicaset-controller' };

export function replicaSetController(context: ControllerContext): KeyedController {
  const { store } = context;
  const owned = ownerController(context, {
    name: 'replicaset',
    plural: 'replicasets',
    kind: 'ReplicaSet',
    owned: ['pods'],
    reconcile: (ref, again) => {
      const set = context.store.get('replicasets', ref);
      if (set !== undefined) reconcile(context, set, again);
    },
  });
  const ofPod = (change: Change) => {
    const { object, before, type } = change;
    const mine = [change, ...(before === undefined ? [] : [{ ...change, object: before }])];
    const keys = mine.flatMap(each => [...(owned.concerns.pods?.(each) ?? [])]);
    if (type === 'DELETED' || controllerOf(object) !== undefined) return keys;
    const takers = store
      .list('replicasets', object.metadata.namespace)
      .filter(set => selects(set, object as PodObject));
    return [...keys, ...takers.map(({ metadata }) => keyOf(metadata))];
  };
  return { ...owned, concerns: { ...owned.concerns, pods: ofPod } };
}

function selects({ spec }: WorkloadObject, { metadata }: PodObject): boolean {
  return selectorMatches(spec.selector, metadata.labels);
}

/** Lets go of pods that the selector does not take any more, and adopts pods without an owner that it does take. */
function claim({ store }: ControllerContext, set: WorkloadObject): void {
  const index = podIndex(store);
  const { uid, namespace = '' } = set.metadata;
  for (const pod of index.ownedBy(uid).filter(each => !selects(set, each))) {
    store.update('pods', pod.metadata, ({ metadata }) => {
      const others = metadata.ownerReferences?.filter(owner => owner.uid !== uid) ?? [];
      if (others.length > 0) metadata.ownerReferences = others;
      else delete metadata.ownerReferences;
    });
  }
  for (const pod of index.inNamespace(namespace)) {
    if (controllerOf(pod) !== undefined || !isActive(pod) || !selects(set, pod)) continue;
    store.update('pods', pod.metadata, ({ metadata }) => {
      metadata.ownerReferences = [...(metadata.ownerReferences ?? []), controlledBy(set)];
    });
  }
}

function reconcile(context: ControllerContext, set: WorkloadObject, again: (ms: number) => void): void {
  const { store, clock } = context;
  const index = podIndex(store);
  if (set.metadata.deletionTimestamp === undefined) {
    claim(context, set);
    keepNumber(context, set, index.ownedBy(set.metadata.uid));
  }
  const active = index.ownedBy(set.metadata.uid).filter(isActive);
  const { available, nextMs } = availability(active, { ...set.spec, speed: clock.speed });
  if (Number.isFinite(nextMs)) again(nextMs);
  store.update('replicasets', set.metadata, draft => {
    Object.assign(draft.status, {
      observedGeneration: set.metadata.generation,
      replicas: active.length,
      fullyLabeledReplicas: active.length,
      readyReplicas: active.filter(podIsReady).length,
      availableReplicas: available,
    });
  });
}

function keepNumber({ store, events }: ControllerContext, set: WorkloadObject, pods: PodObject[]): void {
  const active = pods.filter(isActive);
  const wanted = set.spec.replicas ?? 1;
  for (let missing = wanted - active.length; missing > 0; missing--) {
    const pod = createOwnedPod(store, set, {
      name: `${set.metadata.name}-${nameSuffix()}`,
      template: set.spec.template,
    });
    if (pod === undefined) return;
    events.record(source, set, { reason: 'SuccessfulCreate', message: `Created pod: ${pod.metadata.name}` });
  }
  const leastUseful = active.toSorted((a, b) => usefulness(a) - usefulness(b));
  for (const pod of leastUseful.slice(0, Math.max(0, active.length - wanted))) {
    events.record(source, set, { reason: 'SuccessfulDelete', message: `Deleted pod: ${pod.metadata.name}` });
    deletePod(store, pod);
  }
}

function usefulness(pod: PodObject): number {
  return (pod.spec.nodeName === undefined ? 0 : 1) + (podIsReady(pod) ? 2 : 0);
}
