/** An API request after routing: which resource, which object, which subresource. */

import { decodeText } from '../access/request-attributes.ts';
import { badRequest } from '../model/failure.ts';
import type { KindTable, ResourceKind } from '../model/resources.ts';
import { type Match, parseFieldSelector, parseLabelSelector } from '../model/selectors.ts';

export type ApiRequest = {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: Record<string, string | string[] | undefined>;
  body: unknown;
};

export type Answer = { status: number; body: object | string; headers?: Record<string, string> };

export type Target = { kind: ResourceKind; namespace?: string; name?: string; subresource?: string };

export type NamedTarget = Target & { name: string };

export function isNamed(target: Target): target is NamedTarget {
  return target.name !== undefined;
}

export function refOf({ name, namespace }: NamedTarget): { name: string; namespace?: string } {
  return namespace === undefined ? { name } : { name, namespace };
}

export function isDryRun(request: ApiRequest): boolean {
  return request.query.getAll('dryRun').includes('All');
}

/** The resource that a path names, or undefined when this API serves none there. */
export function routeOf(path: string, kinds: KindTable): Target | undefined {
  const matched = /^\/(?:api\/(?<core>v1)|apis\/(?<group>[^/]+)\/(?<version>[^/]+))\/(?<rest>.+)$/.exec(path);
  const { core, group = '', version = '', rest = '' } = matched?.groups ?? {};
  const parts = rest
    .split('/')
    .filter(part => part !== '')
    .map(decodeText);
  const inNamespace = parts[0] === 'namespaces' && parts.length > 2 && parts[2] !== 'status' && parts[2] !== 'finalize';
  const namespace = inNamespace ? parts[1] : undefined;
  const [plural = '', name, named, ...more] = inNamespace ? parts.slice(2) : parts;
  const kind = kinds.find(group, core ?? version, plural);
  // An approval writes conditions, and so the status.
  const subresource = named === 'approval' && kind?.approval ? 'status' : named;
  if (kind === undefined || more.length > 0 || (inNamespace && !kind.namespaced)) return undefined;
  const known =
    subresource === undefined ||
    subresource === 'status' ||
    (subresource === 'scale' && kind.scale) ||
    kind.actions?.some(a => a.name === subresource);
  if (!known || (subresource === 'status' && !kind.status)) return undefined;
  if (kind.review && name !== undefined) return undefined;
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
