/** The `Table` form that kubectl asks for: the server, not kubectl, knows the columns of a kind. */
import type { KubeObject } from '../model/objects.ts';
import type { ResourceKind } from '../model/resources.ts';
import { columnsOf } from './table-layouts.ts';

/** Whether the Accept header prefers a table over plain JSON. */
export function wantsTable(accept: string): boolean {
  return accept.split(',')[0]?.includes('as=Table') ?? false;
}

/** One kind's objects as a Table; `include` is the query's includeObject. */
export function tableOf(
  kind: ResourceKind,
  objects: KubeObject[],
  options: { metadata: object; include: string | null },
): object {
  const columns = columnsOf(kind);
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: options.metadata,
    columnDefinitions: columns.map(({ name, type = 'string', format = '', wide = false }) => ({
      name,
      type,
      format,
      description: '',
      priority: wide ? 1 : 0,
    })),
    rows: objects.map(object => ({
      cells: columns.map(({ cell }) => cell(object)),
      object: rowObject(object, options.include),
    })),
  };
}

function rowObject(object: KubeObject, include: string | null): object | null {
  if (include === 'None') return null;
  if (include === 'Object') return object;
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata };
}
