/** A DaemonSet keeps one pod on every node that may run it, and replaces outdated ones node by node. */

import {
  type DaemonSetObject,
  type NodeObject,
  type PodObject,
  type PodTemplate,
  podIsFinished,
  podIsReady,
  type Toleration,
} from '../model/objects.ts';
import type { Change, Store } from '../model/store.ts';
import { daemonTolerations, mayBePlaced, mayStay } from '../model/taints.ts';
import type { ControllerContext, KeyedController } from './controller-loop.ts';
import {
  availability,
  createOwnedPod,
  deletePod,
  isActive,
  isClosing,
  keyOf,
  nameSuffix,
  ownerController,
} from './owned-pods.ts';
import { nodeAffinityHolds, sameForPlacement } from './placement.ts';
import { podIndex } from './pod-index.ts';
import { currentRevision, forgetRevisions, revisionLabel, revisionLabelOf } from './revisions.ts';
import { portionOf } from './rollout-numbers.ts';

const source = { component: 'daemonset-controller' };

export function daemonSetController(context: ControllerContext): KeyedController {
  const { store } = context;
  const owned = ownerController(context, {
    name: 'daemonset',
    plural: 'daemonsets',
    kind: 'DaemonSet',
    owned: ['pods'],
    reconcile: (ref, again) => {
      const set = store.get('daemonsets', ref) as DaemonSetObject | undefined;
      if (set !== undefined) reconcile(context, set, again);
    },
  });
  const everySet = ({ type, object, before }: Change) => {
    if (type === 'MODIFIED' && sameForPlacement(before as NodeObject, object as NodeObject)) return [];
    return store.list('daemonsets').map(({ metadata }) => keyOf(metadata));
  };
  return { ...owned, concerns: { ...owned.concerns, nodes: everySet } };
}

type Placed = { node: NodeObject; wanted: boolean; pods: PodObject[] };

function reconcile(context: ControllerContext, set: DaemonSetObject, again: (ms: number) => void): void {
  const { store } = context;
  const revision = currentRevision(store, set);
  const hash = revision.slice(set.metadata.name.length + 1);
  const template = daemonTemplate(set);
  const ending = set.metadata.deletionTimestamp !== undefined || isClosing(store, set);
  if (!ending) {
    const placed = placementsOf(context, set, template);
    for (const pod of strays(store, set)) removePod(context, set, pod);
    for (const place of placed) settle(context, { set, template, hash }, place);
    roll(context, { set, hash }, placed);
  }
  writeStatus(context, { set, placed: placementsOf(context, set, template), hash }, again);
  const used = new Set([revision]);
  forgetRevisions(store, set, { used, limit: set.spec.revisionHistoryLimit ?? 10 });
}

function daemonTemplate(set: DaemonSetObject): PodTemplate {
  const { template } = set.spec;
  const own = template.spec.tolerations ?? [];
  const hostNetwork: Toleration[] = template.spec.hostNetwork
    ? [{ key: 'node.kubernetes.io/network-unavailable', operator: 'Exists', effect: 'NoSchedule' }]
    : [];
  return { ...template, spec: { ...template.spec, tolerations: [...own, ...daemonTolerations, ...hostNetwork] } };
}

function placementsOf({ store }: ControllerContext, set: DaemonSetObject, template: PodTemplate): Placed[] {
  const byNode = Map.groupBy(podIndex(store).ownedBy(set.metadata.uid), pod => nodeOfDaemonPod(pod) ?? '');
  const probe = { spec: template.spec } as PodObject;
  return store.list('nodes').map(node => {
    const fits = nodeAffinityHolds(probe, node);
    const pods = byNode.get(node.metadata.name) ?? [];
    const { tolerations } = template.spec;
    const wanted = fits && (pods.length > 0 ? mayStay(tolerations, node) : mayBePlaced(tolerations, node));
    return { node, wanted, pods };
  });
}

/** Pods that wait for a node that is gone. */
function strays(store: Store, { metadata }: DaemonSetObject): PodObject[] {
  const waiting = podIndex(store)
    .ownedBy(metadata.uid)
    .filter(pod => pod.spec.nodeName === undefined && isActive(pod));
  return waiting.filter(pod => store.get('nodes', { name: nodeOfDaemonPod(pod) ?? '' }) === undefined);
}

