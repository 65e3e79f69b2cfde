/** Deployments keep a ReplicaSet per template, ReplicaSets keep their number of pods. */
import { createHash } from 'node:crypto';
import type { Controller } from './controller-loop.ts';
import { controllerOf, type PodObject, podIsReady, setCondition, type WorkloadObject } from './objects.ts';
import { controlledBy, createOwnedPod, deletePod, isActive, nameSuffix, podsByController } from './owned-pods.ts';
import type { Store } from './store.ts';

export const deploymentController: Controller = {
  name: 'deployment',
  watches: ['deployments', 'replicasets'],
  reconcile: store => {
    for (const deployment of store.list('deployments')) reconcileDeployment(store, deployment);
  },
};

export const replicaSetController: Controller = {
  name: 'replicaset',
  watches: ['replicasets', 'pods'],
  reconcile: store => {
    const pods = podsByController(store);
    for (const set of store.list('replicasets')) reconcileReplicaSet(store, set, pods.get(set.metadata.uid) ?? []);
  },
};

function reconcileDeployment(store: Store, deployment: WorkloadObject): void {
  const { metadata, spec } = deployment;
  const sets = store
    .list('replicasets', metadata.namespace)
    .filter(set => controllerOf(set)?.uid === metadata.uid && set.metadata.deletionTimestamp === undefined);
  const hash = templateHash(spec.template);
  const current = sets.find(set => set.metadata.labels?.['pod-template-hash'] === hash);
  const wanted = spec.replicas ?? 1;
  if (current === undefined) createReplicaSet(store, deployment, hash);
  else scale(store, current, wanted);
  const replaced = current !== undefined && count(current, 'readyReplicas') >= wanted;
  for (const set of sets) if (set !== current && replaced) scale(store, set, 0);
  writeDeploymentStatus(store, deployment, { sets, current });
}

function createReplicaSet(store: Store, deployment: WorkloadObject, hash: string): void {
  const { metadata, spec } = deployment;
  if (metadata.deletionTimestamp !== undefined) return;
  const label = { 'pod-template-hash': hash };
  const labels = { ...spec.template.metadata?.labels, ...label };
  store.create('replicasets', {
    metadata: {
      name: `${metadata.name}-${hash}`,
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
      labels,
      ownerReferences: [controlledBy(deployment)],
    },
    spec: {
      replicas: spec.replicas ?? 1,
      selector: { ...spec.selector, matchLabels: { ...spec.selector.matchLabels, ...label } },
      template: { ...spec.template, metadata: { ...spec.template.metadata, labels } },
    },
    status: {},
  });
}

function scale(store: Store, set: WorkloadObject, replicas: number): void {
  store.update('replicasets', set.metadata, draft => {
    draft.spec.replicas = replicas;
  });
}

function writeDeploymentStatus(
  store: Store,
  deployment: WorkloadObject,
  { sets, current }: { sets: WorkloadObject[]; current: WorkloadObject | undefined },
): void {
  const sum = (field: string) => sets.reduce((total, set) => total + count(set, field), 0);
  const available = sum('availableReplicas');
  const enough = available >= (deployment.spec.replicas ?? 1);
  store.update('deployments', deployment.metadata, draft => {
    Object.assign(draft.status, {
      observedGeneration: deployment.metadata.generation,
      replicas: sum('replicas'),
      readyReplicas: sum('readyReplicas'),
      availableReplicas: available,
      updatedReplicas: current === undefined ? 0 : count(current, 'replicas'),
    });
    setCondition(draft.status, store.now(), {
      type: 'Available',
      status: enough ? 'True' : 'False',
      reason: enough ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
    });
  });
}

function reconcileReplicaSet(store: Store, set: WorkloadObject, pods: PodObject[]): void {
  const active = pods.filter(isActive);
  const wanted = set.metadata.deletionTimestamp === undefined ? (set.spec.replicas ?? 1) : 0;
  for (let missing = wanted - active.length; missing > 0; missing--) {
    createOwnedPod(store, set, { name: `${set.metadata.name}-${nameSuffix()}`, template: set.spec.template });
  }
  const leastUseful = active.toSorted((a, b) => usefulness(a) - usefulness(b));
  for (const pod of leastUseful.slice(0, Math.max(0, active.length - wanted))) deletePod(store, pod);
  const ready = active.filter(podIsReady).length;
  store.update('replicasets', set.metadata, draft => {
    Object.assign(draft.status, {
      observedGeneration: set.metadata.generation,
      replicas: active.length,
      fullyLabeledReplicas: active.length,
      readyReplicas: ready,
      availableReplicas: ready,
    });
  });
}

function usefulness(pod: PodObject): number {
  return (pod.spec.nodeName === undefined ? 0 : 1) + (podIsReady(pod) ? 2 : 0);
}

function count(set: WorkloadObject, field: string): number {
  return Number(set.status[field] ?? 0);
}

function templateHash(template: object): string {
  return createHash('sha256').update(JSON.stringify(template)).digest('hex').slice(0, 10);
}
