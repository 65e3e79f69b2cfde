/**
 * Attaches volumes to the nodes that pods need them on, and detaches them when
 * the last such pod is gone: after the kubelet unmounted them, or six minutes
 * later from a node that is not well, or at once from one that is declared out
 * of service.
 */
import { createHash } from 'node:crypto';
import {
  type AttachmentObject,
  conditionOf,
  type NodeObject,
  type PodObject,
  podIsFinished,
  type VolumeObject,
} from '../model/objects.ts';
import type { Change, Store } from '../model/store.ts';
import { attachableVolumes, attachName, claimNamesOf } from './claims.ts';
import type { ControllerContext, KeyedController } from './controller-loop.ts';
import { podIndex } from './pod-index.ts';

const source = { component: 'attachdetach-controller' };
const outOfService = 'node.kubernetes.io/out-of-service';
/** Real milliseconds after which a volume leaves a node that is not well although it was never unmounted. */
const unmountPatienceMs = 360_000;

/** How the simulated storage behaves; may be changed while the lab runs. */
export class StorageBehaviour {
  /** Real milliseconds that attaching and detaching take. */
  attachMs = 2000;
  detachMs = 5000;
  readonly #stuck = new Map<string, string>();

  /** From now on the volume (a PersistentVolume's name) does not come off its node, for the reason given. */
  failDetach(volume: string, message = 'rpc error: code = DeadlineExceeded desc = context deadline exceeded'): void {
    this.#stuck.set(volume, message);
  }

  /** The next attempt to detach succeeds again. */
  allowDetach(volume: string): void {
    this.#stuck.delete(volume);
  }

  whyStuck(volume: string): string | undefined {
    return this.#stuck.get(volume);
  }
}

export function attachDetach(context: ControllerContext, storage: StorageBehaviour): KeyedController {
  const { store } = context;
  const index = podIndex(store);
  const requested = new Map<string, number>();
  const busy = new Set<string>();
  const own = new Set<string>();
  const work: Work = { ...context, storage, requested, busy, own };
  return {
    name: 'attach-detach',
    concerns: {
      pods: podConcerns,
      nodes: ({ object, before }) =>
        attachmentsOn(store, object.metadata.name).length > 0 || before === undefined ? [object.metadata.name] : [],
      volumeattachments: change => [
        (change.object as AttachmentObject).spec.nodeName,
        ...(change.type === 'DELETED' ? nodesWanting(store, change.object as AttachmentObject) : []),
      ],
    },
    keys: () => new Set([...index.nodeNames(), ...store.list('volumeattachments').map(nodeNameOf)]),
    reconcile: (node, again) => {
      const wanted = volumesWanted(store, node);
      for (const { volume, pod } of wanted.values()) attach(work, { volume, pod, node });
      const present = attachmentsOn(store, node).filter(madeHere);
      const waits = present.map(attachment => {
        const volume = attachment.spec.source.persistentVolumeName ?? '';
        if (wanted.has(volume) && attachment.metadata.deletionTimestamp === undefined) {
          requested.delete(attachment.metadata.uid);
          return undefined;
        }
        return detach(work, attachment);
      });
      const next = Math.min(...waits.filter(wait => wait !== undefined));
      if (Number.isFinite(next)) again(next);
    },
  };
}

type Work = ControllerContext & {
  storage: StorageBehaviour;
  /** When each attachment began to be in the way, in wall-clock milliseconds. */
  requested: Map<string, number>;
  /** Names of attachments that the storage system is working on. */
  busy: Set<string>;
  /** Uids of the attachments that this controller made; it takes no others away. */
  own: Set<string>;
};

function nodeNameOf(attachment: object): string {
  return (attachment as AttachmentObject).spec.nodeName;
}

function podConcerns({ object, before, type }: Change): string[] {
  const pod = object as PodObject;
  const { nodeName } = pod.spec;
  if (nodeName === undefined || claimNamesOf(pod).length === 0) return [];
  const earlier = before as PodObject | undefined;
  const same =
    type === 'MODIFIED' && earlier?.spec.nodeName === nodeName && podIsFinished(earlier) === podIsFinished(pod);
  return same ? [] : [nodeName];
}

