/** The roles and bindings that every cluster is born with, as far as this one's accounts meet them. */

import type { NewObject, Store } from '../model/store.ts';
import type { Rule } from './rbac.ts';

type DefaultRole = { name: string; rules: Rule[]; groups: string[] };

const authenticated = 'system:authenticated';
const unauthenticated = 'system:unauthenticated';
const joining = 'system:bootstrappers:kubeadm:default-node-token';
const health = ['/healthz', '/livez', '/readyz', '/version', '/version/'];

const roles: DefaultRole[] = [
  {
    name: 'cluster-admin',
    rules: [
      { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
      { nonResourceURLs: ['*'], verbs: ['*'] },
    ],
    groups: ['system:masters'],
  },
  {
    name: 'system:discovery',
    rules: [
      { nonResourceURLs: ['/api', '/api/*', '/apis', '/apis/*', '/openapi', '/openapi/*', ...health], verbs: ['get'] },
    ],
    groups: [authenticated],
  },
  {
    name: 'system:public-info-viewer',
    rules: [{ nonResourceURLs: health, verbs: ['get'] }],
    groups: [authenticated, unauthenticated],
  },
  {
    name: 'system:basic-user',
    rules: [
      {
        apiGroups: ['authorization.k8s.io'],
        resources: ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'],
        verbs: ['create'],
      },
      { apiGroups: ['authentication.k8s.io'], resources: ['selfsubjectreviews'], verbs: ['create'] },
    ],
    groups: [authenticated],
  },
  {
    name: 'system:node-bootstrapper',
    rules: [
      {
        apiGroups: ['certificates.k8s.io'],
        resources: ['certificatesigningrequests'],
        verbs: ['create', 'get', 'list', 'watch'],
      },
    ],
    groups: [joining],
  },
  {
    name: 'kubeadm:get-nodes',
    rules: [{ apiGroups: [''], resources: ['nodes'], verbs: ['get'] }],
    groups: [joining],
  },
];

/** Everyone, even without a token, may read what a joining node has to know first. */
const clusterInfo = { name: 'kubeadm:bootstrap-signer-clusterinfo', namespace: 'kube-public' };

/** Creates them; the namespace kube-public exists by then. */
export function seedRoles(store: Store): void {
  const labels = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };
  for (const { name, rules, groups } of roles) {
    store.create('clusterroles', withRules({ name, labels }, rules));
    store.create('clusterrolebindings', bound({ name, labels }, 'ClusterRole', groups.map(groupSubject)));
  }
  const readable: Rule = {
    apiGroups: [''],
    resources: ['configmaps'],
    resourceNames: ['cluster-info'],
    verbs: ['get'],
  };
  store.create('roles', withRules(clusterInfo, [readable]));
  store.create('rolebindings', bound(clusterInfo, 'Role', [userSubject('system:anonymous')]));
}

function withRules(metadata: NewObject['metadata'], rules: Rule[]): NewObject {
  return Object.assign({ metadata }, { rules });
}

function bound(metadata: NewObject['metadata'], kind: 'Role' | 'ClusterRole', subjects: object[]): NewObject {
  const apiGroup = 'rbac.authorization.k8s.io';
  return Object.assign({ metadata }, { roleRef: { apiGroup, kind, name: metadata.name }, subjects });
}

function groupSubject(name: string): object {
  return { apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name };
}

function userSubject(name: string): object {
  return { apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name };
}