/** The node that a DaemonSet's pod is bound to, or waits for. */
function nodeOfDaemonPod({ spec }: PodObject): string | undefined {
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return spec.nodeName ?? required?.nodeSelectorTerms[0]?.matchFields?.[0]?.values?.[0];
}

type Making = { set: DaemonSetObject; template: PodTemplate; hash: string };

function settle(context: ControllerContext, making: Making, { node, wanted, pods }: Placed): void {
  const { store, events } = context;
  const { set } = making;
  for (const pod of pods) {
    if (pod.metadata.deletionTimestamp !== undefined) continue;
    if (podIsFinished(pod)) {
      const message = `Found failed daemon pod ${keyOf(pod.metadata)} on node ${node.metadata.name}, will try to kill it`;
      events.record(source, set, { type: 'Warning', reason: 'FailedDaemonPod', message });
    }
    if (podIsFinished(pod) || !wanted) removePod(context, set, pod);
  }
  if (wanted && pods.length === 0) createPod(store, context, { ...making, node });
}

function createPod(
  store: Store,
  { events }: ControllerContext,
  { set, template, hash, node }: Making & { node: NodeObject },
): void {
  const pinned = { matchFields: [{ key: 'metadata.name', operator: 'In', values: [node.metadata.name] }] };
  const nodeAffinity = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [pinned] } };
  const spec = { ...template.spec, affinity: { ...template.spec.affinity, nodeAffinity } };
  const labels = { ...revisionLabel(hash), 'pod-template-generation': String(set.metadata.generation ?? 1) };
  const name = `${set.metadata.name}-${nameSuffix()}`;
  const pod = createOwnedPod(store, set, { name, template: { ...template, spec }, labels });
  if (pod) events.record(source, set, { reason: 'SuccessfulCreate', message: `Created pod: ${pod.metadata.name}` });
}

function removePod({ store, events }: ControllerContext, set: DaemonSetObject, pod: PodObject): void {
  events.record(source, set, { reason: 'SuccessfulDelete', message: `Deleted pod: ${pod.metadata.name}` });
  deletePod(store, pod);
}

/** Deletes outdated pods as far as enough nodes have a working one. */
function roll(context: ControllerContext, { set, hash }: Omit<Making, 'template'>, placed: Placed[]): void {
  const { type, rollingUpdate } = set.spec.updateStrategy ?? {};
  if (type === 'OnDelete') return;
  const places = placed.filter(({ wanted }) => wanted);
  const allowed = Math.max(1, portionOf(rollingUpdate?.maxUnavailable ?? 1, places.length, 'up'));
  let down = places.filter(({ pods }) => !pods.some(pod => isActive(pod) && podIsReady(pod))).length;
  for (const pod of places.flatMap(({ pods }) => pods)) {
    if (!isActive(pod) || revisionLabelOf(pod) === hash) continue;
    if (podIsReady(pod) && down >= allowed) continue;
    if (podIsReady(pod)) down++;
    removePod(context, set, pod);
  }
}

function writeStatus(
  { store, clock }: ControllerContext,
  { set, placed, hash }: { set: DaemonSetObject; placed: Placed[]; hash: string },
  again: (ms: number) => void,
): void {
  const wanted = placed.filter(place => place.wanted);
  const current = wanted.flatMap(({ pods }) => pods.filter(isActive).slice(0, 1));
  const { available, nextMs } = availability(current, { ...set.spec, speed: clock.speed });
  if (Number.isFinite(nextMs)) again(nextMs);
  store.update('daemonsets', set.metadata, draft => {
    Object.assign(draft.status, {
      observedGeneration: set.metadata.generation,
      desiredNumberScheduled: wanted.length,
      currentNumberScheduled: current.length,
      updatedNumberScheduled: current.filter(pod => revisionLabelOf(pod) === hash).length,
      numberMisscheduled: placed.filter(place => !place.wanted && place.pods.some(isActive)).length,
      numberReady: current.filter(podIsReady).length,
      numberAvailable: available,
      numberUnavailable: wanted.length - available,
    });
  });
}
