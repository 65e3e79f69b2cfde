/** A node that Kubernetes does not hear from: its kubelet reports nothing, so nothing on it can be moved in order. */
import type { NodeFacts } from '../core/cluster-facts.ts';

/** The control plane itself gave up waiting; a kubelet that says "not Ready" is heard from. */
export function isSilent({ conditions }: Pick<NodeFacts, 'conditions'>): boolean {
  return conditions.find(({ type }) => type === 'Ready')?.status === 'Unknown';
}
