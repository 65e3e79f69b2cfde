/** Facts whose common parts are held once, over all clusters and all that look at them. */
import type { V1Node, V1Pod, V1PodDisruptionBudget } from '@kubernetes/client-node';
import type { NodeFacts, PdbFacts, PodFacts } from '../../core/cluster-facts.ts';
import { nodeFacts, pdbFacts } from './facts.ts';
import { podFacts } from './pod-facts.ts';
import type { Sharing } from './sharing.ts';

const ofNode = ['role', 'taints', 'capacity', 'allocatable', 'kubeletVersion'] as const;
/** Not the time: no two nodes have that in common. */
const ofCondition = ['type', 'status', 'reason', 'message'] as const;
const ofPod = [
  ...['namespace', 'node', 'phase', 'labels', 'controller', 'emptyDirs', 'hostPaths', 'claims'],
  ...['waiting', 'requests', 'priorityClass', 'placement'],
] as (keyof PodFacts)[];
const ofPdb = ['namespace', 'selector', 'asks'] as const;

export function sharedNodeFacts(sharing: Sharing, node: V1Node): NodeFacts {
  const facts = nodeFacts(node);
  for (const condition of facts.conditions) sharing.share(condition, ofCondition);
  return sharing.share(facts, ofNode);
}

export function sharedPodFacts(sharing: Sharing, pod: V1Pod): PodFacts {
  return sharing.share(podFacts(pod), ofPod);
}

/** Undefined for a budget without a selector. */
export function sharedPdbFacts(sharing: Sharing, pdb: V1PodDisruptionBudget): PdbFacts | undefined {
  const facts = pdbFacts(pdb);
  return facts && sharing.share(facts, ofPdb);
}
