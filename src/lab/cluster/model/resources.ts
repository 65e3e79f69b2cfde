/** The kinds that this API serves, as data: routing, discovery and storage all read this table. */
import { controllerKinds } from './controller-kinds.ts';

export type PrinterColumn = { name: string; type: string; jsonPath: string; priority?: number };

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
  /** Served as an `/approval` subresource too, through which the conditions are written. */
  approval?: boolean;
  /** POST-only subresources: name, kind and group version of what is posted. */
  actions?: { name: string; kind: string; group: string; version: string }[];
  categories?: string[];
  /** Fields that a field selector may name besides `metadata.name` and `metadata.namespace`. */
  fields?: string[];
  /** Under what the store keeps the objects; the plural where absent. */
  key?: string;
  /** Answered at once and kept nowhere: it is only ever created. */
  review?: boolean;
  /** Served as a `/scale` subresource too. */
  scale?: boolean;
  /** What a table shows besides the name, for custom resources. */
  columns?: PrinterColumn[];
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
      { name: 'log', kind: 'Pod', group: '', version: 'v1' },
      { name: 'exec', kind: 'PodExecOptions', group: '', version: 'v1' },
      { name: 'attach', kind: 'PodAttachOptions', group: '', version: 'v1' },
      { name: 'portforward', kind: 'PodPortForwardOptions', group: '', version: 'v1' },
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
    actions: [{ name: 'token', kind: 'TokenRequest', group: 'authentication.k8s.io', version: 'v1' }],
  },
  { ...apps, plural: 'deployments', singular: 'deployment', kind: 'Deployment', shortNames: ['deploy'], scale: true },
  {
    ...apps,
    plural: 'replicasets',
    singular: 'replicaset',
    kind: 'ReplicaSet',
    shortNames: ['rs'],
    scale: true,
    fields: ['status.replicas'],
  },
  { ...apps, plural: 'statefulsets', singular: 'statefulset', kind: 'StatefulSet', shortNames: ['sts'], scale: true },
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

const rbac = { group: 'rbac.authorization.k8s.io', version: 'v1' };
const reviews = { version: 'v1', namespaced: false, review: true };

resourceKinds.push(
  ...controllerKinds,
  { ...rbac, plural: 'clusterroles', singular: 'clusterrole', kind: 'ClusterRole', namespaced: false },
  {
    ...rbac,
    plural: 'clusterrolebindings',
    singular: 'clusterrolebinding',
    kind: 'ClusterRoleBinding',
    namespaced: false,
  },
  { ...rbac, plural: 'roles', singular: 'role', kind: 'Role', namespaced: true },
  { ...rbac, plural: 'rolebindings', singular: 'rolebinding', kind: 'RoleBinding', namespaced: true },
  ...['SelfSubjectAccessReview', 'SelfSubjectRulesReview', 'SubjectAccessReview'].map(kind => reviewKind(kind)),
  reviewKind('SelfSubjectReview', 'authentication.k8s.io'),
  {
    group: 'apiextensions.k8s.io',
    version: 'v1',
    plural: 'customresourcedefinitions',
    singular: 'customresourcedefinition',
    kind: 'CustomResourceDefinition',
    namespaced: false,
    shortNames: ['crd', 'crds'],
    status: true,
  },
);

function reviewKind(kind: string, group = 'authorization.k8s.io'): ResourceKind {
  const singular = kind.toLowerCase();
  return { ...reviews, group, kind, singular, plural: `${singular}s` };
}

const byPlural = new Map(resourceKinds.map(kind => [kind.plural, kind]));

/** The kind stored under a plural that this file lists; asking for another is a mistake of the lab. */
export function kindOf(plural: string): ResourceKind {
  const kind = byPlural.get(plural);
  if (kind === undefined) throw new Error(`the lab serves no ${plural}`);
  return kind;
}

/** Under what the store keeps objects of this kind. */
export function storeKey({ key, plural }: ResourceKind): string {
  return key ?? plural;
}

/** The kinds that one API serves at this moment: those of this file, and those that its custom resource definitions declare. */
export class KindTable {
  #all: readonly ResourceKind[] = resourceKinds;

  get all(): readonly ResourceKind[] {
    return this.#all;
  }

  /** The kind stored under a key, in its stored version; asking for another is a mistake of the lab. */
  of(key: string): ResourceKind {
    const kind = byPlural.get(key) ?? this.#all.find(each => storeKey(each) === key);
    if (kind === undefined) throw new Error(`the lab serves no ${key}`);
    return kind;
  }

  find(group: string, version: string, plural: string): ResourceKind | undefined {
    return this.#all.find(kind => kind.plural === plural && kind.group === group && kind.version === version);
  }

  /** Puts these in place of whatever was declared under the same key before. */
  declare(key: string, kinds: ResourceKind[]): void {
    this.#all = [...this.#all.filter(kind => kind.key !== key), ...kinds];
  }
}

export function apiVersionOf(kind: { group: string; version: string }): string {
  return kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
}