function nodesWanting(store: Store, { spec }: AttachmentObject): string[] {
  const volume = store.get('persistentvolumes', { name: spec.source.persistentVolumeName ?? '' }) as VolumeObject;
  const { namespace = '', name = '' } = volume?.spec.claimRef ?? {};
  return podIndex(store)
    .inNamespace(namespace)
    .filter(pod => claimNamesOf(pod).includes(name))
    .flatMap(pod => pod.spec.nodeName ?? []);
}

function volumesWanted(store: Store, node: string): Map<string, { volume: VolumeObject; pod: PodObject }> {
  const wanted = new Map<string, { volume: VolumeObject; pod: PodObject }>();
  for (const pod of podIndex(store).onNode(node)) {
    if (podIsFinished(pod) || claimNamesOf(pod).length === 0) continue;
    for (const volume of attachableVolumes(store, pod)) wanted.set(volume.metadata.name, { volume, pod });
  }
  return wanted;
}

/** Attachments under other names were made by somebody else, who takes them away again. */
function madeHere({ metadata }: AttachmentObject): boolean {
  return /^csi-[0-9a-f]{64}$/.test(metadata.name);
}

function attachmentsOn(store: Store, node: string): AttachmentObject[] {
  return attachments(store).filter(({ spec }) => spec.nodeName === node);
}

function attachments(store: Store): AttachmentObject[] {
  return store.list('volumeattachments') as AttachmentObject[];
}

function attach(work: Work, { volume, pod, node }: { volume: VolumeObject; pod: PodObject; node: string }): void {
  const { store, timers, storage, busy, events } = work;
  const name = attachmentName(volume, node);
  const current = store.get('volumeattachments', { name }) as AttachmentObject | undefined;
  if (store.get('nodes', { name: node }) === undefined || busy.has(name) || current?.status?.attached) return;
  if (current?.metadata.deletionTimestamp !== undefined) return;
  if (current === undefined) {
    if (attachedElsewhere(store, volume, node)) {
      const message = `Multi-Attach error for volume "${volume.metadata.name}" Volume is already exclusively attached to one node and can't be attached to another`;
      return void events.record(source, pod, { type: 'Warning', reason: 'FailedAttachVolume', message });
    }
    const driver = volume.spec.csi?.driver ?? '';
    const made = store.create('volumeattachments', {
      metadata: { name, finalizers: [`external-attacher/${driver.replaceAll('.', '-')}`] },
      spec: { attacher: driver, nodeName: node, source: { persistentVolumeName: volume.metadata.name } },
      status: { attached: false },
    });
    work.own.add(made.metadata.uid);
  }
  busy.add(name);
  timers.after(storage.attachMs, () => {
    busy.delete(name);
    finishAttach(work, { name, volume, pod });
  });
}

function finishAttach({ store, events }: Work, done: { name: string; volume: VolumeObject; pod: PodObject }): void {
  const attachment = store.get('volumeattachments', { name: done.name }) as AttachmentObject | undefined;
  if (attachment === undefined || attachment.metadata.deletionTimestamp !== undefined) return;
  const { nodeName } = attachment.spec;
  store.update('volumeattachments', { name: done.name }, draft => {
    draft.status = { attached: true };
  });
  setAttached(store, nodeName, volumes => [
    ...volumes.filter(({ name }) => name !== attachName(done.volume)),
    { name: attachName(done.volume), devicePath: '' },
  ]);
  const message = `AttachVolume.Attach succeeded for volume "${done.volume.metadata.name}"`;
  events.record(source, done.pod, { reason: 'SuccessfulAttachVolume', message });
}

