/** The kinds that this API serves, as data: routing, discovery and storage all read this table. */
export type ResourceKind = {
  plural: string;
  singular: string;
  kind: string;
  group: string;
  version: string;
  namespaced: boolean;
  shortNames?: string[];
  /** Served as a `/status` subresource, and then writable only there. */
  status?: boolean;
  /** POST-only subresources: name, kind and group version of what is posted. */
  actions?: { name: string; kind: string; group: string; version: string }[];
  categories?: string[];
  /** Fields that a field selector may name besides `metadata.name` and `metadata.namespace`. */
  fields?: string[];
};

const apps = { group: 'apps', version: 'v1', namespaced: true, status: true, categories: ['all'] };
const core = { group: '', version: 'v1' };

export const resourceKinds: ResourceKind[] = [
  {
    ...core,
    plural: 'nodes',
    singular: 'node',
    kind: 'Node',
    namespaced: false,
    shortNames: ['no'],
    status: true,
    fields: ['spec.unschedulable'],
  },
  {
    ...core,
    plural: 'pods',
    singular: 'pod',
    kind: 'Pod',
    namespaced: true,
    shortNames: ['po'],
    status: true,
    categories: ['all'],
    actions: [
      { name: 'binding', kind: 'Binding', group: '', version: 'v1' },
      { name: 'eviction', kind: 'Eviction', group: 'policy', version: 'v1' },
    ],
    fields: ['spec.nodeName', 'spec.restartPolicy', 'spec.serviceAccountName', 'status.phase', 'status.podIP'],
  },
  {
    ...core,
    plural: 'namespaces',
    singular: 'namespace',
    kind: 'Namespace',
    namespaced: false,
    shortNames: ['ns'],
    status: true,
    fields: ['status.phase'],
  },
  { ...core, plural: 'secrets', singular: 'secret', kind: 'Secret', namespaced: true, fields: ['type'] },
  { ...core, plural: 'configmaps', singular: 'configmap', kind: 'ConfigMap', namespaced: true, shortNames: ['cm'] },
  {
    ...core,
    plural: 'events',
    singular: 'event',
    kind: 'Event',
    namespaced: true,
    shortNames: ['ev'],
    fields: [
      'involvedObject.kind',
      'involvedObject.namespace',
      'involvedObject.name',
      'involvedObject.uid',
      'involvedObject.apiVersion',
      'involvedObject.resourceVersion',
      'involvedObject.fieldPath',
      'reason',
      'source',
      'type',
    ],
  },
  {
    ...core,
    plural: 'serviceaccounts',
    singular: 'serviceaccount',
    kind: 'ServiceAccount',
    namespaced: true,
    shortNames: ['sa'],
  },
  { ...apps, plural: 'deployments', singular: 'deployment', kind: 'Deployment', shortNames: ['deploy'] },
  {
    ...apps,
    plural: 'replicasets',
    singular: 'replicaset',
    kind: 'ReplicaSet',
    shortNames: ['rs'],
    fields: ['status.replicas'],
  },
  { ...apps, plural: 'statefulsets', singular: 'statefulset', kind: 'StatefulSet', shortNames: ['sts'] },
  { ...apps, plural: 'daemonsets', singular: 'daemonset', kind: 'DaemonSet', shortNames: ['ds'] },
  {
    group: 'policy',
    version: 'v1',
    plural: 'poddisruptionbudgets',
    singular: 'poddisruptionbudget',
    kind: 'PodDisruptionBudget',
    namespaced: true,
    shortNames: ['pdb'],
    status: true,
  },
  {
    group: 'coordination.k8s.io',
    version: 'v1',
    plural: 'leases',
    singular: 'lease',
    kind: 'Lease',
    namespaced: true,
  },
];

const byPlural = new Map(resourceKinds.map(kind => [kind.plural, kind]));

/** The kind stored under a plural that this file lists; asking for another is a mistake of the lab. */
export function kindOf(plural: string): ResourceKind {
  const kind = byPlural.get(plural);
  if (kind === undefined) throw new Error(`the lab serves no ${plural}`);
  return kind;
}

export function findKind(group: string, version: string, plural: string): ResourceKind | undefined {
  const kind = byPlural.get(plural);
  return kind?.group === group && kind.version === version ? kind : undefined;
}

export function apiVersionOf(kind: { group: string; version: string }): string {
  return kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
}
