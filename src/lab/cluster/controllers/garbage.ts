/**
 * The garbage collector: what is owned goes after its owner, before it when the
 * owner is deleted in the foreground, or is let go when the owner says orphan.
 */
import { deleteObject, foregroundFinalizer, orphanFinalizer, releaseFinalizer } from '../model/deletion.ts';
import type { KubeObject, OwnerReference } from '../model/objects.ts';
import { resourceKinds, storeKey } from '../model/resources.ts';
import type { Change, Store } from '../model/store.ts';

type Place = { plural: string; name: string; namespace?: string };

/** Collects until stopped by the returned function. */
export function collectDependents(store: Store): () => void {
  const collector = new Collector(store);
  const unfollow = store.onChange(change => collector.notice(change));
  return () => {
    unfollow();
    collector.stop();
  };
}

class Collector {
  readonly #store: Store;
  readonly #places = new Map<string, Place>();
  /** Uids of the objects that name an owner, by the owner's uid. */
  readonly #owned = new Map<string, Set<string>>();
  /** Uids of objects to look at again. */
  readonly #due = new Set<string>();
  #scheduled: NodeJS.Immediate | undefined;

  constructor(store: Store) {
    this.#store = store;
    for (const plural of new Set(resourceKinds.filter(kind => !kind.review).map(storeKey))) {
      for (const object of store.list(plural)) this.#index(plural, object, []);
    }
  }

  stop(): void {
    clearImmediate(this.#scheduled);
  }

  notice({ type, plural, object, before }: Change): void {
    const { uid } = object.metadata;
    const earlier = ownersOf(before);
    if (type === 'DELETED') {
      this.#places.delete(uid);
      for (const owner of earlier) this.#owned.get(owner.uid)?.delete(uid);
      for (const dependent of this.#owned.get(uid) ?? []) this.#due.add(dependent);
      this.#owned.delete(uid);
      for (const owner of earlier) this.#due.add(owner.uid);
    } else {
      this.#index(plural, object, earlier);
      const owners = ownersOf(object);
      if (owners.length > 0 && owners.length !== earlier.length) this.#due.add(uid);
      for (const owner of earlier) if (!owners.some(each => each.uid === owner.uid)) this.#due.add(owner.uid);
      if (object.metadata.deletionTimestamp !== undefined) this.#due.add(uid);
    }
    if (this.#due.size > 0) this.#scheduled ??= setImmediate(() => this.#run());
  }

  #index(plural: string, { metadata }: KubeObject, earlier: OwnerReference[]): void {
    const { uid, name, namespace, ownerReferences = [] } = metadata;
    this.#places.set(uid, { plural, name, ...(namespace === undefined ? {} : { namespace }) });
    for (const owner of earlier) this.#owned.get(owner.uid)?.delete(uid);
    for (const owner of ownerReferences) {
      const owned = this.#owned.get(owner.uid) ?? new Set();
      this.#owned.set(owner.uid, owned.add(uid));
    }
  }

  #run(): void {
    this.#scheduled = undefined;
    const due = [...this.#due];
    this.#due.clear();
    for (const uid of due) {
      const found = this.#find(uid);
      if (found !== undefined) this.#look(found);
    }
  }

  #look({ place, object }: { place: Place; object: KubeObject }): void {
    const { finalizers = [], deletionTimestamp } = object.metadata;
    if (deletionTimestamp === undefined) this.#collectUnowned(place, object);
    else if (finalizers.includes(orphanFinalizer)) this.#orphan(place, object);
    else if (finalizers.includes(foregroundFinalizer)) this.#waitForDependents(place, object);
  }

  /** Deletes an object whose owners are all gone or wait for it; takes references to gone owners off otherwise. */
  #collectUnowned(place: Place, object: KubeObject): void {
    const owners = ownersOf(object);
    if (owners.length === 0) return;
    const present = owners.filter(({ uid }) => this.#places.has(uid));
    const solid = present.filter(({ uid }) => !this.#awaits(uid));
    if (solid.length > 0) {
      if (solid.length < owners.length) this.#keepOwners(place, solid);
      return;
    }
    const blocks = this.#dependents(object.metadata.uid).some(each => isBlocking(each.object, object.metadata.uid));
    const propagationPolicy = present.length > 0 && blocks ? 'Foreground' : 'Background';
    deleteObject(this.#store, place, { propagationPolicy });
  }

  #waitForDependents(place: Place, object: KubeObject): void {
    const dependents = this.#dependents(object.metadata.uid);
    const blocking = dependents.filter(each => isBlocking(each.object, object.metadata.uid));
    if (blocking.length === 0) releaseFinalizer(this.#store, place, foregroundFinalizer);
    for (const dependent of dependents) {
      if (dependent.object.metadata.deletionTimestamp === undefined) {
        this.#collectUnowned(dependent.place, dependent.object);
      }
    }
  }

  #orphan(place: Place, { metadata }: KubeObject): void {
    for (const dependent of this.#dependents(metadata.uid)) {
      const others = ownersOf(dependent.object).filter(({ uid }) => uid !== metadata.uid);
      this.#keepOwners(dependent.place, others);
    }
    releaseFinalizer(this.#store, place, orphanFinalizer);
  }

  #keepOwners({ plural, ...ref }: Place, owners: OwnerReference[]): void {
    this.#store.update(plural, ref, ({ metadata }) => {
      if (owners.length > 0) metadata.ownerReferences = owners;
      else delete metadata.ownerReferences;
    });
  }

  /** Whether this owner is being deleted and waits for its dependents to go first. */
  #awaits(uid: string): boolean {
    const metadata = this.#find(uid)?.object.metadata;
    return metadata?.deletionTimestamp !== undefined && (metadata.finalizers ?? []).includes(foregroundFinalizer);
  }

  #dependents(uid: string): { place: Place; object: KubeObject }[] {
    return [...(this.#owned.get(uid) ?? [])].flatMap(each => this.#find(each) ?? []);
  }

  #find(uid: string): { place: Place; object: KubeObject } | undefined {
    const place = this.#places.get(uid);
    if (place === undefined) return undefined;
    const { plural, ...ref } = place;
    const object = this.#store.get(plural, ref);
    return object?.metadata.uid === uid ? { place, object } : undefined;
  }
}

function ownersOf(object: KubeObject | undefined): OwnerReference[] {
  return object?.metadata.ownerReferences ?? [];
}

function isBlocking(dependent: KubeObject, owner: string): boolean {
  return ownersOf(dependent).some(({ uid, blockOwnerDeletion }) => uid === owner && blockOwnerDeletion === true);
}
