/**
 * Server-side apply: a client says which fields it wants, and owns them from
 * then on. Another owner's field is not changed unless the client insists, and
 * a field that it no longer names goes when nobody else owns it. Simplified:
 * which lists are keyed is known by field name, not by each kind's schema.
 */
import { isDeepStrictEqual } from 'node:util';
import { ApiFailure } from '../model/failure.ts';
import type { KubeObject } from '../model/objects.ts';
import {
  type FieldPath,
  type FieldSet,
  fieldsOf,
  isMap,
  isSet,
  isWholeMap,
  itemElement,
  type Json,
  pathKey,
  pathText,
  valueAt,
} from './field-paths.ts';
import { isSame, type Manager, type Ownership, ownershipsForApply, withOwnerships } from './managed-fields.ts';

export type Applying = { manager: Manager; force: boolean; time: string };

type Conflict = { manager: Manager; path: FieldPath };

/** The object after the configuration was applied to it, owners counted. Throws 409 on conflicts unless forced. */
export function applyConfiguration(current: KubeObject, config: Json, { manager, force, time }: Applying): KubeObject {
  const wanted = fieldsOf(config, manager.subresource === 'status' ? 'status' : 'rest');
  const ownerships = ownershipsForApply(current);
  const others = ownerships.filter(each => !isSame(each.manager, manager));
  const mine = ownerships.find(each => isSame(each.manager, manager));
  const conflicts = conflictsIn(current, config, { wanted, others });
  if (conflicts.length > 0 && !force) throw conflictFailure(conflicts);
  const lost = new Set(conflicts.map(({ path }) => pathKey(path)));
  const remaining = others.map(each => ({ ...each, fields: subtract(each.fields, lost) }));
  const merged = merge(current as unknown as Json, withoutIdentity(config));
  const dropped = droppedPaths(mine, wanted, remaining);
  for (const path of dropped) removeAt(merged, path);
  const unchanged = mine !== undefined && sameFields(mine.fields, wanted) && isDeepStrictEqual(merged, current);
  const own = { manager, fields: wanted, time: unchanged ? mine.time : time };
  return withOwnerships(merged as unknown as KubeObject, [...remaining, own]);
}

/** What the first apply of an object that does not exist stores. */
export function appliedFirst<T extends { metadata: object }>(object: T, config: Json, applying: Applying): T {
  const { manager, time } = applying;
  return withOwnerships(object, [{ manager, fields: fieldsOf(config, 'rest'), time }]);
}

function conflictsIn(
  current: KubeObject,
  config: Json,
  { wanted, others }: { wanted: FieldSet; others: Ownership[] },
): Conflict[] {
  return others.flatMap(({ manager, fields }) =>
    [...wanted]
      .filter(([key, path]) => {
        if (!fields.has(key) || path.at(-1)?.startsWith('k:')) return false;
        return !isDeepStrictEqual(valueAt(current, path), valueAt(config, path));
      })
      .map(([, path]) => ({ manager, path })),
  );
}

function conflictFailure(conflicts: Conflict[]): ApiFailure {
  return new ApiFailure(409, 'Conflict', conflictText(conflicts), {
    causes: conflicts.map(({ manager, path }) => ({
      reason: 'FieldManagerConflict',
      message: `conflict with ${managerText(manager)}`,
      field: pathText(path),
    })),
  });
}

function conflictText(conflicts: Conflict[]): string {
  const [first] = conflicts;
  if (first !== undefined && conflicts.length === 1) {
    return `Apply failed with 1 conflict: conflict with ${managerText(first.manager)}: ${pathText(first.path)}`;
  }
  const byManager = Map.groupBy(conflicts, ({ manager }) => managerText(manager));
  const lines = [...byManager]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([manager, theirs]) => [`conflicts with ${manager}:`, ...theirs.map(({ path }) => `- ${pathText(path)}`)]);
  return `Apply failed with ${conflicts.length} conflicts: ${lines.join('\n')}`;
}

