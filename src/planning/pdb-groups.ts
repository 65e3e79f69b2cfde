/**
 * Which PodDisruptionBudgets a node's pods share with other nodes. Two nodes
 * with one budget in common are never disrupted together.
 */
import type { PdbFacts, PodFacts } from '../core/cluster-facts.ts';
import { selects } from './selector.ts';

/** `namespace/name`, unique within a cluster. */
export function qualifiedName(object: { namespace: string; name: string }): string {
  return `${object.namespace}/${object.name}`;
}

/** The budgets that count this pod. Finished pods are counted by none. */
export function pdbsOfPod(pod: Pick<PodFacts, 'namespace' | 'labels' | 'phase'>, pdbs: PdbFacts[]): PdbFacts[] {
  if (isFinished(pod)) return [];
  return pdbs.filter(pdb => pdb.namespace === pod.namespace && selects(pdb.selector, pod.labels));
}

/** Qualified names, sorted, of the budgets that count any pod on `node`. */
export function pdbGroupsOfNode(node: string, pods: PodFacts[], pdbs: PdbFacts[]): string[] {
  const names = pods.filter(pod => pod.node === node).flatMap(pod => pdbsOfPod(pod, pdbs).map(qualifiedName));
  return [...new Set(names)].sort();
}

export function isFinished(pod: Pick<PodFacts, 'phase'>): boolean {
  return pod.phase === 'Succeeded' || pod.phase === 'Failed';
}
