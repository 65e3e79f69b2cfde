/** Pods by the thing that people know and scale: the Deployment rather than the ReplicaSet of one of its revisions. */
import type { PodFacts } from '../core/cluster-facts.ts';
import { isFinished } from './pdb-groups.ts';

const revisionLabel = 'pod-template-hash';

export type Workload = { kind: string; namespace: string; name: string };

/** The controller, or its Deployment where the ReplicaSet's name tells it; undefined where nothing controls the pod. */
export function workloadOf({ namespace, controller, labels }: PodFacts): Workload | undefined {
  if (!controller) return undefined;
  const { kind, name } = controller;
  const revision = labels[revisionLabel];
  if (kind === 'ReplicaSet' && revision && name.endsWith(`-${revision}`))
    return { kind: 'Deployment', namespace, name: name.slice(0, -revision.length - 1) };
  return { kind, namespace, name };
}

/** `Deployment shop/web`, unique within a cluster. */
export function workloadName({ kind, namespace, name }: Workload): string {
  return `${kind} ${namespace}/${name}`;
}

/** For people: the workload's name, or that there is none. */
export function ownerName(pod: PodFacts): string {
  const workload = workloadOf(pod);
  if (pod.mirror) return 'static pod';
  return workload ? workloadName(workload) : 'no controller';
}

/** Ready pods by name of their workload, those on the nodes `without` left out. */
export function readyReplicas(pods: PodFacts[], without: ReadonlySet<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const pod of pods) {
    const workload = workloadOf(pod);
    if (!workload || !pod.ready || pod.terminating || isFinished(pod) || without.has(pod.node ?? '')) continue;
    const name = workloadName(workload);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}
