/** An API request after routing: which resource, which object, which subresource. */
import { badRequest } from './failure.ts';
import { findKind, type ResourceKind } from './resources.ts';
import { type Match, parseFieldSelector, parseLabelSelector } from './selectors.ts';

export type ApiRequest = {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: Record<string, string | string[] | undefined>;
  body: unknown;
};

export type Answer = { status: number; body: object | string };

export type Target = { kind: ResourceKind; namespace?: string; name?: string; subresource?: string };

/** The resource that a path names, or undefined when this API serves none there. */
export function routeOf(path: string): Target | undefined {
  const matched = /^\/(?:api\/(?<core>v1)|apis\/(?<group>[^/]+)\/(?<version>[^/]+))\/(?<rest>.+)$/.exec(path);
  const { core, group = '', version = '', rest = '' } = matched?.groups ?? {};
  const parts = rest
    .split('/')
    .filter(part => part !== '')
    .map(decodeURIComponent);
  const inNamespace = parts[0] === 'namespaces' && parts.length > 2 && parts[2] !== 'status';
  const namespace = inNamespace ? parts[1] : undefined;
  const [plural = '', name, subresource, ...more] = inNamespace ? parts.slice(2) : parts;
  const kind = core === undefined ? findKind(group, version, plural) : findKind('', core, plural);
  if (kind === undefined || more.length > 0 || (inNamespace && !kind.namespaced)) return undefined;
  const known =
    subresource === undefined || subresource === 'status' || kind.actions?.some(a => a.name === subresource);
  if (!known || (subresource === 'status' && !kind.status)) return undefined;
  if (kind.namespaced && name !== undefined && namespace === undefined) return undefined;
  return {
    kind,
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
    ...(subresource === undefined ? {} : { subresource }),
  };
}

/** The objects that a list or watch asks for, by namespace and both selectors. Throws 400. */
export function selectionOf(target: Target, query: URLSearchParams): Match {
  const label = parseLabelSelector(query.get('labelSelector') ?? '');
  const field = parseFieldSelector(query.get('fieldSelector') ?? '', target.kind);
  return object =>
    (target.namespace === undefined || object.metadata.namespace === target.namespace) &&
    (target.name === undefined || object.metadata.name === target.name) &&
    label(object) &&
    field(object);
}

/** A whole number of a query, undefined when absent. Throws 400 for anything else. */
export function wholeNumber(query: URLSearchParams, key: string): number | undefined {
  const text = query.get(key);
  if (text === null || text === '') return undefined;
  if (!/^\d{1,15}$/.test(text)) throw badRequest(`Invalid value: "${text}": ${key} must be a whole number`);
  return Number(text);
}
