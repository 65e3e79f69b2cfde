/**
 * The three patch forms of the API. Strategic merge knows the lists whose
 * items have a name of their own; every other list is replaced as a whole.
 */
import { isDeepStrictEqual } from 'node:util';
import { ApiFailure, badRequest } from '../model/failure.ts';

type Json = Record<string, unknown>;

/** Keys by which strategic merge joins lists of objects, by field name. Not node taints: clients send all of them. */
const mergeKeys: Record<string, string> = {
  conditions: 'type',
  addresses: 'type',
  ownerReferences: 'uid',
  containers: 'name',
  initContainers: 'name',
  volumes: 'name',
  env: 'name',
  volumeMounts: 'mountPath',
  imagePullSecrets: 'name',
  ephemeralContainers: 'name',
  volumeDevices: 'devicePath',
  ports: 'containerPort',
  hostAliases: 'ip',
  topologySpreadConstraints: 'topologyKey',
};
/** Lists of plain values that strategic merge joins. */
const mergedSets = new Set(['finalizers', 'podCIDRs']);

/** Applies a patch body of the given content type to a copy of `object`. Throws 400, 415 or 422. */
export function applyPatch(contentType: string, object: object, patch: unknown): unknown {
  const target: unknown = structuredClone(object);
  switch (contentType) {
    case 'application/json-patch+json':
      if (!Array.isArray(patch)) throw badRequest('a JSON patch is a list of operations');
      return patch.reduce((document: unknown, operation) => applyOperation(document, operation), target);
    case 'application/merge-patch+json':
      return mergePatch(target, patch);
    case 'application/strategic-merge-patch+json':
      if (!isObject(patch)) throw badRequest('a strategic merge patch is an object');
      return strategicMerge(isObject(target) ? target : {}, patch);
    default:
      throw new ApiFailure(
        415,
        'UnsupportedMediaType',
        `the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json`,
      );
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged: Json = isObject(target) ? target : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = mergePatch(merged[key], value);
  }
  return merged;
}

function strategicMerge(target: Json, patch: Json): Json {
  if (patch.$patch === 'replace') return without(patch, ['$patch']);
  if (patch.$patch === 'delete') return {};
  if (Array.isArray(patch.$retainKeys)) {
    for (const key of Object.keys(target)) if (!patch.$retainKeys.includes(key)) delete target[key];
  }
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith('$deleteFromPrimitiveList/')) {
      const name = key.slice('$deleteFromPrimitiveList/'.length);
      const drop = Array.isArray(value) ? value : [];
      if (Array.isArray(target[name])) target[name] = target[name].filter(item => !drop.includes(item));
    } else if (key.startsWith('$')) continue;
    else if (value === null) delete target[key];
    else if (Array.isArray(value)) target[key] = mergeList(key, target[key], value);
    else if (isObject(value)) target[key] = strategicMerge(isObject(target[key]) ? target[key] : {}, value);
    else target[key] = value;
  }
  return target;
}

function mergeList(name: string, current: unknown, patch: unknown[]): unknown[] {
  const list: unknown[] = Array.isArray(current) ? [...current] : [];
  if (mergedSets.has(name)) return [...new Set([...list, ...patch])];
  const mergeKey = mergeKeys[name];
  const keyed = patch.filter(isObject);
  const named = keyed.every(item => '$patch' in item || (mergeKey !== undefined && mergeKey in item));
  if (mergeKey === undefined || keyed.length !== patch.length || !named) return patch;
  if (keyed.some(item => item.$patch === 'replace')) return keyed.filter(item => item.$patch !== 'replace');
  for (const item of keyed) {
    const index = list.findIndex(existing => isObject(existing) && existing[mergeKey] === item[mergeKey]);
    const existing = list[index];
    if (item.$patch === 'delete') {
      if (index >= 0) list.splice(index, 1);
    } else if (isObject(existing)) list[index] = strategicMerge(existing, item);
    else list.push(strategicMerge({}, item));
  }
  return list;
}

function without(object: Json, keys: string[]): Json {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}

function applyOperation(document: unknown, operation: unknown): unknown {
  if (!isObject(operation) || typeof operation.op !== 'string' || typeof operation.path !== 'string') {
    throw badRequest('a JSON patch operation has op and path');
  }
  const { op, path, value } = operation;
  switch (op) {
    case 'add':
    case 'replace':
      return setAt(document, path, structuredClone(value), op);
    case 'remove':
      return removeAt(document, path);
    case 'test':
      if (!isDeepStrictEqual(valueAt(document, path), value)) throw unprocessable(`testing ${path} failed`);
      return document;
    case 'copy':
    case 'move': {
      if (typeof operation.from !== 'string') throw badRequest(`JSON patch ${op} has no from`);
      const moved = structuredClone(valueAt(document, operation.from));
      const rest = op === 'move' ? removeAt(document, operation.from) : document;
      return setAt(rest, path, moved, 'add');
    }
    default:
      throw badRequest(`unknown JSON patch operation ${op}`);
  }
}

function pointer(path: string): string[] {
  if (path === '') return [];
  if (!path.startsWith('/')) throw badRequest(`invalid JSON pointer ${path}`);
  return path
    .slice(1)
    .split('/')
    .map(part => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function valueAt(document: unknown, path: string): unknown {
  return pointer(path).reduce<unknown>((value, key) => {
    if (Array.isArray(value) && Number(key) in value) return value[Number(key)];
    if (isObject(value) && Object.hasOwn(value, key)) return value[key];
    throw unprocessable(`path ${path} does not exist`);
  }, document);
}

function setAt(document: unknown, path: string, value: unknown, op: 'add' | 'replace'): unknown {
  const keys = pointer(path);
  const last = keys.pop();
  if (last === undefined) return value;
  if (op === 'replace') valueAt(document, path);
  const parent = valueAt(document, path.slice(0, path.lastIndexOf('/')));
  if (Array.isArray(parent)) {
    const index = last === '-' ? parent.length : Number(last);
    if (!Number.isInteger(index) || index < 0 || index > parent.length) throw unprocessable(`no index ${last}`);
    parent.splice(index, op === 'replace' ? 1 : 0, value);
  } else if (isObject(parent)) Object.defineProperty(parent, last, { value, ...plain });
  else throw unprocessable(`path ${path} does not exist`);
  return document;
}

const plain = { writable: true, enumerable: true, configurable: true };

function removeAt(document: unknown, path: string): unknown {
  valueAt(document, path);
  const last = pointer(path).pop();
  const parent = valueAt(document, path.slice(0, path.lastIndexOf('/')));
  if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else if (isObject(parent) && last !== undefined) delete parent[last];
  return document;
}

function unprocessable(message: string): ApiFailure {
  return new ApiFailure(422, 'Invalid', `the server rejected our request due to an error in our request: ${message}`);
}
