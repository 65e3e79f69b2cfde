/** StatefulSets replace a pod under its own name, one after the other; DaemonSets keep one pod on every node. */
import type { Controller } from './controller-loop.ts';
import { type NodeObject, type PodObject, podIsFinished, podIsReady, type WorkloadObject } from './objects.ts';
import { createOwnedPod, deletePod, isActive, nameSuffix, podsByController } from './owned-pods.ts';
import type { Store } from './store.ts';
import { daemonTolerations, mayBePlaced } from './taints.ts';

export const statefulSetController: Controller = {
  name: 'statefulset',
  watches: ['statefulsets', 'pods'],
  reconcile: store => {
    const pods = podsByController(store);
    for (const set of store.list('statefulsets')) reconcileStatefulSet(store, set, pods.get(set.metadata.uid) ?? []);
  },
};

export const daemonSetController: Controller = {
  name: 'daemonset',
  watches: ['daemonsets', 'pods', 'nodes'],
  reconcile: store => {
    const pods = podsByController(store);
    for (const set of store.list('daemonsets')) reconcileDaemonSet(store, set, pods.get(set.metadata.uid) ?? []);
  },
};

function reconcileStatefulSet(store: Store, set: WorkloadObject, pods: PodObject[]): void {
  const wanted = set.metadata.deletionTimestamp === undefined ? (set.spec.replicas ?? 1) : 0;
  const byName = new Map(pods.map(pod => [pod.metadata.name, pod]));
  for (let ordinal = 0; ordinal < wanted; ordinal++) {
    const name = `${set.metadata.name}-${ordinal}`;
    const pod = byName.get(name);
    byName.delete(name);
    if (pod === undefined) {
      const labels = { 'statefulset.kubernetes.io/pod-name': name, 'apps.kubernetes.io/pod-index': String(ordinal) };
      createOwnedPod(store, set, { name, template: set.spec.template, labels });
    } else if (podIsFinished(pod)) deletePod(store, pod);
    if (pod === undefined || !isActive(pod) || !podIsReady(pod)) break;
  }
  const surplus = [...byName.values()].filter(pod => ordinalOf(pod) >= wanted);
  const last = surplus.toSorted((a, b) => ordinalOf(b) - ordinalOf(a))[0];
  if (last !== undefined && isActive(last)) deletePod(store, last);
  const active = pods.filter(isActive);
  const ready = active.filter(podIsReady).length;
  store.update('statefulsets', set.metadata, draft => {
    Object.assign(draft.status, {
      observedGeneration: set.metadata.generation,
      replicas: active.length,
      currentReplicas: active.length,
      updatedReplicas: active.length,
      readyReplicas: ready,
      availableReplicas: ready,
    });
  });
}

function ordinalOf(pod: PodObject): number {
  return Number(pod.metadata.name.slice(pod.metadata.name.lastIndexOf('-') + 1));
}

function reconcileDaemonSet(store: Store, set: WorkloadObject, pods: PodObject[]): void {
  const tolerations = [...(set.spec.template.spec.tolerations ?? []), ...daemonTolerations];
  const alive = set.metadata.deletionTimestamp === undefined;
  const nodes = alive ? store.list('nodes').filter(node => mayBePlaced(tolerations, node)) : [];
  const placed = Map.groupBy(pods, pod => nodeOfDaemonPod(pod) ?? '');
  for (const node of nodes) {
    const here = placed.get(node.metadata.name) ?? [];
    for (const pod of here.filter(podIsFinished)) deletePod(store, pod);
    if (here.length === 0) createDaemonPod(store, set, { node, tolerations });
  }
  const current = nodes.flatMap(node => placed.get(node.metadata.name) ?? []).filter(isActive);
  const ready = current.filter(podIsReady).length;
  store.update('daemonsets', set.metadata, draft => {
    Object.assign(draft.status, {
      observedGeneration: set.metadata.generation,
      desiredNumberScheduled: nodes.length,
      currentNumberScheduled: current.length,
      updatedNumberScheduled: current.length,
      numberMisscheduled: 0,
      numberReady: ready,
      numberAvailable: ready,
      numberUnavailable: nodes.length - ready,
    });
  });
}

function createDaemonPod(
  store: Store,
  set: WorkloadObject,
  { node, tolerations }: { node: NodeObject; tolerations: PodObject['spec']['tolerations'] },
): void {
  const pinned = { matchFields: [{ key: 'metadata.name', operator: 'In', values: [node.metadata.name] }] };
  const { template } = set.spec;
  const spec = {
    ...template.spec,
    ...(tolerations === undefined ? {} : { tolerations }),
    affinity: {
      nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [pinned] } },
    },
  };
  createOwnedPod(store, set, { name: `${set.metadata.name}-${nameSuffix()}`, template: { ...template, spec } });
}

/** The node that a DaemonSet's pod is bound to, or waits for. */
export function nodeOfDaemonPod(pod: PodObject): string | undefined {
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return pod.spec.nodeName ?? required?.nodeSelectorTerms[0]?.matchFields?.[0]?.values[0];
}
