/**
 * Pods by node, by owner and by namespace, kept up with every change: a
 * controller that asks about one node or one owner must not look at all pods.
 */
import { controllerOf, type PodObject } from '../model/objects.ts';
import type { Change, Store } from '../model/store.ts';

type Group = Map<string, PodObject>;

const nowhere = '';

export class PodIndex {
  readonly #byNode = new Map<string, Group>();
  readonly #byController = new Map<string, Group>();
  readonly #byNamespace = new Map<string, Group>();

  constructor(store: Store) {
    for (const pod of store.list('pods')) this.#add(pod);
    store.onChange(change => this.#follow(change));
  }

  /** Pods that are bound to the node. */
  onNode(name: string): PodObject[] {
    return members(this.#byNode, name);
  }

  /** The pod of this uid that is bound to the node. */
  find(node: string, uid: string): PodObject | undefined {
    return this.#byNode.get(node)?.get(uid);
  }

  /** Pods that wait for a node, or were deleted while they did. */
  unbound(): PodObject[] {
    return members(this.#byNode, nowhere);
  }

  /** Names of nodes that pods are bound to, whether those exist or not. */
  nodeNames(): string[] {
    return [...this.#byNode.keys()].filter(name => name !== nowhere);
  }

  /** Pods whose controlling owner has this uid. */
  ownedBy(uid: string): PodObject[] {
    return members(this.#byController, uid);
  }

  inNamespace(name: string): PodObject[] {
    return members(this.#byNamespace, name);
  }

  #follow({ plural, type, object, before }: Change): void {
    if (plural !== 'pods') return;
    if (before !== undefined) this.#remove(before as PodObject, type === 'DELETED' ? undefined : (object as PodObject));
    if (type !== 'DELETED') this.#add(object as PodObject);
  }

  #add(pod: PodObject): void {
    const { uid, namespace = '' } = pod.metadata;
    place(this.#byNode, pod.spec.nodeName ?? nowhere, { uid, pod });
    place(this.#byNamespace, namespace, { uid, pod });
    const owner = controllerOf(pod);
    if (owner !== undefined) place(this.#byController, owner.uid, { uid, pod });
  }

  /** Takes a pod out of the groups that its successor is not in; where it stays, it keeps its place in the order. */
  #remove(pod: PodObject, next: PodObject | undefined): void {
    const { uid, namespace = '' } = pod.metadata;
    const node = pod.spec.nodeName ?? nowhere;
    if (next === undefined || (next.spec.nodeName ?? nowhere) !== node) drop(this.#byNode, node, uid);
    if (next === undefined) drop(this.#byNamespace, namespace, uid);
    const owner = controllerOf(pod)?.uid;
    if (owner !== undefined && (next === undefined || controllerOf(next)?.uid !== owner)) {
      drop(this.#byController, owner, uid);
    }
  }
}

function members(groups: Map<string, Group>, key: string): PodObject[] {
  return [...(groups.get(key)?.values() ?? [])];
}

function place(groups: Map<string, Group>, key: string, { uid, pod }: { uid: string; pod: PodObject }): void {
  let group = groups.get(key);
  if (group === undefined) {
    group = new Map();
    groups.set(key, group);
  }
  group.set(uid, pod);
}

function drop(groups: Map<string, Group>, key: string, uid: string): void {
  const group = groups.get(key);
  group?.delete(uid);
  if (group?.size === 0) groups.delete(key);
}

const indexes = new WeakMap<Store, PodIndex>();

/** The index of a store's pods, made at the first call. */
export function podIndex(store: Store): PodIndex {
  let index = indexes.get(store);
  if (index === undefined) {
    index = new PodIndex(store);
    indexes.set(store, index);
  }
  return index;
}
