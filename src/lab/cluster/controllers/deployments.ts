/** A Deployment keeps one ReplicaSet for its template and moves pods there from those of earlier templates. */
import { isDeepStrictEqual } from 'node:util';
import { deleteObject } from '../model/deletion.ts';
import { controllerOf, type DeploymentObject, type PodTemplate, type WorkloadObject } from '../model/objects.ts';
import type { Change, Store } from '../model/store.ts';
import type { ControllerContext, KeyedController } from './controller-loop.ts';
import { writeDeploymentStatus } from './deployment-status.ts';
import { controlledBy, isClosing, keyOf, ownerController, templateHash } from './owned-pods.ts';
import { podIndex } from './pod-index.ts';
import { rollingLimits } from './rollout-numbers.ts';

const source = { component: 'deployment-controller' };
const revisionKey = 'deployment.kubernetes.io/revision';
const hashKey = 'pod-template-hash';

export function deploymentController(context: ControllerContext): KeyedController {
  const { store } = context;
  const owned = ownerController(context, {
    name: 'deployment',
    plural: 'deployments',
    kind: 'Deployment',
    owned: ['replicasets'],
    reconcile: (ref, again) => {
      const deployment = context.store.get('deployments', ref) as DeploymentObject | undefined;
      if (deployment !== undefined) reconcile(context, deployment, again);
    },
  });
  // Recreate waits for the last pod of the old template to be gone, which changes no ReplicaSet.
  const podGone = ({ type, object }: Change) => {
    const set = type === 'DELETED' ? controllerOf(object) : undefined;
    const found = set && store.get('replicasets', { ...object.metadata, name: set.name });
    const deployment = found && controllerOf(found);
    return deployment === undefined ? [] : [keyOf({ ...found?.metadata, name: deployment.name })];
  };
  return { ...owned, concerns: { ...owned.concerns, pods: podGone } };
}

type Sets = { current: WorkloadObject | undefined; old: WorkloadObject[] };

function reconcile(context: ControllerContext, deployment: DeploymentObject, again: (ms: number) => void): void {
  const { store } = context;
  const { spec } = deployment;
  if (deployment.metadata.deletionTimestamp === undefined && !isClosing(store, deployment)) {
    const sets = setsOf(store, deployment);
    if (spec.paused) resizeWhilePaused(context, deployment, sets);
    else if (spec.strategy?.type === 'Recreate') recreate(context, deployment, sets);
    else roll(context, deployment, { ...sets, current: currentSet(context, deployment, sets) });
    if (!spec.paused) forgetOldSets(store, deployment);
  }
  const { current, old } = setsOf(store, deployment);
  writeDeploymentStatus(context, { deployment, current, sets: current ? [...old, current] : old }, again);
}

function setsOf(store: Store, { metadata, spec }: DeploymentObject): Sets {
  const sets = store
    .list('replicasets', metadata.namespace)
    .filter(set => controllerOf(set)?.uid === metadata.uid && set.metadata.deletionTimestamp === undefined);
  const current = sets.find(set => isDeepStrictEqual(withoutHash(set.spec.template), withoutHash(spec.template)));
  return { current, old: sets.filter(set => set !== current).toSorted((a, b) => revisionOf(a) - revisionOf(b)) };
}

function withoutHash(template: PodTemplate): object {
  const { [hashKey]: _hash, ...labels } = template.metadata?.labels ?? {};
  return { ...template, metadata: { ...template.metadata, labels } };
}

function revisionOf({ metadata }: WorkloadObject): number {
  return Number(metadata.annotations?.[revisionKey] ?? 0);
}

/** The ReplicaSet of the template as it is now, with the newest revision; made where there is none. */
function currentSet(context: ControllerContext, deployment: DeploymentObject, sets: Sets): WorkloadObject {
  const { store } = context;
  const newest = Math.max(0, ...sets.old.map(revisionOf));
  const revision = String(sets.current && revisionOf(sets.current) > newest ? revisionOf(sets.current) : newest + 1);
  const numbers = scaleAnnotations(deployment);
  const current = sets.current
    ? store.update('replicasets', sets.current.metadata, draft => {
        draft.metadata.annotations = { ...draft.metadata.annotations, ...numbers, [revisionKey]: revision };
        draft.spec.minReadySeconds = deployment.spec.minReadySeconds ?? 0;
      })
    : createSet(context, deployment, { old: sets.old, annotations: { ...numbers, [revisionKey]: revision } });
  store.update('deployments', deployment.metadata, draft => {
    draft.metadata.annotations = { ...draft.metadata.annotations, [revisionKey]: revision };
  });
  return current;
}

function scaleAnnotations({ spec }: DeploymentObject): Record<string, string> {
  const wanted = spec.replicas ?? 1;
  const { surge } = rollingLimits(spec.strategy?.rollingUpdate ?? {}, wanted);
  return {
    'deployment.kubernetes.io/desired-replicas': String(wanted),
    'deployment.kubernetes.io/max-replicas': String(wanted + (spec.strategy?.type === 'Recreate' ? 0 : surge)),
  };
}

