/** The `/scale` subresource: how many replicas, in a form that is the same for every workload. */
import { badRequest, invalid } from '../model/failure.ts';
import type { KubeObject, WorkloadObject } from '../model/objects.ts';
import type { ResourceKind } from '../model/resources.ts';
import { selectorText } from '../model/selectors.ts';

/** The Scale of a workload. */
export function scaleOf(object: KubeObject): KubeObject {
  const { metadata, spec, status } = object as WorkloadObject;
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  const kept = { name, uid, resourceVersion, creationTimestamp };
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: namespace === undefined ? kept : { ...kept, namespace },
    spec: { replicas: spec.replicas ?? 1 },
    status: { replicas: Number(status?.replicas ?? 0), selector: selectorText(spec.selector) },
  };
}

/** The workload as a sent Scale wants it. Throws 400 or 422. */
export function scaledTo(kind: ResourceKind, object: KubeObject, sent: unknown): KubeObject {
  if (typeof sent !== 'object' || sent === null) throw badRequest('the body is no object');
  const { spec = {}, metadata = {} } = sent as {
    spec?: { replicas?: unknown };
    metadata?: { resourceVersion?: string };
  };
  const { replicas = 0 } = spec;
  if (!Number.isInteger(replicas) || Number(replicas) < 0) {
    const scale = { plural: 'scales', kind: 'Scale', group: 'autoscaling' };
    const message = `Invalid value: ${JSON.stringify(replicas)}: must be greater than or equal to 0`;
    throw invalid(scale, object.metadata.name, 'spec.replicas', message);
  }
  const { resourceVersion } = metadata;
  return {
    ...object,
    kind: kind.kind,
    metadata: { ...object.metadata, ...(resourceVersion === undefined ? {} : { resourceVersion }) },
    spec: { ...object.spec, replicas },
  };
}
