/**
 * A StatefulSet replaces a pod under its own name. Ordered ones take one step
 * at a time; an update goes from the last pod to the first and waits for each.
 */

import {
  type PodObject,
  type PodTemplate,
  podIsFinished,
  podIsReady,
  type StatefulSetObject,
} from '../model/objects.ts';
import type { ControllerContext, KeyedController } from './controller-loop.ts';
import { availability, createOwnedPod, deletePod, isActive, isClosing, ownerController } from './owned-pods.ts';
import { podIndex } from './pod-index.ts';
import { currentRevision, forgetRevisions, revisionLabel, revisionLabelOf, templateOf } from './revisions.ts';

const source = { component: 'statefulset-controller' };

export function statefulSetController(context: ControllerContext): KeyedController {
  return ownerController(context, {
    name: 'statefulset',
    plural: 'statefulsets',
    kind: 'StatefulSet',
    owned: ['pods'],
    reconcile: (ref, again) => {
      const set = context.store.get('statefulsets', ref) as StatefulSetObject | undefined;
      if (set !== undefined) reconcile(context, set, again);
    },
  });
}

type Revisions = { current: string; update: string };

function reconcile(context: ControllerContext, set: StatefulSetObject, again: (ms: number) => void): void {
  const { store } = context;
  const index = podIndex(store);
  const closing = set.metadata.deletionTimestamp !== undefined || isClosing(store, set);
  const update = currentRevision(store, set);
  const current = String(set.status.currentRevision ?? update);
  if (!closing) step(context, set, { current, update });
  const pods = index.ownedBy(set.metadata.uid);
  writeStatus(context, { set, pods, revisions: { current, update } }, again);
  const used = new Set([current, update, ...pods.flatMap(pod => revisionLabelOf(pod) ?? [])]);
  forgetRevisions(store, set, { used, limit: set.spec.revisionHistoryLimit ?? 10 });
}

function step(context: ControllerContext, set: StatefulSetObject, revisions: Revisions): void {
  const wanted = set.spec.replicas ?? 1;
  const ordered = set.spec.podManagementPolicy !== 'Parallel';
  const byOrdinal = podsByOrdinal(context, set);
  for (let ordinal = 0; ordinal < wanted; ordinal++) {
    const pod = byOrdinal.get(ordinal);
    if (pod === undefined) createPod(context, set, { ordinal, revision: revisionFor(set, ordinal, revisions) });
    else if (podIsFinished(pod) && pod.metadata.deletionTimestamp === undefined) deletePod(context.store, pod);
    if (ordered && (pod === undefined || !isWell(pod))) return;
  }
  const surplus = [...byOrdinal.entries()].filter(([ordinal]) => ordinal >= wanted).toSorted(([a], [b]) => b - a);
  for (const [, pod] of surplus) {
    if (isActive(pod)) removePod(context, set, pod);
    if (ordered) return;
  }
  rollUpdate(context, set, { byOrdinal, update: revisions.update });
}

function podsByOrdinal({ store }: ControllerContext, set: StatefulSetObject): Map<number, PodObject> {
  const pods = podIndex(store).ownedBy(set.metadata.uid);
  return new Map(pods.map(pod => [Number(pod.metadata.name.slice(pod.metadata.name.lastIndexOf('-') + 1)), pod]));
}

function isWell(pod: PodObject): boolean {
  return isActive(pod) && podIsReady(pod);
}

/** Below the partition a pod keeps the revision that is current; above it gets the one that is rolled out. */
function revisionFor(set: StatefulSetObject, ordinal: number, { current, update }: Revisions): string {
  const { type, rollingUpdate } = set.spec.updateStrategy ?? {};
  const replacing = type === 'OnDelete' || ordinal >= (rollingUpdate?.partition ?? 0);
  return replacing ? update : current;
}

