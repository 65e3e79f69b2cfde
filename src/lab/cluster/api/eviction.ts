/**
 * The eviction subresource: a delete that asks the pod's disruption budget
 * first. The order of these rules is what clients build on.
 */
import { checkPreconditions, type DeleteOptions, deleteObject } from '../model/deletion.ts';
import { ApiFailure, badRequest, notFound, type StatusBody, success } from '../model/failure.ts';
import { type BudgetObject, type PodObject, podIsFinished, podIsReady, setCondition } from '../model/objects.ts';
import { kindOf } from '../model/resources.ts';
import { selectorMatches } from '../model/selectors.ts';
import type { Store } from '../model/store.ts';

export type Eviction = { metadata?: { name?: string; namespace?: string }; deleteOptions?: DeleteOptions };

/** Evicts one pod, or throws 400, 404, 409, 429 or 500 as the real API does. */
export function evict(store: Store, ref: { namespace: string; name: string }, eviction: Eviction): StatusBody {
  if (eviction.metadata?.name !== undefined && eviction.metadata.name !== ref.name) {
    throw badRequest('name in URL does not match name in Eviction object');
  }
  const pod = store.get('pods', ref);
  if (pod === undefined) throw notFound(kindOf('pods'), ref.name);
  const options = eviction.deleteOptions ?? {};
  checkPreconditions(kindOf('pods'), pod, options.preconditions);
  const dryRun = options.dryRun?.includes('All') ?? false;
  const exempt = podIsFinished(pod) || pod.status.phase === 'Pending' || pod.metadata.deletionTimestamp !== undefined;
  if (!exempt) {
    const budget = budgetOf(store, pod);
    if (budget !== undefined && !passesUnready(pod, budget)) consume(store, { pod, budget, dryRun });
    if (!dryRun) markDisrupted(store, ref);
  }
  deleteObject(store, { plural: 'pods', ...ref }, options);
  return { ...success(), code: 201 };
}

function budgetOf(store: Store, pod: PodObject): BudgetObject | undefined {
  const budgets = store
    .list('poddisruptionbudgets', pod.metadata.namespace)
    .filter(budget => selectorMatches(budget.spec.selector, pod.metadata.labels));
  if (budgets.length > 1) {
    throw new ApiFailure(
      500,
      undefined,
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    );
  }
  return budgets[0];
}

function passesUnready(pod: PodObject, { spec, status }: BudgetObject): boolean {
  if (podIsReady(pod)) return false;
  const { currentHealthy = 0, desiredHealthy = 0 } = status;
  return spec.unhealthyPodEvictionPolicy === 'AlwaysAllow' || (desiredHealthy > 0 && currentHealthy >= desiredHealthy);
}

function consume(store: Store, disruption: { pod: PodObject; budget: BudgetObject; dryRun: boolean }): void {
  const { pod, budget, dryRun } = disruption;
  const { name, generation = 1 } = budget.metadata;
  const { observedGeneration = 0, disruptionsAllowed = 0, desiredHealthy = 0, currentHealthy = 0 } = budget.status;
  if (observedGeneration < generation) {
    throw tooManyRequests(`The disruption budget ${name} is still being processed by the server.`, 10);
  }
  if (disruptionsAllowed <= 0) {
    throw tooManyRequests(
      `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`,
    );
  }
  if (dryRun) return;
  store.update('poddisruptionbudgets', budget.metadata, draft => {
    draft.status.disruptionsAllowed = disruptionsAllowed - 1;
    draft.status.disruptedPods = { ...draft.status.disruptedPods, [pod.metadata.name]: store.now() };
  });
}

function tooManyRequests(cause: string, retryAfterSeconds?: number): ApiFailure {
  return new ApiFailure(429, 'TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.", {
    causes: [{ reason: 'DisruptionBudget', message: cause }],
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}

function markDisrupted(store: Store, ref: { namespace: string; name: string }): void {
  store.update('pods', ref, draft => {
    setCondition(draft.status, store.now(), {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'EvictionByEvictionAPI',
      message: 'Eviction API: evicting',
    });
  });
}
