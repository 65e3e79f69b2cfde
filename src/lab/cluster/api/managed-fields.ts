/** Who set which field last: kept with each object as `metadata.managedFields`, as far as writers come over the wire. */
import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '../model/objects.ts';
import { type FieldSet, fieldsOf, fromFieldsV1, toFieldsV1, valueAt } from './field-paths.ts';

export type Manager = { name: string; operation: 'Apply' | 'Update'; apiVersion: string; subresource: string };
export type Ownership = { manager: Manager; fields: FieldSet; time: string };

type Entry = {
  manager: string;
  operation: 'Apply' | 'Update';
  apiVersion: string;
  time?: string;
  fieldsType: 'FieldsV1';
  fieldsV1: object;
  subresource?: string;
};
type Managed = { managedFields?: Entry[] };

/** Whoever owned the fields of an object before anyone was counted. */
const beforeFirstApply = 'before-first-apply';

function ownershipsOf(object: KubeObject): Ownership[] {
  return ((object.metadata as Managed).managedFields ?? []).map(entry => ({
    manager: {
      name: entry.manager,
      operation: entry.operation,
      apiVersion: entry.apiVersion,
      subresource: entry.subresource ?? '',
    },
    fields: fromFieldsV1(entry.fieldsV1),
    time: entry.time ?? '',
  }));
}

/** The same for an object that somebody applies to: fields of nobody belong to one that was there before. */
export function ownershipsForApply(object: KubeObject): Ownership[] {
  const known = ownershipsOf(object);
  if (known.length > 0) return known;
  const manager = {
    name: beforeFirstApply,
    operation: 'Update' as const,
    apiVersion: object.apiVersion,
    subresource: '',
  };
  return [{ manager, fields: fieldsOf(object, 'rest'), time: object.metadata.creationTimestamp }];
}

/** The object with these owners; those who own nothing any more are left out. */
export function withOwnerships<T extends { metadata: object }>(object: T, ownerships: Ownership[]): T {
  const managedFields = ownerships
    .filter(({ fields }) => fields.size > 0)
    .map<Entry>(({ manager, fields, time }) => ({
      manager: manager.name,
      operation: manager.operation,
      apiVersion: manager.apiVersion,
      ...(time === '' ? {} : { time }),
      fieldsType: 'FieldsV1',
      fieldsV1: toFieldsV1(fields),
      ...(manager.subresource === '' ? {} : { subresource: manager.subresource }),
    }));
  const { managedFields: _before, ...metadata } = object.metadata as Managed;
  return { ...object, metadata: managedFields.length === 0 ? metadata : { ...metadata, managedFields } } as T;
}

export function isSame(a: Manager, b: Manager): boolean {
  return a.name === b.name && a.operation === b.operation && a.subresource === b.subresource;
}

/** Counts what one update changed: its writer owns that now, and nobody else does. */
export function trackUpdate<T extends { metadata: object }>(
  before: KubeObject | undefined,
  after: T,
  { manager, time }: { manager: Manager; time: string },
): T {
  const part = manager.subresource === 'status' ? 'status' : 'rest';
  const now = fieldsOf(after, part);
  const then: FieldSet = before === undefined ? new Map() : fieldsOf(before, part);
  const changed: FieldSet = new Map();
  for (const [key, path] of now) {
    if (!then.has(key) || !isDeepStrictEqual(valueAt(before, path), valueAt(after, path))) changed.set(key, path);
  }
  // An item of a list is itself unchanged as long as it is there.
  for (const [key, path] of changed) if (then.has(key) && path.at(-1)?.startsWith('k:')) changed.delete(key);
  const gone = [...then.keys()].filter(key => !now.has(key));
  const earlier = before === undefined ? [] : ownershipsOf(before);
  if (changed.size === 0 && gone.length === 0) return withOwnerships(after, earlier);
  const others = earlier
    .filter(each => !isSame(each.manager, manager))
    .map(each => without(each, [...changed.keys(), ...gone]));
  const mine = earlier.find(each => isSame(each.manager, manager));
  const kept = mine === undefined ? new Map() : without(mine, gone).fields;
  return withOwnerships(after, [...others, { manager, fields: new Map([...kept, ...changed]), time }]);
}

function without(ownership: Ownership, keys: string[]): Ownership {
  const fields = new Map(ownership.fields);
  for (const key of keys) fields.delete(key);
  return { ...ownership, fields };
}