function rollUpdate(
  context: ControllerContext,
  set: StatefulSetObject,
  { byOrdinal, update }: { byOrdinal: Map<number, PodObject>; update: string },
): void {
  const { type, rollingUpdate } = set.spec.updateStrategy ?? {};
  if (type === 'OnDelete') return;
  for (let ordinal = (set.spec.replicas ?? 1) - 1; ordinal >= (rollingUpdate?.partition ?? 0); ordinal--) {
    const pod = byOrdinal.get(ordinal);
    if (pod === undefined || !isActive(pod)) return;
    if (revisionLabelOf(pod) !== update) return void removePod(context, set, pod);
    if (!podIsReady(pod)) return;
  }
}

function removePod({ store, events }: ControllerContext, set: StatefulSetObject, pod: PodObject): void {
  const message = `delete Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name} successful`;
  events.record(source, set, { reason: 'SuccessfulDelete', message });
  deletePod(store, pod);
}

function createPod(
  context: ControllerContext,
  set: StatefulSetObject,
  { ordinal, revision }: { ordinal: number; revision: string },
): void {
  const { store, events } = context;
  const name = `${set.metadata.name}-${ordinal}`;
  const taken = store.get('pods', { name, namespace: set.metadata.namespace ?? '' });
  if (taken !== undefined) return;
  const labels = {
    'statefulset.kubernetes.io/pod-name': name,
    'apps.kubernetes.io/pod-index': String(ordinal),
    ...revisionLabel(revision),
  };
  const template = withClaims(context, set, name, templateOf(store, set, revision) ?? set.spec.template);
  createOwnedPod(store, set, { name, template, labels });
  const message = `create Pod ${name} in StatefulSet ${set.metadata.name} successful`;
  events.record(source, set, { reason: 'SuccessfulCreate', message });
}

/** The pod's template with a volume for each claim template; claims outlive their pods. */
function withClaims(
  context: ControllerContext,
  set: StatefulSetObject,
  pod: string,
  template: PodTemplate,
): PodTemplate {
  const templates = set.spec.volumeClaimTemplates ?? [];
  if (templates.length === 0) return template;
  const claims = templates.map(({ metadata, spec }) => {
    const ref = { name: `${metadata.name}-${pod}`, namespace: set.metadata.namespace ?? '' };
    if (context.store.get('persistentvolumeclaims', ref) === undefined) {
      const labels = { ...metadata.labels, ...set.spec.selector.matchLabels };
      context.store.create('persistentvolumeclaims', {
        metadata: { ...ref, labels },
        spec,
        status: { phase: 'Pending' },
      });
      const message = `create Claim ${ref.name} Pod ${pod} in StatefulSet ${set.metadata.name} success`;
      context.events.record(source, set, { reason: 'SuccessfulCreate', message });
    }
    return { name: metadata.name, persistentVolumeClaim: { claimName: ref.name } };
  });
  const own = (template.spec.volumes ?? []).filter(volume => !claims.some(({ name }) => name === volume.name));
  return { ...template, spec: { ...template.spec, volumes: [...own, ...claims] } };
}

function writeStatus(
  { store, clock }: ControllerContext,
  { set, pods, revisions }: { set: StatefulSetObject; pods: PodObject[]; revisions: Revisions },
  again: (ms: number) => void,
): void {
  const active = pods.filter(isActive);
  const ready = active.filter(podIsReady);
  const { available, nextMs } = availability(active, { ...set.spec, speed: clock.speed });
  if (Number.isFinite(nextMs)) again(nextMs);
  const updated = active.filter(pod => revisionLabelOf(pod) === revisions.update).length;
  const partition = set.spec.updateStrategy?.rollingUpdate?.partition ?? 0;
  const wanted = set.spec.replicas ?? 1;
  const done = partition === 0 && updated === wanted && active.length === wanted && ready.length === wanted;
  const current = done ? revisions.update : revisions.current;
  store.update('statefulsets', set.metadata, draft => {
    Object.assign(draft.status, {
      observedGeneration: set.metadata.generation,
      replicas: active.length,
      currentReplicas: active.filter(pod => revisionLabelOf(pod) === current).length,
      updatedReplicas: updated,
      readyReplicas: ready.length,
      availableReplicas: available,
      currentRevision: current,
      updateRevision: revisions.update,
      collisionCount: 0,
    });
  });
}