function attachedElsewhere(store: Store, { metadata, spec }: VolumeObject, node: string): boolean {
  const shared = spec.accessModes?.some(mode => mode === 'ReadWriteMany' || mode === 'ReadOnlyMany') ?? false;
  return (
    !shared &&
    attachments(store).some(
      each => each.spec.source.persistentVolumeName === metadata.name && each.spec.nodeName !== node,
    )
  );
}

/** Starts to detach if it may be done now; otherwise the real milliseconds until it may, where time decides. */
function detach(work: Work, attachment: AttachmentObject): number | undefined {
  const { store, busy, clock, requested, own } = work;
  const { name, uid, deletionTimestamp } = attachment.metadata;
  if (busy.has(name) || !own.has(uid)) return undefined;
  if (deletionTimestamp === undefined) {
    const since = requested.get(uid) ?? Date.now();
    requested.set(uid, since);
    const waited = (Date.now() - since) * clock.speed;
    const wait = timeToDetach(store, attachment, waited);
    if (wait > 0) return Number.isFinite(wait) ? wait : undefined;
    store.update('volumeattachments', { name }, draft => {
      draft.metadata.deletionTimestamp = store.now();
      draft.metadata.deletionGracePeriodSeconds = 0;
    });
  }
  requested.delete(uid);
  startDetach(work, attachment);
  return undefined;
}

/** Real milliseconds, infinite when only an unmount, a taint or the node's health can decide. */
function timeToDetach(store: Store, { spec }: AttachmentObject, waitedMs: number): number {
  const node = store.get('nodes', { name: spec.nodeName });
  const volume = store.get('persistentvolumes', { name: spec.source.persistentVolumeName ?? '' });
  const inUse = volume !== undefined && node?.status.volumesInUse?.includes(attachName(volume as VolumeObject));
  if (node !== undefined && !inUse) return 0;
  if (node?.spec.taints?.some(({ key }) => key === outOfService)) return 0;
  if (node !== undefined && isWell(node)) return Number.POSITIVE_INFINITY;
  return Math.max(0, unmountPatienceMs - waitedMs);
}

function isWell(node: NodeObject): boolean {
  return conditionOf(node, 'Ready')?.status === 'True';
}

/** The storage driver's part: takes a while, and may fail until it is allowed to succeed. */
function startDetach(work: Work, attachment: AttachmentObject): void {
  const { store, timers, storage, busy } = work;
  const { name, uid } = attachment.metadata;
  const volume = attachment.spec.source.persistentVolumeName ?? '';
  busy.add(name);
  timers.after(storage.detachMs, () => {
    busy.delete(name);
    if (store.get('volumeattachments', { name })?.metadata.uid !== uid) return;
    const stuck = storage.whyStuck(volume);
    if (stuck !== undefined) return retryDetach(work, attachment, stuck);
    const device = store.get('persistentvolumes', { name: volume }) as VolumeObject | undefined;
    const named = device === undefined ? undefined : attachName(device);
    setAttached(store, attachment.spec.nodeName, volumes => volumes.filter(each => each.name !== named));
    work.own.delete(uid);
    store.remove('volumeattachments', { name });
  });
}

function retryDetach(work: Work, attachment: AttachmentObject, message: string): void {
  work.store.update('volumeattachments', attachment.metadata, draft => {
    const { status } = draft as AttachmentObject;
    if (status.detachError?.message === message) return;
    status.detachError = { time: work.store.now(), message };
  });
  startDetach(work, attachment);
}

type Attached = { name: string; devicePath: string }[];

function setAttached(store: Store, node: string, change: (volumes: Attached) => Attached): void {
  if (store.get('nodes', { name: node }) === undefined) return;
  store.update('nodes', { name: node }, draft => {
    const next = change(draft.status.volumesAttached ?? []);
    if (next.length > 0) draft.status.volumesAttached = next;
    else delete draft.status.volumesAttached;
  });
}

function attachmentName({ spec }: VolumeObject, node: string): string {
  const of = `${spec.csi?.volumeHandle ?? ''}${spec.csi?.driver ?? ''}${node}`;
  return `csi-${createHash('sha256').update(of).digest('hex')}`;
}