function managerText({ name, operation, apiVersion, subresource }: Manager): string {
  const text = `"${name}"${subresource === '' ? '' : ` with subresource "${subresource}"`}`;
  return operation === 'Update' ? `${text} using ${apiVersion}` : text;
}

function droppedPaths(mine: Ownership | undefined, wanted: FieldSet, others: Ownership[]): FieldPath[] {
  const dropped = [...(mine?.fields ?? [])].filter(([key]) => !wanted.has(key));
  const isOwned = (key: string) =>
    others.some(({ fields }) => fields.has(key) || [...fields.keys()].some(each => each.startsWith(`${key}\n`)));
  const free = dropped.filter(([key]) => !isOwned(key)).map(([, path]) => path);
  // Items of lists go after their fields.
  return free.toSorted((a, b) => b.length - a.length);
}

function withoutIdentity(config: Json): Json {
  const { managedFields: _managed, ...metadata } = (config.metadata ?? {}) as Json;
  return { ...config, metadata };
}

function subtract(fields: FieldSet, keys: Set<string>): FieldSet {
  return new Map([...fields].filter(([key]) => !keys.has(key)));
}

function sameFields(a: FieldSet, b: FieldSet): boolean {
  return a.size === b.size && [...a.keys()].every(key => b.has(key));
}

function merge(current: Json, wanted: Json): Json {
  const merged: Json = { ...current };
  for (const [name, value] of Object.entries(wanted)) {
    if (value === null || value === undefined) continue;
    merged[name] = mergeValue(name, current[name], value);
  }
  return merged;
}

function mergeValue(name: string, current: unknown, wanted: unknown): unknown {
  if (isMap(wanted) && isMap(current) && !isWholeMap(name)) return merge(current, wanted);
  if (!Array.isArray(wanted) || !Array.isArray(current)) return structuredClone(wanted);
  if (isSet(name)) return [...new Set([...current, ...wanted])];
  if (wanted.some(item => itemElement(name, item) === undefined)) return structuredClone(wanted);
  const merged: unknown[] = [...current];
  for (const item of wanted) {
    const index = merged.findIndex(each => itemElement(name, each) === itemElement(name, item));
    if (index < 0) merged.push(structuredClone(item));
    else merged[index] = merge(merged[index] as Json, item as Json);
  }
  return merged;
}

/** Removes a field or an item, and the maps that are left empty by it. Levels on the way were copied by `merge`. */
function removeAt(object: Json, path: FieldPath): void {
  const [last = ''] = path.slice(-1);
  const parentPath = path.slice(0, -1);
  if (parentPath.length === 0) {
    delete object[last.slice(2)];
    return;
  }
  const parent = valueAt(object, parentPath);
  if (isMap(parent) && last.startsWith('f:')) {
    const { [last.slice(2)]: _gone, ...rest } = parent;
    replaceAt(object, parentPath, rest);
    if (Object.keys(rest).length === 0 && parentPath.length > 1) removeAt(object, parentPath);
  } else if (Array.isArray(parent)) {
    const name = parentPath.at(-1)?.slice(2) ?? '';
    const rest = parent.filter(item =>
      last.startsWith('v:') ? `v:${JSON.stringify(item)}` !== last : itemElement(name, item) !== last,
    );
    if (rest.length === 0) removeAt(object, parentPath);
    else replaceAt(object, parentPath, rest);
  }
}

/** Puts a value in place, copying what holds it, since the stored object shares its parts. */
function replaceAt(object: Json, path: FieldPath, value: unknown): void {
  const [last = ''] = path.slice(-1);
  const parentPath = path.slice(0, -1);
  if (parentPath.length === 0) {
    object[last.slice(2)] = value;
    return;
  }
  const parent = valueAt(object, parentPath);
  if (isMap(parent)) replaceAt(object, parentPath, { ...parent, [last.slice(2)]: value });
  else if (Array.isArray(parent)) {
    const name = parentPath.at(-1)?.slice(2) ?? '';
    replaceAt(
      object,
      parentPath,
      parent.map(item => (itemElement(name, item) === last ? value : item)),
    );
  }
}
