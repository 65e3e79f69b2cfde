/**
 * One pod asked to leave. The API server says no in many ways, of which some mean "not now" and some "never"; whatever is
 * none of them is a failure.
 */
import type { EvictionOutcome } from '../../core/cluster.ts';
import { byAdmission, refusalOf, translate } from './failures.ts';
import { type PodRef, podSubject, podUid } from './pod-ref.ts';
import type { Reach } from './reach.ts';
import { ofKind } from './reading.ts';
import { isThrottled } from './throttling.ts';

/** The API server's words for a pod that two budgets count; its answer 500 has no reason to tell it from an outage. */
const severalBudgets = /more than one PodDisruptionBudget/;

/** Sent once. Throws FleetError where the answer tells no outcome. */
export async function evict(reach: Reach, pod: PodRef): Promise<EvictionOutcome> {
  const { namespace, name, uid } = pod;
  const body = { metadata: { name, namespace }, deleteOptions: { preconditions: { uid } } };
  try {
    ofKind('Status', await reach.core.createNamespacedPodEviction({ name, namespace, body }));
    return { outcome: 'accepted' };
  } catch (thrown) {
    const outcome = await refusedEviction(reach, pod, thrown);
    if (outcome !== undefined) return outcome;
    throw translate(thrown, { ...reach.context(podSubject(pod)), access: 'write' });
  }
}

/** What a clear refusal means, or undefined where it is a failure. */
async function refusedEviction(reach: Reach, pod: PodRef, thrown: unknown): Promise<EvictionOutcome | undefined> {
  const refusal = refusalOf(thrown);
  if (refusal === undefined) return undefined;
  const { status, message, retryAfterMs } = refusal;
  const blocked: EvictionOutcome = {
    outcome: 'blocked',
    message,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
  if (status === 404 && refusal.fromApi) return { outcome: 'gone' };
  if (byAdmission.test(message) && (status === 429 || status >= 500)) return blocked;
  if (status === 429 && !isThrottled(refusal)) return blocked;
  if (status === 403 && refusal.causes.includes('NamespaceTerminating')) return blocked;
  if (status === 409) {
    const current = await podUid(reach, pod);
    return current === pod.uid ? blocked : { outcome: 'gone' };
  }
  if (status === 400 || status === 422 || (status === 500 && severalBudgets.test(message))) {
    return { outcome: 'refused', status, message };
  }
  return undefined;
}
