/**
 * The storage system's side of claims: makes a volume for each claim of its
 * class, binds the two, and takes the volume away after the claim is gone.
 */

import type { ClaimObject, PodObject, VolumeObject } from '../model/objects.ts';
import { podIsFinished } from '../model/objects.ts';
import type { Change, Store } from '../model/store.ts';
import { claimNamesOf, nodeSelectedFor, waitsForConsumer } from './claims.ts';
import type { ControllerContext, KeyedController } from './controller-loop.ts';
import { podIndex } from './pod-index.ts';

/** Driver of the lab's simulated block storage. */
const storageDriver = 'block.csi.lab.test';
const defaultStorageClass = 'lab-block';

const claimProtection = 'kubernetes.io/pvc-protection';
const volumeProtection = 'kubernetes.io/pv-protection';
/** Real milliseconds that the storage system takes to make a volume. */
const provisionMs = 3000;

type StorageClass = { provisioner?: string; reclaimPolicy?: string; metadata: { name: string; annotations?: object } };

/** Creates the storage class that claims without one get, and its driver. */
export function seedStorage(store: Store): void {
  const annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' };
  const storageClass = {
    metadata: { name: defaultStorageClass, annotations },
    provisioner: storageDriver,
    reclaimPolicy: 'Delete',
    volumeBindingMode: 'Immediate',
    allowVolumeExpansion: false,
  };
  store.create('storageclasses', storageClass);
  store.create('csidrivers', {
    metadata: { name: storageDriver },
    spec: { attachRequired: true, podInfoOnMount: false, volumeLifecycleModes: ['Persistent'] },
  });
}

export function provisioner(context: ControllerContext): KeyedController {
  const { store, events } = context;
  const source = { component: storageDriver, host: `${storageDriver}-provisioner` };
  const ready = new Set<string>();
  return {
    name: 'provisioner',
    concerns: {
      persistentvolumeclaims: ({ object }) => [keyOf(object.metadata)],
      pods: change => claimKeysOf(change),
      persistentvolumes: ({ object }) => {
        const { namespace, name } = (object as VolumeObject).spec.claimRef ?? {};
        return name === undefined ? [] : [keyOf({ name, namespace })];
      },
      volumeattachments: ({ object, type }) => (type === 'DELETED' ? claimOfAttachment(store, object) : []),
    },
    keys: () => store.list('persistentvolumeclaims').map(({ metadata }) => keyOf(metadata)),
    reconcile: (key, again) => {
      const [namespace = '', name = ''] = key.split('/');
      const claim = store.get('persistentvolumeclaims', { namespace, name }) as ClaimObject | undefined;
      releaseVolumes(store, { namespace, name, uid: claim?.metadata.uid });
      if (claim === undefined) return;
      if (claim.metadata.deletionTimestamp !== undefined) return letGo(store, claim);
      protect(store, claim);
      if (claim.spec.volumeName !== undefined) return;
      const storageClass = classOf(store, claim);
      if (storageClass?.provisioner !== storageDriver) return;
      if (waitsForConsumer(store, claim) && nodeSelectedFor(claim) === undefined) return;
      if (!ready.delete(claim.metadata.uid)) {
        ready.add(claim.metadata.uid);
        return again(provisionMs);
      }
      const volume = provision(store, claim, storageClass);
      const message = `Successfully provisioned volume ${volume}`;
      events.record(source, claim, { reason: 'ProvisioningSucceeded', message });
    },
  };
}

function keyOf({ namespace = '', name }: { namespace?: string | undefined; name: string }): string {
  return `${namespace}/${name}`;
}

function claimKeysOf({ object, before, type }: Change): string[] {
  const pod = object as PodObject;
  if (type === 'MODIFIED' && before !== undefined && podIsFinished(before as PodObject) === podIsFinished(pod))
    return [];
  return claimNamesOf(pod).map(name => keyOf({ namespace: pod.metadata.namespace, name }));
}

function claimOfAttachment(store: Store, attachment: object): string[] {
  const volumeName = (attachment as { spec: { source: { persistentVolumeName?: string } } }).spec.source;
  const volume = store.get('persistentvolumes', { name: volumeName.persistentVolumeName ?? '' }) as VolumeObject;
  const { namespace, name } = volume?.spec.claimRef ?? {};
  return name === undefined ? [] : [keyOf({ namespace, name })];
}