function createSet(
  { store, events }: ControllerContext,
  deployment: DeploymentObject,
  { old, annotations }: { old: WorkloadObject[]; annotations: Record<string, string> },
): WorkloadObject {
  const { metadata, spec } = deployment;
  const hash = templateHash(spec.template);
  const labels = { ...spec.template.metadata?.labels, [hashKey]: hash };
  const name = `${metadata.name}-${hash}`;
  const replicas = spec.strategy?.type === 'Recreate' ? (spec.replicas ?? 1) : growth(deployment, old, 0);
  const created = store.create('replicasets', {
    metadata: {
      name,
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
      labels,
      annotations,
      ownerReferences: [controlledBy(deployment)],
    },
    spec: {
      replicas,
      ...(spec.minReadySeconds === undefined ? {} : { minReadySeconds: spec.minReadySeconds }),
      selector: { ...spec.selector, matchLabels: { ...spec.selector.matchLabels, [hashKey]: hash } },
      template: { ...spec.template, metadata: { ...spec.template.metadata, labels } },
    },
    status: { replicas: 0 },
  });
  if (replicas > 0) {
    const message = `Scaled up replica set ${name} from 0 to ${replicas}`;
    events.record(source, deployment, { reason: 'ScalingReplicaSet', message });
  }
  return created;
}

/** How many pods the current set may have now, given those of the old ones. */
function growth({ spec }: DeploymentObject, old: WorkloadObject[], present: number): number {
  const wanted = spec.replicas ?? 1;
  const { surge } = rollingLimits(spec.strategy?.rollingUpdate ?? {}, wanted);
  if (present >= wanted) return wanted;
  const room = wanted + surge - present - total(old);
  return present + Math.max(0, Math.min(room, wanted - present));
}

function total(sets: WorkloadObject[]): number {
  return sets.reduce((sum, set) => sum + (set.spec.replicas ?? 1), 0);
}

function available(sets: WorkloadObject[]): number {
  return sets.reduce((sum, set) => sum + Number(set.status.availableReplicas ?? 0), 0);
}

function roll(context: ControllerContext, deployment: DeploymentObject, { current, old }: Sets): void {
  if (current === undefined) return;
  const present = current.spec.replicas ?? 1;
  const next = growth(deployment, old, present);
  if (next !== present) return void scale(context, deployment, current, next);
  shrinkOld(context, deployment, { current, old });
}

/** Takes pods from the old sets as far as enough others are available: first those that do not work anyway. */
function shrinkOld(
  context: ControllerContext,
  deployment: DeploymentObject,
  sets: Sets & { current: WorkloadObject },
): void {
  const { current, old } = sets;
  const wanted = deployment.spec.replicas ?? 1;
  const { unavailable } = rollingLimits(deployment.spec.strategy?.rollingUpdate ?? {}, wanted);
  const least = wanted - unavailable;
  const missing = (current.spec.replicas ?? 1) - available([current]);
  const target = new Map(old.map(set => [set, set.spec.replicas ?? 1]));
  let removable = total(old) + (current.spec.replicas ?? 1) - least - missing;
  if (removable <= 0) return;
  for (const set of old) {
    const broken = (target.get(set) ?? 0) - available([set]);
    const dropped = Math.max(0, Math.min(broken, removable));
    target.set(set, (target.get(set) ?? 0) - dropped);
    removable -= dropped;
  }
  let spare = available([...old, current]) - least;
  for (const set of old) {
    const dropped = Math.max(0, Math.min(target.get(set) ?? 0, spare));
    target.set(set, (target.get(set) ?? 0) - dropped);
    spare -= dropped;
  }
  for (const [set, replicas] of target) scale(context, deployment, set, replicas);
}

function recreate(context: ControllerContext, deployment: DeploymentObject, sets: Sets): void {
  for (const set of sets.old) scale(context, deployment, set, 0);
  const index = podIndex(context.store);
  if (sets.old.some(set => index.ownedBy(set.metadata.uid).length > 0)) return;
  scale(context, deployment, currentSet(context, deployment, sets), deployment.spec.replicas ?? 1);
}

/** A paused Deployment starts no new template; its newest set with pods still follows the number that is wanted. */
function resizeWhilePaused(context: ControllerContext, deployment: DeploymentObject, { current, old }: Sets): void {
  const active = [...old, ...(current ? [current] : [])].filter(set => (set.spec.replicas ?? 1) > 0);
  const only = active.length === 1 ? active[0] : undefined;
  if (only !== undefined) scale(context, deployment, only, deployment.spec.replicas ?? 1);
}

function scale(context: ControllerContext, deployment: DeploymentObject, set: WorkloadObject, replicas: number): void {
  const { store, events } = context;
  const before = set.spec.replicas ?? 1;
  if (before === replicas) return;
  store.update('replicasets', set.metadata, draft => {
    draft.spec.replicas = replicas;
    draft.metadata.annotations = { ...draft.metadata.annotations, ...scaleAnnotations(deployment) };
  });
  const direction = replicas > before ? 'up' : 'down';
  const message = `Scaled ${direction} replica set ${set.metadata.name} from ${before} to ${replicas}`;
  events.record(source, deployment, { reason: 'ScalingReplicaSet', message });
}

function forgetOldSets(store: Store, deployment: DeploymentObject): void {
  const limit = deployment.spec.revisionHistoryLimit ?? 10;
  const { old } = setsOf(store, deployment);
  const empty = old.filter(set => set.spec.replicas === 0 && Number(set.status.replicas ?? 0) === 0);
  for (const { metadata } of empty.slice(0, Math.max(0, empty.length - limit))) {
    deleteObject(store, { plural: 'replicasets', name: metadata.name, namespace: metadata.namespace ?? '' }, {});
  }
}
