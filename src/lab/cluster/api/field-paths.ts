/**
 * Which fields an object has, as paths: the currency in which ownership of
 * fields is counted. Lists whose items have a name of their own are counted
 * item by item, other lists and a few maps as one value.
 */

export type Json = Record<string, unknown>;
/** `f:name`, `k:{"name":"web"}` for a list's item, or `v:"text"` for a set's. */
export type FieldPath = string[];
/** Paths by their text. */
export type FieldSet = Map<string, FieldPath>;

/** By field name, what names the items of a list. */
const itemKeys: Record<string, string[]> = {
  conditions: ['type'],
  addresses: ['type'],
  ownerReferences: ['uid'],
  containers: ['name'],
  initContainers: ['name'],
  volumes: ['name'],
  env: ['name'],
  imagePullSecrets: ['name'],
  volumeMounts: ['mountPath'],
  ports: ['containerPort', 'protocol'],
};
const sets = new Set(['finalizers']);
const wholeMaps = new Set([
  'selector',
  'nodeSelector',
  'labelSelector',
  'roleRef',
  'involvedObject',
  'resourceFieldRef',
]);
/** What the API sets itself, and so nobody owns. */
const unowned = new Set([
  'name',
  'generateName',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'selfLink',
  'managedFields',
]);

export function isMap(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function pathKey(path: FieldPath): string {
  return path.join('\n');
}

/** The fields of an object, its status only when asked for that. */
export function fieldsOf(object: object, part: 'status' | 'rest'): FieldSet {
  const found: FieldSet = new Map();
  for (const [key, value] of Object.entries(object)) {
    if (key === 'apiVersion' || key === 'kind' || (key === 'status') !== (part === 'status')) continue;
    if (key !== 'metadata') collect(found, [`f:${key}`], value, key);
    else if (isMap(value)) {
      for (const [name, field] of Object.entries(value)) {
        if (!unowned.has(name)) collect(found, ['f:metadata', `f:${name}`], field, name);
      }
    }
  }
  return found;
}

function collect(found: FieldSet, path: FieldPath, value: unknown, name: string): void {
  if (value === undefined || value === null) return;
  if (Array.isArray(value)) collectList(found, path, value, name);
  else if (!isMap(value) || wholeMaps.has(name) || Object.keys(value).length === 0) add(found, path);
  else for (const [key, field] of Object.entries(value)) collect(found, [...path, `f:${key}`], field, key);
}

function collectList(found: FieldSet, path: FieldPath, list: unknown[], name: string): void {
  const elements = list.map(item => (sets.has(name) ? `v:${JSON.stringify(item)}` : itemElement(name, item)));
  if (elements.length === 0 || elements.includes(undefined)) {
    add(found, path);
    return;
  }
  for (const [index, element = ''] of elements.entries()) {
    const item = list[index];
    const itemPath = [...path, element];
    add(found, itemPath);
    if (!isMap(item)) continue;
    for (const [key, field] of Object.entries(item)) collect(found, [...itemPath, `f:${key}`], field, key);
  }
}

function add(found: FieldSet, path: FieldPath): void {
  found.set(pathKey(path), path);
}

/** The path element of an item of the list called `name`, undefined when its items have no names. */
export function itemElement(name: string, item: unknown): string | undefined {
  const keys = itemKeys[name];
  if (keys === undefined || !isMap(item)) return undefined;
  const [first = '', ...others] = keys;
  if (item[first] === undefined) return undefined;
  const values = Object.fromEntries([
    [first, item[first]],
    ...others.map(key => [key, item[key] ?? (key === 'protocol' ? 'TCP' : undefined)]),
  ]);
  return `k:${JSON.stringify(values)}`;
}

export function isSet(name: string): boolean {
  return sets.has(name);
}

export function isWholeMap(name: string): boolean {
  return wholeMaps.has(name);
}

/** The value at a path, undefined where there is none. */
export function valueAt(object: unknown, path: FieldPath): unknown {
  let value = object;
  let name = '';
  for (const element of path) {
    if (element.startsWith('f:')) {
      name = element.slice(2);
      value = isMap(value) ? value[name] : undefined;
    } else if (!Array.isArray(value)) return undefined;
    else if (element.startsWith('v:')) value = value.find(item => `v:${JSON.stringify(item)}` === element);
    else value = value.find(item => itemElement(name, item) === element);
  }
  return value;
}

/** A path as people read it: `.spec.template.spec.containers[name="web"].image`. */
export function pathText(path: FieldPath): string {
  return path
    .map(element => {
      if (element.startsWith('f:')) return `.${element.slice(2)}`;
      if (element.startsWith('v:')) return `[=${element.slice(2)}]`;
      const keys = Object.entries(JSON.parse(element.slice(2)) as Json);
      return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`;
    })
    .join('');
}

/** The form in which ownership is stored with the object. */
export function toFieldsV1(fields: FieldSet): Json {
  const root: Json = {};
  for (const path of fields.values()) {
    let level = root;
    for (const element of path) {
      const next = (level[element] ?? {}) as Json;
      level[element] = next;
      level = next;
    }
    if (path.at(-1)?.startsWith('k:')) level['.'] = {};
  }
  return root;
}

export function fromFieldsV1(fields: unknown): FieldSet {
  const found: FieldSet = new Map();
  const walk = (level: unknown, path: FieldPath) => {
    if (!isMap(level)) return;
    const inside = Object.keys(level);
    if (path.length > 0 && (inside.length === 0 || '.' in level)) add(found, path);
    for (const element of inside) if (element !== '.') walk(level[element], [...path, element]);
  };
  walk(fields, []);
  return found;
}
