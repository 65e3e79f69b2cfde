/** What a request asks to do, in the terms that authorization speaks: a verb on a resource, or on a plain path. */

export type ResourceAttributes = {
  verb: string;
  group: string;
  resource: string;
  subresource: string;
  name: string;
  /** Empty at the cluster scope. */
  namespace: string;
};

export type PathAttributes = { verb: string; path: string };

export type Attributes = ResourceAttributes | PathAttributes;

const verbs: Record<string, string> = {
  POST: 'create',
  GET: 'get',
  HEAD: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** Reads the attributes off the path alone, before anyone knows whether such a resource is served. */
export function attributesOf(request: { method: string; path: string; query: URLSearchParams }): Attributes {
  const { method, path, query } = request;
  const parts = path.split('/').filter(part => part !== '');
  const prefix = parts[0] === 'api' ? 2 : parts[0] === 'apis' ? 3 : undefined;
  if (prefix === undefined || parts.length <= prefix) return { verb: method.toLowerCase(), path };
  const group = prefix === 3 ? (parts[1] ?? '') : '';
  const named = namedBy(parts.slice(prefix).map(decodeText));
  return { verb: verbOf(method, named.name, query), group, ...named, name: named.name || nameSelected(query) };
}

function namedBy(parts: string[]): { namespace: string; resource: string; name: string; subresource: string } {
  const scoped = parts[0] === 'namespaces' && parts.length > 1;
  const namespace = scoped ? (parts[1] ?? '') : '';
  const inside = scoped && parts.length > 2 && parts[2] !== 'status' && parts[2] !== 'finalize';
  const [resource = '', name = '', subresource = ''] = inside ? parts.slice(2) : parts;
  return { namespace, resource, name, subresource };
}

function verbOf(method: string, name: string, query: URLSearchParams): string {
  const verb = verbs[method] ?? '';
  if (name !== '') return verb;
  if (verb === 'get') return /^(true|1)$/.test(query.get('watch') ?? '') ? 'watch' : 'list';
  return verb === 'delete' ? 'deletecollection' : verb;
}

/** A list of the one object that a field selector names is judged like that object. */
function nameSelected(query: URLSearchParams): string {
  return /^metadata\.name==?([^,]+)$/.exec(query.get('fieldSelector') ?? '')?.[1] ?? '';
}

/** A part of a path without its percent signs; one that is encoded wrongly stays as it is. */
export function decodeText(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
