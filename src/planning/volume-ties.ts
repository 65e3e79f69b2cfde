/**
 * Volumes that can be used on some nodes only. A pod says which claims it
 * mounts, and the volume behind a claim says where it can be: local disks are
 * usual on bare metal, and a pod that has one runs nowhere else.
 */
import type { PodFacts } from '../core/cluster-facts.ts';
import type { NodeTerm, VolumeTie } from '../core/scheduling.ts';
import { qualifiedName } from './pdb-groups.ts';

/** The pods, each with the volumes of its claims that are tied to nodes. */
export function withVolumes(pods: PodFacts[], ties: VolumeTie[]): PodFacts[] {
  const byClaim = new Map(ties.map(tie => [tie.claim, tie]));
  return pods.map(pod => {
    if (pod.claims.length === 0) return pod;
    const volumes = pod.claims.flatMap(name => byClaim.get(qualifiedName({ namespace: pod.namespace, name })) ?? []);
    return { ...pod, placement: { ...pod.placement, volumes } };
  });
}

/** Names of the pod's volumes that one node alone has. */
export function localVolumes({ placement }: PodFacts): string[] {
  return (placement.volumes ?? []).filter(({ terms }) => terms.every(namesOneNode)).map(({ volume }) => volume);
}

function namesOneNode({ labels, fields }: NodeTerm): boolean {
  const byLabel = labels.some(
    ({ key, operator, values }) => key === hostLabel && operator === 'In' && values.length === 1,
  );
  return byLabel || fields.some(({ operator, values }) => operator === 'In' && values.length === 1);
}

const hostLabel = 'kubernetes.io/hostname';
