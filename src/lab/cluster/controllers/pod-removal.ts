/** Pods that leave although nobody asked: driven off by taints, or forgotten with a node that is gone for good. */

import {
  conditionOf,
  type NodeObject,
  type NodeTaint,
  type PodObject,
  podIsFinished,
  setCondition,
} from '../model/objects.ts';
import type { Change, Store } from '../model/store.ts';
import { tolerates } from '../model/taints.ts';
import type { ControllerContext, KeyedController } from './controller-loop.ts';
import { deletePod } from './owned-pods.ts';
import { podIndex } from './pod-index.ts';

const outOfService = 'node.kubernetes.io/out-of-service';
/** Real milliseconds that pods of a deleted node are kept, in case it comes back. */
const quarantineMs = 40_000;

/** Sends pods away from NoExecute taints that they do not tolerate, or tolerate for a time only. */
export function taintEviction(context: ControllerContext): KeyedController {
  const { store, clock, events } = context;
  const source = { component: 'taint-eviction-controller' };
  const evict = (pod: PodObject) => {
    const { namespace, name } = pod.metadata;
    const message = `Marking for deletion Pod ${namespace}/${name}`;
    // This controller knows the names of pods alone, so its events carry no uid.
    const metadata = { ...pod.metadata, uid: '', resourceVersion: '' };
    events.record(source, { ...pod, metadata }, { reason: 'TaintManagerEviction', message });
    markDisrupted(store, pod, {
      reason: 'DeletionByTaintManager',
      message: 'Taint manager: deleting due to NoExecute taint',
    });
    deletePod(store, pod);
  };
  const seen = new Map<string, number>();
  /** A taint without a time counts from when it was first seen here. */
  const since = (node: string, { key, effect, timeAdded }: NodeTaint): number => {
    if (timeAdded !== undefined) return Date.parse(timeAdded);
    const id = `${node} ${key}:${effect}`;
    seen.set(id, seen.get(id) ?? store.nowMs());
    return seen.get(id) ?? 0;
  };
  return {
    name: 'taint-eviction',
    concerns: {
      nodes: ({ object }) => [object.metadata.name],
      pods: change => nodeOf(change).filter(name => drivesOff(store.get('nodes', { name })).length > 0),
    },
    keys: () => store.list('nodes').map(({ metadata }) => metadata.name),
    reconcile: (name, again) => {
      const taints = drivesOff(store.get('nodes', { name }));
      for (const id of seen.keys()) {
        if (id.startsWith(`${name} `) && !taints.some(taint => id === `${name} ${taint.key}:${taint.effect}`))
          seen.delete(id);
      }
      if (taints.length === 0) return;
      const now = store.nowMs();
      let next = Number.POSITIVE_INFINITY;
      for (const pod of podIndex(store).onNode(name)) {
        if (pod.metadata.deletionTimestamp !== undefined || podIsFinished(pod)) continue;
        const at = Math.min(...taints.map(taint => since(name, taint) + patienceMs(pod, taint, clock)));
        if (at <= now) evict(pod);
        else next = Math.min(next, at);
      }
      if (Number.isFinite(next)) again((next - now + 1) * clock.speed);
    },
  };
}

function drivesOff(node: NodeObject | undefined): NodeTaint[] {
  return (node?.spec.taints ?? []).filter(({ effect }) => effect === 'NoExecute');
}

/** Wall-clock milliseconds that the pod stays under this taint, infinite when it may for ever. */
function patienceMs(pod: PodObject, taint: NodeTaint, clock: ControllerContext['clock']): number {
  const tolerating = (pod.spec.tolerations ?? []).filter(toleration => tolerates(toleration, taint));
  const seconds = tolerating.map(({ tolerationSeconds }) => tolerationSeconds ?? Number.POSITIVE_INFINITY);
  return clock.scaled(Math.min(...(seconds.length > 0 ? seconds : [0])) * 1000);
}

/** Forgets pods whose node was deleted, and ending pods of a dead node that is declared out of service. */
export function podGarbage({ store, clock }: ControllerContext): KeyedController {
  const index = podIndex(store);
  const missing = new Map<string, number>();
  return {
    name: 'pod-gc',
    concerns: {
      nodes: ({ object }) => [object.metadata.name],
      pods: change => nodeOf(change).filter(name => isAbandoned(store.get('nodes', { name }))),
    },
    keys: () => index.nodeNames(),
    reconcile: (name, again) => {
      const node = store.get('nodes', { name });
      if (node !== undefined) {
        missing.delete(name);
        if (!isAbandoned(node)) return;
        for (const pod of index.onNode(name)) if (pod.metadata.deletionTimestamp !== undefined) forget(store, pod);
        return;
      }
      const since = missing.get(name) ?? Date.now();
      missing.set(name, since);
      const left = quarantineMs - (Date.now() - since) * clock.speed;
      if (left > 0) return again(left);
      missing.delete(name);
      for (const pod of index.onNode(name)) forget(store, pod);
    },
  };
}

function isAbandoned(node: NodeObject | undefined): boolean {
  if (node === undefined) return true;
  const dead = conditionOf(node, 'Ready')?.status !== 'True';
  return dead && (node.spec.taints ?? []).some(({ key }) => key === outOfService);
}

function forget(store: Store, pod: PodObject): void {
  const why = { reason: 'DeletionByPodGC', message: 'PodGC: node no longer exists' };
  if (!podIsFinished(pod)) markDisrupted(store, pod, why, 'Failed');
  store.remove('pods', pod.metadata);
}

function nodeOf({ object }: Change): string[] {
  const { nodeName } = (object as PodObject).spec;
  return nodeName === undefined ? [] : [nodeName];
}

function markDisrupted(
  store: Store,
  { metadata }: PodObject,
  why: { reason: string; message: string },
  phase?: string,
): void {
  store.update('pods', metadata, draft => {
    setCondition(draft.status, store.now(), { type: 'DisruptionTarget', status: 'True', ...why });
    if (phase !== undefined) draft.status.phase = phase;
  });
}
