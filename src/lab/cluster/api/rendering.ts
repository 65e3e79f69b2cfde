/** The answer to a read in the form that the client prefers: as it is, or as a table for people. */

import type { KubeObject } from '../model/objects.ts';
import { apiVersionOf } from '../model/resources.ts';
import type { ListBody } from './listing.ts';
import type { ApiRequest, Target } from './request.ts';
import { tableOf, wantsTable } from './table.ts';

/** An object or a list as this request wants it. */
export function render(target: Target, request: ApiRequest, body: object): object {
  const { kind, name } = target;
  const include = request.query.get('includeObject');
  const asTable = wantsTable(String(request.headers.accept ?? ''));
  if (isList(body)) {
    if (asTable) return tableOf(kind, body.items, { metadata: body.metadata, include });
    return { ...body, items: body.items.map(({ apiVersion: _version, kind: _kind, ...item }) => item) };
  }
  const object = inVersion(target, body as KubeObject);
  const watched = /^(true|1)$/.test(request.query.get('watch') ?? '');
  const isTable = asTable && object.metadata !== undefined && (name !== undefined || watched);
  return isTable
    ? tableOf(kind, [object], { metadata: { resourceVersion: object.metadata.resourceVersion }, include })
    : object;
}

/** A custom resource is shown in the version that was asked for, whichever it is stored in. */
function inVersion({ kind, subresource }: Target, object: KubeObject): KubeObject {
  if (kind.key === undefined || object.kind !== kind.kind || subresource === 'scale') return object;
  return { ...object, apiVersion: apiVersionOf(kind) };
}

function isList(body: object): body is ListBody {
  return 'items' in body && Array.isArray(body.items);
}
