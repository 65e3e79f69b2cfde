/** Keeps the status of every PodDisruptionBudget: how many of its pods are healthy, and how many may leave now. */
import type { LabClock } from '../../clock.ts';
import {
  type BudgetObject,
  controllerOf,
  type PodObject,
  podIsFinished,
  podIsReady,
  setCondition,
} from '../model/objects.ts';
import { selectorMatches } from '../model/selectors.ts';
import type { Change, Store } from '../model/store.ts';
import type { ControllerContext, KeyedController } from './controller-loop.ts';
import { keyOf, referenceOf } from './owned-pods.ts';
import { podIndex } from './pod-index.ts';

/** Real milliseconds after which an eviction whose pod is not terminating is taken as undone. */
const disruptionTimeoutMs = 120_000;

export function disruptionController({ store, clock }: ControllerContext): KeyedController {
  const budgetsIn = (namespace: string | undefined) => store.list('poddisruptionbudgets', namespace);
  const ofNamespace = ({ object }: Change) => budgetsIn(object.metadata.namespace).map(each => keyOf(each.metadata));
  return {
    name: 'disruption',
    concerns: {
      poddisruptionbudgets: ({ object }) => [keyOf(object.metadata)],
      pods: ({ object, before }) =>
        budgetsIn(object.metadata.namespace)
          .filter(({ spec }) =>
            [object, before].some(pod => pod && selectorMatches(spec.selector, pod.metadata.labels)),
          )
          .map(({ metadata }) => keyOf(metadata)),
      replicasets: ofNamespace,
      deployments: ofNamespace,
      statefulsets: ofNamespace,
    },
    keys: () => budgetsIn(undefined).map(({ metadata }) => keyOf(metadata)),
    reconcile: (key, again) => {
      const budget = store.get('poddisruptionbudgets', referenceOf(key));
      if (budget === undefined) return;
      reconcileBudget(store, budget, clock);
      if (budget.status.disruptedPods !== undefined) again(disruptionTimeoutMs);
    },
  };
}

function reconcileBudget(store: Store, budget: BudgetObject, clock: LabClock): void {
  const { metadata, spec } = budget;
  const pods = podIndex(store)
    .inNamespace(metadata.namespace ?? '')
    .filter(pod => selectorMatches(spec.selector, pod.metadata.labels) && !podIsFinished(pod));
  const disruptedPods = stillDisrupted(budget, pods, store.nowMs() - clock.scaled(disruptionTimeoutMs));
  const healthy = pods.filter(
    pod =>
      podIsReady(pod) && pod.metadata.deletionTimestamp === undefined && disruptedPods[pod.metadata.name] === undefined,
  );
  const { expected, desired } = expectation(store, budget, pods);
  const allowed = expected > 0 ? Math.max(0, healthy.length - desired) : 0;
  store.update('poddisruptionbudgets', metadata, draft => {
    const { disruptedPods: _earlier, ...rest } = draft.status;
    draft.status = {
      ...rest,
      observedGeneration: metadata.generation ?? 1,
      currentHealthy: healthy.length,
      desiredHealthy: desired,
      expectedPods: expected,
      disruptionsAllowed: allowed,
      ...(Object.keys(disruptedPods).length > 0 ? { disruptedPods } : {}),
    };
    setCondition(draft.status, store.now(), {
      type: 'DisruptionAllowed',
      status: allowed > 0 ? 'True' : 'False',
      reason: allowed > 0 ? 'SufficientPods' : 'InsufficientPods',
      message: '',
      observedGeneration: metadata.generation ?? 1,
    });
  });
}

/** Those that were let go after `oldest`, in milliseconds since the epoch, and are not seen to go yet. */
function stillDisrupted(budget: BudgetObject, pods: PodObject[], oldest: number): Record<string, string> {
  const entries = Object.entries(budget.status.disruptedPods ?? {}).filter(([name, since]) => {
    const pod = pods.find(each => each.metadata.name === name);
    const recent = Date.parse(since) > oldest;
    return pod !== undefined && pod.metadata.deletionTimestamp === undefined && recent;
  });
  return Object.fromEntries(entries);
}

/** How many pods there should be and how many must be healthy. */
function expectation(store: Store, { spec }: BudgetObject, pods: PodObject[]): { expected: number; desired: number } {
  if (spec.maxUnavailable !== undefined) {
    const expected = expectedByControllers(store, pods);
    return { expected, desired: Math.max(0, expected - amount(spec.maxUnavailable, expected)) };
  }
  if (typeof spec.minAvailable === 'string') {
    const expected = expectedByControllers(store, pods);
    return { expected, desired: amount(spec.minAvailable, expected) };
  }
  return { expected: pods.length, desired: spec.minAvailable ?? 1 };
}

function amount(value: number | string, whole: number): number {
  return typeof value === 'number' ? value : Math.ceil((Number.parseFloat(value) / 100) * whole);
}

/** The sum of the replicas that the pods' controllers want, each controller once; a Deployment speaks for its sets. */
function expectedByControllers(store: Store, pods: PodObject[]): number {
  const replicas = new Map<string, number>();
  for (const pod of pods) {
    const owner = controllerOf(pod);
    if (owner === undefined) continue;
    const ref = { name: owner.name, namespace: pod.metadata.namespace ?? '' };
    const set = owner.kind === 'StatefulSet' ? store.get('statefulsets', ref) : store.get('replicasets', ref);
    const above = set === undefined ? undefined : controllerOf(set);
    const deployment = above && store.get('deployments', { ...ref, name: above.name });
    const scaled = deployment ?? set;
    if (scaled !== undefined) replicas.set(scaled.metadata.uid, scaled.spec.replicas ?? 1);
  }
  return [...replicas.values()].reduce((sum, count) => sum + count, 0);
}
