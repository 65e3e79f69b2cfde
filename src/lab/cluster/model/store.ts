/**
 * The cluster's memory: objects under one opaque, rising resource version, and
 * the recent changes that watches replay. Stored objects are never modified in
 * place, so a list that was handed out stays what it was.
 */
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { alreadyExists, conflict, notFound } from './failure.ts';
import type {
  BudgetObject,
  JobObject,
  KubeObject,
  LeaseObject,
  NodeObject,
  PodObject,
  WorkloadObject,
} from './objects.ts';
import { apiVersionOf, KindTable } from './resources.ts';

type ObjectTypes = {
  nodes: NodeObject;
  pods: PodObject;
  poddisruptionbudgets: BudgetObject;
  leases: LeaseObject;
  deployments: WorkloadObject;
  replicasets: WorkloadObject;
  statefulsets: WorkloadObject;
  daemonsets: WorkloadObject;
  jobs: JobObject;
};

export type ObjectOf<P extends string> = P extends keyof ObjectTypes ? ObjectTypes[P] : KubeObject;

export type Change = {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  plural: string;
  version: number;
  object: KubeObject;
  before?: KubeObject;
};

export type Ref = { name: string; namespace?: string };

export type UpdateRef = Ref & {
  /** Resource version that the writer saw; empty or undefined to write over anything. */
  expected?: string | undefined;
  /** Answers what would be stored, and stores nothing. */
  dryRun?: boolean;
};

/** What a creator has to say; the store adds the rest. */
export type NewObject = {
  metadata: Partial<KubeObject['metadata']> & { name: string };
  apiVersion?: string;
  kind?: string;
  spec?: object;
  status?: object;
};

const withGeneration = new Set<string>([
  'pods',
  'deployments',
  'replicasets',
  'statefulsets',
  'daemonsets',
  'jobs',
  'poddisruptionbudgets',
]);

export class Store {
  readonly kinds = new KindTable();
  readonly #objects = new Map<string, Map<string, KubeObject>>();
  /** The same by namespace and name, until the next change of the kind. */
  readonly #ordered = new Map<string, KubeObject[]>();
  readonly #changes = new Map<string, Change[]>();
  /** Per plural: changes up to this version are forgotten. */
  readonly #forgotten = new Map<string, number>();
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #now: () => string;
  readonly #nowMs: () => number;
  readonly #historyLength: number;
  readonly #undelivered: Change[] = [];
  #delivering = false;
  #version = 1000;

  constructor(options: { now: () => string; nowMs?: () => number; historyLength?: number }) {
    this.#now = options.now;
    this.#nowMs = options.nowMs ?? Date.now;
    this.#historyLength = options.historyLength ?? 4000;
  }

  get version(): number {
    return this.#version;
  }

  /** The current time in the form that the API shows. */
  now(): string {
    return this.#now();
  }

  /** The same in milliseconds since the epoch: what timestamps of this cluster are compared with. */
  nowMs(): number {
    return this.#nowMs();
  }

  /** Calls back after every change, in order; returns the way to stop it. */
  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get<P extends string>(plural: P, ref: Ref): ObjectOf<P> | undefined {
    return this.#objects.get(plural)?.get(keyOf(ref)) as ObjectOf<P> | undefined;
  }

  /** All objects of a kind, by namespace and name. */
  list<P extends string>(plural: P, namespace?: string): ObjectOf<P>[] {
    const all = this.#inOrder(plural);
    const found = namespace === undefined ? [...all] : all.filter(object => object.metadata.namespace === namespace);
    return found as ObjectOf<P>[];
  }

