/** A PersistentVolume as facts: which nodes can use it. */
import type { V1PersistentVolume } from '@kubernetes/client-node';
import type { VolumeTie } from '../../core/scheduling.ts';
import { termFacts } from './pod-facts.ts';

/** Undefined where every node can use it, or nothing claims it. */
export function volumeTie({ metadata, spec }: V1PersistentVolume): VolumeTie | undefined {
  const { claimRef: claim, nodeAffinity } = spec ?? {};
  const terms = termFacts(nodeAffinity?.required?.nodeSelectorTerms);
  if (!claim || terms.length === 0) return undefined;
  return { volume: metadata?.name ?? '', claim: `${claim.namespace}/${claim.name}`, terms };
}
