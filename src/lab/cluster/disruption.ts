/** Keeps the status of every PodDisruptionBudget: how many of its pods are healthy, and how many may leave now. */
import type { LabClock } from '../clock.ts';
import type { Controller } from './controller-loop.ts';
import { type BudgetObject, controllerOf, type PodObject, podIsFinished, podIsReady, setCondition } from './objects.ts';
import { selectorMatches } from './selectors.ts';
import type { Store } from './store.ts';

/** An eviction whose pod is not terminating after this long is taken as undone. */
const disruptionTimeoutMs = 120_000;

export function disruptionController(clock: LabClock): Controller {
  return {
    name: 'disruption',
    watches: ['poddisruptionbudgets', 'pods', 'replicasets', 'deployments', 'statefulsets'],
    reconcile: store => {
      for (const budget of store.list('poddisruptionbudgets')) reconcileBudget(store, budget, clock);
    },
  };
}

function reconcileBudget(store: Store, budget: BudgetObject, clock: LabClock): void {
  const { metadata, spec } = budget;
  const pods = store
    .list('pods', metadata.namespace)
    .filter(pod => selectorMatches(spec.selector, pod.metadata.labels) && !podIsFinished(pod));
  const disruptedPods = stillDisrupted(budget, pods, clock);
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
    });
  });
}

function stillDisrupted(budget: BudgetObject, pods: PodObject[], clock: LabClock): Record<string, string> {
  const entries = Object.entries(budget.status.disruptedPods ?? {}).filter(([name, since]) => {
    const pod = pods.find(each => each.metadata.name === name);
    const recent = Date.now() - Date.parse(since) < clock.scaled(disruptionTimeoutMs);
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
