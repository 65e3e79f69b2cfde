/** What a client asks before anything else: the version, the groups, and the resources of each group. */
import { apiVersionOf, type KindTable, type ResourceKind } from '../model/resources.ts';

export const kubernetesVersion = 'v1.34.2';

const objectVerbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

/** The discovery document of a path, or undefined when the path is none of them. */
export function discoveryDocument(path: string, kinds: KindTable): object | undefined {
  switch (path.replace(/\/$/, '')) {
    case '/version':
      return versionDocument();
    case '/api':
      return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
    case '/apis': {
      const groups = groupNames(kinds).map(group => groupDocument(group, kinds));
      return { kind: 'APIGroupList', apiVersion: 'v1', groups };
    }
    case '/api/v1':
      return resourceList(kinds, '', 'v1');
  }
  const [, group, version] = /^\/apis\/([^/]+)(?:\/([^/]+))?\/?$/.exec(path) ?? [];
  if (group === undefined || !groupNames(kinds).includes(group)) return undefined;
  if (version === undefined) return { kind: 'APIGroup', apiVersion: 'v1', ...groupDocument(group, kinds) };
  return versionsOf(group, kinds).includes(version) ? resourceList(kinds, group, version) : undefined;
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

function groupNames({ all }: KindTable): string[] {
  return [...new Set(all.map(kind => kind.group))].filter(group => group !== '');
}

function versionsOf(group: string, { all }: KindTable): string[] {
  return [...new Set(all.filter(kind => kind.group === group).map(kind => kind.version))];
}

function groupDocument(name: string, kinds: KindTable): object {
  const versions = versionsOf(name, kinds).map(version => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions, preferredVersion: versions[0] };
}

function resourceList({ all }: KindTable, group: string, version: string): object {
  const kinds = all.filter(kind => kind.group === group && kind.version === version);
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
      verbs: kind.review ? ['create'] : objectVerbs,
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
    ...(kind.scale
      ? [
          {
            name: `${kind.plural}/scale`,
            singularName: '',
            namespaced,
            group: 'autoscaling',
            version: 'v1',
            kind: 'Scale',
            verbs: ['get', 'patch', 'update'],
          },
        ]
      : []),
    ...(kind.approval
      ? [{ name: `${kind.plural}/approval`, singularName: '', ...named, verbs: ['get', 'patch', 'update'] }]
      : []),
    ...(kind.status
      ? [{ name: `${kind.plural}/status`, singularName: '', ...named, verbs: ['get', 'patch', 'update'] }]
      : []),
  ];
}
