/**
 * What the control plane makes of its nodes: a lease that stops moving turns
 * the node Unknown, conditions and cordon become taints, taints send pods away
 * after a while, and pods of a node that was deleted are forgotten.
 */
import type { LabClock } from '../clock.ts';
import type { Controller } from './controller-loop.ts';
import { conditionOf, type NodeObject, type NodeTaint, type PodObject, podIsReady, setCondition } from './objects.ts';
import { deletePod } from './owned-pods.ts';
import type { Store } from './store.ts';
import { tolerates } from './taints.ts';
import { heartbeatMs, type Timers } from './timing.ts';

const unreachable = 'node.kubernetes.io/unreachable';
const notReady = 'node.kubernetes.io/not-ready';
const unschedulable = 'node.kubernetes.io/unschedulable';
const managed = new Set([unreachable, notReady, unschedulable]);

export const nodeTaints: Controller = {
  name: 'node-taints',
  watches: ['nodes'],
  reconcile: store => {
    for (const node of store.list('nodes')) {
      store.update('nodes', node.metadata, draft => {
        const taints = draft.spec.taints ?? [];
        const wanted = lifecycleTaints(node);
        const kept = taints.filter(taint => !managed.has(taint.key) || wanted.some(want => sameTaint(want, taint)));
        const added = wanted.filter(want => !taints.some(taint => sameTaint(want, taint)));
        const next = [...kept, ...added.map(taint => withTime(taint, store.now()))];
        if (next.length > 0) draft.spec.taints = next;
        else delete draft.spec.taints;
      });
    }
  },
};

function lifecycleTaints(node: NodeObject): NodeTaint[] {
  const ready = conditionOf(node, 'Ready')?.status;
  const taints: NodeTaint[] = [];
  if (ready === undefined) taints.push({ key: notReady, effect: 'NoSchedule' });
  else if (ready !== 'True') {
    const key = ready === 'Unknown' ? unreachable : notReady;
    taints.push({ key, effect: 'NoSchedule' }, { key, effect: 'NoExecute' });
  }
  if (node.spec.unschedulable) taints.push({ key: unschedulable, effect: 'NoSchedule' });
  return taints;
}

function sameTaint(a: NodeTaint, b: NodeTaint): boolean {
  return a.key === b.key && a.effect === b.effect;
}

function withTime(taint: NodeTaint, now: string): NodeTaint {
  return taint.effect === 'NoExecute' || taint.key === unschedulable ? { ...taint, timeAdded: now } : taint;
}

export const podGarbage: Controller = {
  name: 'pod-gc',
  watches: ['nodes', 'pods'],
  reconcile: store => {
    const nodes = new Set(store.list('nodes').map(node => node.metadata.name));
    for (const { metadata, spec } of store.list('pods')) {
      if (spec.nodeName !== undefined && !nodes.has(spec.nodeName)) store.remove('pods', metadata);
    }
  },
};

/** Sends pods away from NoExecute taints that they tolerate for a time only; `wake` makes the loop look again. */
export function taintEviction(options: { clock: LabClock; timers: Timers; wake: () => void }): Controller {
  let cancel = () => {};
  return {
    name: 'taint-eviction',
    watches: ['nodes', 'pods'],
    reconcile: store => {
      cancel();
      const deadlines = store.list('nodes').flatMap(node => deadlinesOn(store, node, options.clock));
      for (const { pod, at } of deadlines) if (at <= Date.now()) deletePod(store, pod);
      const next = Math.min(...deadlines.map(({ at }) => at).filter(at => at > Date.now()));
      if (Number.isFinite(next)) cancel = options.timers.afterWallClock(next - Date.now() + 1, options.wake);
    },
  };
}

function deadlinesOn(store: Store, node: NodeObject, clock: LabClock): { pod: PodObject; at: number }[] {
  const taints = (node.spec.taints ?? []).filter(({ effect }) => effect === 'NoExecute');
  if (taints.length === 0) return [];
  return store
    .list('pods')
    .filter(pod => pod.spec.nodeName === node.metadata.name && pod.metadata.deletionTimestamp === undefined)
    .flatMap(pod => taints.map(taint => ({ pod, at: deadline(pod, taint, clock) })))
    .filter(({ at }) => Number.isFinite(at));
}

/** Wall-clock time at which this taint drives the pod off, infinite when it may stay. */
function deadline(pod: PodObject, taint: NodeTaint, clock: LabClock): number {
  const tolerating = (pod.spec.tolerations ?? []).filter(toleration => tolerates(toleration, taint));
  const seconds = tolerating.map(({ tolerationSeconds }) => tolerationSeconds ?? Number.POSITIVE_INFINITY);
  const since = taint.timeAdded === undefined ? Date.now() : Date.parse(taint.timeAdded);
  return since + clock.scaled(Math.min(...(seconds.length > 0 ? seconds : [0])) * 1000);
}

/**
 * Looks at every lease twice per heartbeat; eight looks without a renewal and the node is Unknown and its pods are
 * not Ready. Counting looks, not seconds, keeps a busy lab from losing nodes that are well.
 */
export function watchLeases(store: Store, clock: LabClock, timers: Timers): void {
  const seen = new Map<string, { renewed: string; misses: number }>();
  const look = () => {
    for (const node of store.list('nodes')) {
      const { name } = node.metadata;
      const renewed = store.get('leases', { namespace: 'kube-node-lease', name })?.spec.renewTime ?? '';
      const earlier = seen.get(name);
      const misses = earlier?.renewed === renewed ? earlier.misses + 1 : 0;
      seen.set(name, { renewed, misses });
      if (misses >= 8 && conditionOf(node, 'Ready')?.status !== 'Unknown') loseNode(store, node);
    }
    timers.afterWallClock(heartbeatMs(clock) / 2, look);
  };
  look();
}

function loseNode(store: Store, { metadata: { name } }: NodeObject): void {
  store.update('nodes', { name }, draft => {
    for (const type of ['MemoryPressure', 'DiskPressure', 'PIDPressure', 'Ready']) {
      setCondition(draft.status, store.now(), {
        type,
        status: 'Unknown',
        reason: 'NodeStatusUnknown',
        message: 'Kubelet stopped posting node status.',
      });
    }
  });
  for (const pod of store.list('pods')) {
    if (pod.spec.nodeName !== name || !podIsReady(pod)) continue;
    store.update('pods', pod.metadata, draft => {
      setCondition(draft.status, store.now(), { type: 'Ready', status: 'False', reason: 'NodeNotReady' });
    });
  }
}
