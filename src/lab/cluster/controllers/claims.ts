/** From a pod's claims to the volumes behind them. */
import type { ClaimObject, PodObject, VolumeObject } from '../model/objects.ts';
import type { Store } from '../model/store.ts';

const selectedNode = 'volume.kubernetes.io/selected-node';

export function claimNamesOf({ spec }: PodObject): string[] {
  return (spec.volumes ?? []).flatMap(({ persistentVolumeClaim: claim }) => (claim ? [claim.claimName] : []));
}

function claimOf(store: Store, namespace: string | undefined, name: string): ClaimObject | undefined {
  return store.get('persistentvolumeclaims', { namespace: namespace ?? '', name }) as ClaimObject | undefined;
}

/** The volumes that the pod's claims are bound to. */
export function boundVolumes(store: Store, pod: PodObject): VolumeObject[] {
  return claimNamesOf(pod).flatMap(name => {
    const volume = claimOf(store, pod.metadata.namespace, name)?.spec.volumeName;
    const found = volume === undefined ? undefined : store.get('persistentvolumes', { name: volume });
    return found === undefined ? [] : [found as VolumeObject];
  });
}

/** Why the pod's claims keep it from any node, in the scheduler's words. */
export function claimsInTheWay(store: Store, pod: PodObject): string | undefined {
  for (const name of claimNamesOf(pod)) {
    const claim = claimOf(store, pod.metadata.namespace, name);
    if (claim === undefined) return `persistentvolumeclaim "${name}" not found`;
    if (claim.metadata.deletionTimestamp !== undefined) {
      return `persistentvolumeclaim "${name}" is being deleted`;
    }
    if (claim.spec.volumeName === undefined && !waitsForConsumer(store, claim)) {
      return 'pod has unbound immediate PersistentVolumeClaims';
    }
  }
  return undefined;
}

export function waitsForConsumer(store: Store, { spec }: ClaimObject): boolean {
  const storageClass = store.get('storageclasses', { name: spec.storageClassName ?? '' }) as
    | { volumeBindingMode?: string }
    | undefined;
  return storageClass?.volumeBindingMode === 'WaitForFirstConsumer';
}

/** The node that the scheduler chose for a claim that waits for its first consumer. */
export function nodeSelectedFor({ metadata }: ClaimObject): string | undefined {
  return metadata.annotations?.[selectedNode];
}

/** Tells claims that wait for their first consumer where it will run; true once all are bound. */
export function selectNode(store: Store, pod: PodObject, node: string): boolean {
  const claims = claimNamesOf(pod).flatMap(name => claimOf(store, pod.metadata.namespace, name) ?? []);
  const open = claims.filter(({ spec }) => spec.volumeName === undefined);
  for (const claim of open) {
    store.update('persistentvolumeclaims', claim.metadata, draft => {
      draft.metadata.annotations = { ...draft.metadata.annotations, [selectedNode]: node };
    });
  }
  return open.length === 0;
}

/** A volume's name in the status of nodes: `kubernetes.io/csi/<driver>^<handle>`. */
export function attachName({ metadata, spec }: VolumeObject): string {
  return spec.csi === undefined
    ? `kubernetes.io/local-volume/${metadata.name}`
    : `kubernetes.io/csi/${spec.csi.driver}^${spec.csi.volumeHandle}`;
}

/** Volumes that have to be attached to a node before the pod can run there. */
export function attachableVolumes(store: Store, pod: PodObject): VolumeObject[] {
  return boundVolumes(store, pod).filter(({ spec }) => spec.csi !== undefined);
}
