/** What a client asks before anything else: the version, the groups, and the resources of each group. */
import { apiVersionOf, type ResourceKind, resourceKinds } from './resources.ts';

export const kubernetesVersion = 'v1.34.2';

const objectVerbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

/** The discovery document of a path, plain text for health, or undefined when the path is none of them. */
export function discoveryDocument(path: string): object | string | undefined {
  switch (path) {
    case '/version':
      return versionDocument();
    case '/readyz':
    case '/livez':
    case '/healthz':
    case '/readyz/etcd':
      return 'ok';
    case '/api':
      return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
    case '/apis':
      return { kind: 'APIGroupList', apiVersion: 'v1', groups: groupNames().map(groupDocument) };
    case '/api/v1':
      return resourceList('', 'v1');
  }
  const [, group, version] = /^\/apis\/([^/]+)(?:\/([^/]+))?$/.exec(path) ?? [];
  if (group === undefined || !groupNames().includes(group)) return undefined;
  if (version === undefined) return { kind: 'APIGroup', apiVersion: 'v1', ...groupDocument(group) };
  return version === 'v1' ? resourceList(group, version) : undefined;
}

function versionDocument(): object {
  return {
    major: '1',
    minor: '34',
    emulationMajor: '1',
    emulationMinor: '34',
    gitVersion: kubernetesVersion,
    gitCommit: '0'.repeat(40),
    gitTreeState: 'clean',
    buildDate: '2025-11-11T00:00:00Z',
    goVersion: 'go1.24.9',
    compiler: 'gc',
    platform: 'linux/amd64',
  };
}

function groupNames(): string[] {
  return [...new Set(resourceKinds.map(kind => kind.group))].filter(group => group !== '');
}

function groupDocument(name: string): object {
  const version = { groupVersion: `${name}/v1`, version: 'v1' };
  return { name, versions: [version], preferredVersion: version };
}

function resourceList(group: string, version: string): object {
  const kinds = resourceKinds.filter(kind => kind.group === group && kind.version === version);
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: apiVersionOf({ group, version }),
    resources: kinds.flatMap(resourceEntries),
  };
}

function resourceEntries(kind: ResourceKind): object[] {
  const { namespaced, shortNames, categories } = kind;
  const named = { namespaced, kind: kind.kind };
  return [
    {
      name: kind.plural,
      singularName: kind.singular,
      ...named,
      verbs: objectVerbs,
      ...(shortNames ? { shortNames } : {}),
      ...(categories ? { categories } : {}),
    },
    ...(kind.actions ?? []).map(action => ({
      name: `${kind.plural}/${action.name}`,
      singularName: '',
      namespaced,
      ...(action.group === kind.group ? {} : { group: action.group, version: action.version }),
      kind: action.kind,
      verbs: ['create'],
    })),
    ...(kind.status
      ? [{ name: `${kind.plural}/status`, singularName: '', ...named, verbs: ['get', 'patch', 'update'] }]
      : []),
  ];
}
