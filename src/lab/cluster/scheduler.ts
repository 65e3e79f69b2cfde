/** Binds waiting pods to nodes: cordon, taints and selectors decide where one may go, the number of pods where it does. */
import type { Controller } from './controller-loop.ts';
import { controllerOf, type NodeObject, type PodObject, podIsFinished, setCondition } from './objects.ts';
import { nodeOfDaemonPod } from './set-controllers.ts';
import type { Store } from './store.ts';
import { mayBePlaced, tolerates } from './taints.ts';

export const scheduler: Controller = {
  name: 'scheduler',
  watches: ['pods', 'nodes'],
  reconcile: store => {
    const pods = store.list('pods');
    const waiting = pods.filter(pod => pod.spec.nodeName === undefined && pod.metadata.deletionTimestamp === undefined);
    if (waiting.length === 0) return;
    const nodes = store.list('nodes');
    const placed = pods.filter(pod => pod.spec.nodeName !== undefined && !podIsFinished(pod));
    for (const pod of waiting) {
      const node = leastLoaded(
        nodes.filter(candidate => fits(pod, candidate)),
        pod,
        placed,
      );
      if (node === undefined) markUnschedulable(store, pod);
      else placed.push(bind(store, pod, node.metadata.name));
    }
  },
};

const cordon = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

function fits(pod: PodObject, node: NodeObject): boolean {
  const { tolerations = [], nodeSelector = {} } = pod.spec;
  if (node.spec.unschedulable && !tolerations.some(toleration => tolerates(toleration, cordon))) return false;
  if (!mayBePlaced(tolerations, node)) return false;
  const pinned = pod.spec.affinity === undefined ? undefined : nodeOfDaemonPod(pod);
  if (pinned !== undefined && pinned !== node.metadata.name) return false;
  return Object.entries(nodeSelector).every(([key, value]) => node.metadata.labels?.[key] === value);
}

/** Fewest pods of the same owner first, then fewest pods. */
function leastLoaded(nodes: NodeObject[], pod: PodObject, placed: PodObject[]): NodeObject | undefined {
  const owner = controllerOf(pod)?.uid;
  const load = (node: NodeObject) => {
    const here = placed.filter(other => other.spec.nodeName === node.metadata.name);
    const siblings = here.filter(other => owner !== undefined && controllerOf(other)?.uid === owner).length;
    return siblings * 10_000 + here.length;
  };
  return nodes.map(node => ({ node, load: load(node) })).toSorted((a, b) => a.load - b.load)[0]?.node;
}

function bind(store: Store, pod: PodObject, nodeName: string): PodObject {
  return store.update('pods', pod.metadata, draft => {
    draft.spec.nodeName = nodeName;
    setCondition(draft.status, store.now(), { type: 'PodScheduled', status: 'True' });
  });
}

function markUnschedulable(store: Store, pod: PodObject): void {
  store.update('pods', pod.metadata, draft => {
    setCondition(draft.status, store.now(), {
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message: 'no node is available: cordoned, tainted or not selected',
    });
  });
}
