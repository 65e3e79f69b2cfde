/**
 * The published OpenAPI v3 documents, as far as clients decide by them: which
 * kinds there are, and which query parameters a write of them takes. They hold
 * no schemas of fields.
 */
import { apiVersionOf, type KindTable, type ResourceKind } from '../model/resources.ts';

const parameters = ['dryRun', 'fieldManager', 'fieldValidation', 'force'].map(name => ({
  name,
  in: 'query',
  schema: { type: name === 'force' ? 'boolean' : 'string', uniqueItems: true },
}));

/** The index, or the document of one group version; undefined when the path is none of them. */
export function openApiDocument(path: string, { all }: KindTable): object | undefined {
  const byPath = Map.groupBy(all, ({ group, version }) =>
    group === '' ? `api/${version}` : `apis/${group}/${version}`,
  );
  if (/^\/openapi\/v3\/?$/.test(path)) {
    const paths = [...byPath.keys()].map(each => [each, { serverRelativeURL: `/openapi/v3/${each}` }]);
    return { paths: Object.fromEntries(paths) };
  }
  const kinds = byPath.get(path.replace(/^\/openapi\/v3\//, ''));
  return kinds === undefined ? undefined : documentOf(kinds);
}

function documentOf(kinds: ResourceKind[]): object {
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: 'v1.34.2' },
    paths: Object.fromEntries(kinds.filter(({ review }) => !review).map(pathOf)),
    components: { schemas: Object.fromEntries(kinds.map(schemaOf)) },
  };
}

function gvkOf({ group, version, kind }: ResourceKind): object {
  return { group, version, kind };
}

function pathOf(kind: ResourceKind): [string, object] {
  const base = kind.group === '' ? '/api/v1' : `/apis/${apiVersionOf(kind)}`;
  const operation = (action: string) => ({
    operationId: `${action}${kind.kind}`,
    parameters,
    responses: { 200: { description: 'OK' } },
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': gvkOf(kind),
  });
  const operations = { get: operation('get'), put: operation('put'), patch: operation('patch') };
  return [`${base}${kind.namespaced ? '/namespaces/{namespace}' : ''}/${kind.plural}/{name}`, operations];
}

function schemaOf(kind: ResourceKind): [string, object] {
  const group = kind.group === '' ? 'core' : kind.group;
  const text = { type: 'string' };
  const properties = { apiVersion: text, kind: text, metadata: { type: 'object' } };
  const schema = {
    type: 'object',
    properties,
    'x-kubernetes-preserve-unknown-fields': true,
    'x-kubernetes-group-version-kind': [gvkOf(kind)],
  };
  return [`${group.split('.').toReversed().join('.')}.${kind.version}.${kind.kind}`, schema];
}