  #inOrder(plural: string): KubeObject[] {
    const known = this.#ordered.get(plural);
    if (known !== undefined) return known;
    const entries = [...(this.#objects.get(plural) ?? [])].sort(([a], [b]) => compare(a, b));
    const ordered = entries.map(([, object]) => object);
    this.#ordered.set(plural, ordered);
    return ordered;
  }

  /** Stores a new object with a fresh uid, unless `dryRun`; throws 409 AlreadyExists. */
  create<P extends string>(plural: P, object: NewObject, { dryRun = false } = {}): ObjectOf<P> {
    const kind = this.kinds.of(plural);
    const key = keyOf(object.metadata);
    if (this.#kind(plural).has(key)) throw alreadyExists(kind, object.metadata.name);
    const created: KubeObject = {
      ...structuredClone(object),
      apiVersion: apiVersionOf(kind),
      kind: kind.kind,
      metadata: {
        ...structuredClone(object.metadata),
        uid: randomUUID(),
        resourceVersion: '',
        creationTimestamp: this.#now(),
        ...(this.#hasGeneration(plural) ? { generation: 1 } : {}),
      },
    };
    if (!dryRun) this.#commit('ADDED', plural, created);
    return created as ObjectOf<P>;
  }

  /**
   * Applies `change` to a copy and stores it. Nothing happens when the copy comes out equal.
   * Throws 404, or 409 Conflict when `expected` is not the current resource version.
   */
  update<P extends string>(plural: P, ref: UpdateRef, change: (draft: ObjectOf<P>) => void): ObjectOf<P> {
    const draft = structuredClone(this.#current(plural, ref));
    change(draft);
    return this.replace(plural, ref, draft);
  }

  /** Stores `next`, under the rules of {@link update}. */
  replace<P extends string>(plural: P, ref: UpdateRef, next: ObjectOf<P>): ObjectOf<P> {
    const current = this.#current(plural, ref);
    next.metadata.resourceVersion = current.metadata.resourceVersion;
    if (isDeepStrictEqual(next, current)) return current;
    if (this.#hasGeneration(plural) && !isDeepStrictEqual(next.spec, current.spec)) {
      next.metadata.generation = (current.metadata.generation ?? 0) + 1;
    }
    if (ref.dryRun !== true) this.#commit('MODIFIED', plural, next, current);
    return next;
  }

  /** Removes an object at once, whatever its finalizers; no error when it is gone. */
  remove(plural: string, ref: Ref): void {
    const current = this.get(plural, ref);
    if (current !== undefined) this.#commit('DELETED', plural, structuredClone(current), current);
  }

  /** Changes of a kind after `version`, or undefined when some of them are forgotten. */
  changesSince(plural: string, version: number): Change[] | undefined {
    if (version < (this.#forgotten.get(plural) ?? 0)) return undefined;
    return (this.#changes.get(plural) ?? []).filter(change => change.version > version);
  }

  /** Forgets all changes so far, as etcd's compaction does: older watches and continue tokens get 410. */
  compact(): void {
    for (const plural of this.#objects.keys()) {
      this.#forgotten.set(plural, this.#version);
      this.#changes.set(plural, []);
    }
  }

  #current<P extends string>(plural: P, ref: UpdateRef): ObjectOf<P> {
    const current = this.get(plural, ref);
    if (current === undefined) throw notFound(this.kinds.of(plural), ref.name);
    if (ref.expected !== undefined && ref.expected !== '' && ref.expected !== current.metadata.resourceVersion) {
      const why = 'the object has been modified; please apply your changes to the latest version and try again';
      throw conflict(this.kinds.of(plural), ref.name, why);
    }
    return current;
  }

  #hasGeneration(plural: string): boolean {
    return withGeneration.has(plural) || this.kinds.of(plural).key !== undefined;
  }

  #kind(plural: string): Map<string, KubeObject> {
    let objects = this.#objects.get(plural);
    if (objects === undefined) {
      objects = new Map();
      this.#objects.set(plural, objects);
    }
    return objects;
  }

  #commit(type: Change['type'], plural: string, object: KubeObject, before?: KubeObject): void {
    const version = ++this.#version;
    object.metadata.resourceVersion = String(version);
    this.#ordered.delete(plural);
    if (type === 'DELETED') this.#kind(plural).delete(keyOf(object.metadata));
    else this.#kind(plural).set(keyOf(object.metadata), object);
    const change: Change = { type, plural, version, object, ...(before ? { before } : {}) };
    const changes = this.#changes.get(plural) ?? [];
    changes.push(change);
    this.#changes.set(plural, changes);
    if (changes.length > this.#historyLength) {
      const dropped = changes.splice(0, Math.ceil(this.#historyLength / 4));
      this.#forgotten.set(plural, dropped.at(-1)?.version ?? 0);
    }
    this.#undelivered.push(change);
    this.#deliver();
  }

  /** A listener may write; what it writes is told after everyone heard of the change before. */
  #deliver(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    try {
      for (let change = this.#undelivered.shift(); change !== undefined; change = this.#undelivered.shift()) {
        for (const listener of [...this.#listeners]) listener(change);
      }
    } finally {
      this.#delivering = false;
    }
  }
}

function keyOf({ namespace = '', name }: Ref): string {
  return `${namespace}/${name}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