function classOf(store: Store, { spec }: ClaimObject): StorageClass | undefined {
  if (spec.storageClassName !== undefined) {
    return store.get('storageclasses', { name: spec.storageClassName }) as StorageClass | undefined;
  }
  return store.get('storageclasses', { name: defaultStorageClass }) as StorageClass | undefined;
}

function protect(store: Store, { metadata }: ClaimObject): void {
  if (metadata.finalizers?.includes(claimProtection)) return;
  store.update('persistentvolumeclaims', metadata, draft => {
    draft.metadata.finalizers = [...(draft.metadata.finalizers ?? []), claimProtection];
    (draft as ClaimObject).status = { phase: 'Pending', ...draft.status };
  });
}

/** Makes the volume of a claim and binds both; answers the volume's name. */
function provision(store: Store, claim: ClaimObject, storageClass: StorageClass): string {
  const { metadata, spec } = claim;
  const name = `pvc-${metadata.uid}`;
  const capacity = { storage: spec.resources?.requests?.storage ?? '1Gi' };
  const accessModes = spec.accessModes ?? ['ReadWriteOnce'];
  const storageClassName = storageClass.metadata.name;
  if (store.get('persistentvolumes', { name }) === undefined) {
    store.create('persistentvolumes', {
      metadata: {
        name,
        annotations: { 'pv.kubernetes.io/provisioned-by': storageDriver },
        finalizers: [volumeProtection, `external-provisioner.volume.kubernetes.io/finalizer`],
      },
      spec: {
        capacity,
        accessModes,
        claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', ...pick(metadata) },
        csi: { driver: storageDriver, volumeHandle: `vol-${metadata.uid.slice(0, 8)}`, fsType: 'ext4' },
        persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
        storageClassName,
        volumeMode: 'Filesystem',
      },
      status: { phase: 'Bound' },
    });
  }
  store.update('persistentvolumeclaims', metadata, draft => {
    const bound = draft as ClaimObject;
    Object.assign(bound.spec, { volumeName: name, storageClassName, volumeMode: 'Filesystem', accessModes });
    bound.status = { ...bound.status, phase: 'Bound', accessModes, capacity };
    bound.metadata.annotations = {
      ...bound.metadata.annotations,
      'pv.kubernetes.io/bind-completed': 'yes',
      'pv.kubernetes.io/bound-by-controller': 'yes',
      'volume.kubernetes.io/storage-provisioner': storageDriver,
    };
  });
  return name;
}

function pick({ namespace = '', name, uid }: ClaimObject['metadata']): {
  namespace: string;
  name: string;
  uid: string;
} {
  return { namespace, name, uid };
}

/** A claim that is being deleted stays while a pod uses it. */
function letGo(store: Store, { metadata }: ClaimObject): void {
  const users = podIndex(store)
    .inNamespace(metadata.namespace ?? '')
    .filter(pod => !podIsFinished(pod) && claimNamesOf(pod).includes(metadata.name));
  if (users.length > 0) return;
  const finalizers = (metadata.finalizers ?? []).filter(finalizer => finalizer !== claimProtection);
  if (finalizers.length === 0) return void store.remove('persistentvolumeclaims', metadata);
  store.update('persistentvolumeclaims', metadata, draft => {
    draft.metadata.finalizers = finalizers;
  });
}

/** Volumes of a claim that is gone are Released, and deleted by their policy once they are attached nowhere. */
function releaseVolumes(
  store: Store,
  { namespace, name, uid }: { namespace: string; name: string; uid: string | undefined },
): void {
  for (const object of store.list('persistentvolumes')) {
    const volume = object as VolumeObject;
    const { claimRef, persistentVolumeReclaimPolicy: policy } = volume.spec;
    if (claimRef?.namespace !== namespace || claimRef.name !== name || claimRef.uid === uid) continue;
    const attached = store.list('volumeattachments').some(each => usesVolume(each, volume.metadata.name));
    if (policy === 'Delete' && !attached) store.remove('persistentvolumes', volume.metadata);
    else {
      store.update('persistentvolumes', volume.metadata, draft => {
        draft.status = { ...draft.status, phase: 'Released' };
      });
    }
  }
}

function usesVolume(attachment: object, volume: string): boolean {
  const { spec } = attachment as { spec: { source: { persistentVolumeName?: string } } };
  return spec.source.persistentVolumeName === volume;
}
