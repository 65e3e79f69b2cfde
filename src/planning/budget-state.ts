/**
 * Whether a PodDisruptionBudget lets a pod go: now, after a wait, or never. A
 * drain waits for the second; before the third it does not even begin.
 */
import type { PdbFacts, PodFacts } from '../core/cluster-facts.ts';
import { pdbsOfPod, qualifiedName } from './pdb-groups.ts';

export type BudgetState = 'allows' | 'waits' | 'never';

/** Reasons of a waiting container that no amount of time heals. */
const stuckReasons = new Set([
  'CrashLoopBackOff',
  'CreateContainerConfigError',
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
]);

/** `pods` are those of the cluster as far as they are known; with fewer, what never heals may be taken for a wait. */
export function budgetState(pdb: PdbFacts, pods: PodFacts[]): BudgetState {
  if (!pdb.observed) return 'waits';
  if (pdb.disruptionsAllowed > 0) return 'allows';
  return pdb.desiredHealthy >= pdb.expectedPods - stuckPods(pdb, pods).length ? 'never' : 'waits';
}

/** The budget in one line: what it asks, how it stands, and since when it allows nothing. */
export function describeBudget(pdb: PdbFacts, pods: PodFacts[] = []): string {
  const owner = pdb.owner === undefined ? '' : `, of ${pdb.owner}`;
  const name = `PodDisruptionBudget ${qualifiedName(pdb)} (${pdb.asks}${owner})`;
  const since = pdb.blockedSince === undefined ? '' : ` since ${pdb.blockedSince}`;
  const health = `${pdb.currentHealthy} healthy of ${pdb.expectedPods}, ${pdb.desiredHealthy} wanted`;
  if (!pdb.observed) return `${name} has not been counted yet`;
  switch (budgetState(pdb, pods)) {
    case 'allows':
      return `${name} allows ${pdb.disruptionsAllowed} now`;
    case 'waits':
      return `${name} allows no disruption${since}: ${health}`;
    case 'never':
      return `${name} never allows a disruption${since}: ${whyNever(pdb, pods)}`;
  }
}

function whyNever(pdb: PdbFacts, pods: PodFacts[]): string {
  if (pdb.expectedPods === 0) return 'it cannot count its pods, which no scalable controller owns';
  if (pdb.desiredHealthy >= pdb.expectedPods) return `it wants all ${pdb.expectedPods} pods healthy`;
  const stuck = stuckPods(pdb, pods).map(pod => `${qualifiedName(pod)} is in ${pod.waiting}`);
  return `${pdb.desiredHealthy} of ${pdb.expectedPods} pods must stay healthy, and ${stuck.join(', ')}`;
}

function stuckPods(pdb: PdbFacts, pods: PodFacts[]): PodFacts[] {
  return pods.filter(
    pod => !pod.ready && pod.waiting !== undefined && stuckReasons.has(pod.waiting) && pdbsOfPod(pod, [pdb]).length > 0,
  );
}

/** No budget is even looked at when these are evicted; finished pods are counted by none. */
export function isExempt(pod: PodFacts): boolean {
  return pod.terminating || pod.phase === 'Pending';
}

/** A pod that is not ready counts for nothing: its one budget lets it go when it may. */
export function passesUnready(pod: PodFacts, pdb: PdbFacts): boolean {
  if (pod.ready) return false;
  const healthy = pdb.desiredHealthy > 0 && pdb.currentHealthy >= pdb.desiredHealthy;
  return pdb.unhealthyPodEvictionPolicy === 'AlwaysAllow' || healthy;
}
