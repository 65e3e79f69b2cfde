/**
 * How long a pod may wait for its budget. Pods of the same budget that were let
 * go before it end first, and may take their grace period: that time is not the
 * waiting pod's, so it does not count against it.
 */
import type { PdbFacts, PodFacts } from '../core/cluster-facts.ts';
import { pdbsOfPod, qualifiedName } from '../planning/pdb-groups.ts';

type Budgeted = Pick<PodFacts, 'namespace'> & Partial<PodFacts>;

export type Patience = {
  /** This pod is ending: others of its budgets wait for that, and for its replacement. */
  letGo(pod: Budgeted, pdbs: PdbFacts[]): void;
  /** When waiting for this pod's eviction ends, milliseconds since the epoch. */
  deadlineOf(pod: Budgeted, pdbs: PdbFacts[]): number;
};

/** What a pod may take beyond its own grace period, its replacement to be ready, and a volume to detach. */
export const lateMs = 60_000;

export function patience(by: number): Patience {
  const until = new Map<string, number>();
  return {
    letGo(pod, pdbs) {
      const ended = Date.now() + (pod.graceSeconds ?? 0) * 1000 + lateMs;
      for (const name of budgetsOf(pod, pdbs)) until.set(name, Math.max(ended, until.get(name) ?? 0));
    },
    deadlineOf: (pod, pdbs) => Math.max(by, ...budgetsOf(pod, pdbs).map(name => until.get(name) ?? 0)),
  };
}

function budgetsOf({ namespace, labels, phase }: Budgeted, pdbs: PdbFacts[]): string[] {
  if (labels === undefined || phase === undefined) return [];
  return pdbsOfPod({ namespace, labels, phase }, pdbs).map(qualifiedName);
}
