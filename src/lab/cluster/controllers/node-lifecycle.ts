/**
 * What the control plane makes of its nodes: a lease that stops moving turns
 * the node Unknown, and conditions and cordon become taints.
 */

import { conditionOf, type NodeObject, type NodeTaint, podIsReady, setCondition } from '../model/objects.ts';
import type { ControllerContext, KeyedController } from './controller-loop.ts';
import { podIndex } from './pod-index.ts';

const unreachable = 'node.kubernetes.io/unreachable';
const notReady = 'node.kubernetes.io/not-ready';
const unschedulable = 'node.kubernetes.io/unschedulable';
const managed = new Set([unreachable, notReady, unschedulable]);
const source = { component: 'node-controller' };

/** Keeps the taints that follow from conditions and cordon, and tells of nodes that come and go. */
export function nodeTaints({ store, events }: ControllerContext): KeyedController {
  const registered = new Map<string, NodeObject>();
  return {
    name: 'node-taints',
    concerns: { nodes: ({ object }) => [object.metadata.name] },
    keys: () => store.list('nodes').map(({ metadata }) => metadata.name),
    reconcile: name => {
      const node = store.get('nodes', { name });
      const earlier = registered.get(name);
      if (earlier !== undefined && earlier.metadata.uid !== node?.metadata.uid) {
        const message = `Node ${name} event: Removing Node ${name} from Controller`;
        events.record(source, earlier, { reason: 'RemovingNode', message });
        registered.delete(name);
      }
      if (node === undefined) return;
      if (!registered.has(name)) {
        const message = `Node ${name} event: Registered Node ${name} in Controller`;
        events.record(source, node, { reason: 'RegisteredNode', message });
      }
      registered.set(name, node);
      store.update('nodes', { name }, draft => applyTaints(draft, lifecycleTaints(node), store.now()));
    },
  };
}

function applyTaints(draft: NodeObject, wanted: NodeTaint[], now: string): void {
  const taints = draft.spec.taints ?? [];
  const kept = taints.filter(taint => !managed.has(taint.key) || wanted.some(want => sameTaint(want, taint)));
  const added = wanted.filter(want => !taints.some(taint => sameTaint(want, taint)));
  const next = [...kept, ...added.map(taint => withTime(taint, now))];
  if (next.length > 0) draft.spec.taints = next;
  else delete draft.spec.taints;
}

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

/**
 * Looks at every lease twice per heartbeat; eight looks without a renewal and the node is Unknown and its pods are
 * not Ready. Counting looks, not seconds, keeps a busy lab from losing nodes that are well.
 */
export function watchLeases(context: ControllerContext): void {
  const { store, clock, timers } = context;
  const seen = new Map<string, { renewed: string; misses: number }>();
  const look = () => {
    for (const node of store.list('nodes')) {
      const { name } = node.metadata;
      const renewed = store.get('leases', { namespace: 'kube-node-lease', name })?.spec.renewTime ?? '';
      const earlier = seen.get(name);
      const misses = earlier?.renewed === renewed ? earlier.misses + 1 : 0;
      seen.set(name, { renewed, misses });
      if (misses >= 8 && conditionOf(node, 'Ready')?.status !== 'Unknown') loseNode(context, node);
    }
    timers.afterWallClock(clock.heartbeatMs / 2, look);
  };
  look();
}

function loseNode({ store, events }: ControllerContext, node: NodeObject): void {
  const { name } = node.metadata;
  const before = conditionOf(node, 'Ready');
  store.update('nodes', { name }, draft => {
    for (const type of ['MemoryPressure', 'DiskPressure', 'PIDPressure', 'Ready']) {
      setCondition(draft.status, store.now(), {
        type,
        status: 'Unknown',
        reason: before === undefined ? 'NodeStatusNeverUpdated' : 'NodeStatusUnknown',
        message: `Kubelet ${before === undefined ? 'never posted' : 'stopped posting'} node status.`,
      });
    }
  });
  if (before?.status !== 'True') return;
  events.record(source, node, { reason: 'NodeNotReady', message: `Node ${name} status is now: NodeNotReady` });
  for (const pod of podIndex(store).onNode(name)) {
    if (!podIsReady(pod)) continue;
    store.update('pods', pod.metadata, draft => {
      setCondition(draft.status, store.now(), { type: 'Ready', status: 'False', reason: 'NodeNotReady' });
    });
    events.record(source, pod, { type: 'Warning', reason: 'NodeNotReady', message: 'Node is not ready' });
  }
}
