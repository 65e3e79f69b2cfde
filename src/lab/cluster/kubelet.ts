/**
 * A fake kubelet: it lives while its host's operating system runs, renews its
 * lease, starts and ends the pods bound to its node, and comes back after a
 * boot with the new boot ID.
 */
import type { LabClock } from '../clock.ts';
import { type LabNode, newNode, nodeInfo, reportConditions } from './node-object.ts';
import { type PodObject, podIsFinished, setCondition } from './objects.ts';
import { mirrorPods } from './seed.ts';
import type { Store } from './store.ts';
import { heartbeatMs, Timers } from './timing.ts';

/** Real milliseconds from binding, or from a boot, to Ready. */
const podStartMs = 5000;
/** Real milliseconds from the kubelet's start to a Ready node. */
const nodeStartMs = 2000;

export type KubeletOptions = { node: LabNode; index: number; store: Store; clock: LabClock };

type Work = { kind: 'starting' | 'running' } | { kind: 'ending'; graceSeconds: number; cancel: () => void };

export class Kubelet {
  readonly #node: LabNode;
  readonly #store: Store;
  readonly #clock: LabClock;
  readonly #index: number;
  readonly #onUp = () => this.#boot();
  readonly #onDown = () => this.#halt();
  /** What is being done with each pod here, by uid; lost with every boot. */
  readonly #work = new Map<string, Work>();
  #timers: Timers;
  #running = false;
  #pods = 0;

  constructor({ node, index, store, clock }: KubeletOptions) {
    this.#node = node;
    this.#store = store;
    this.#clock = clock;
    this.#index = index;
    this.#timers = new Timers(clock);
  }

  /** Registers the node as one that joined long ago, and follows its host. */
  start(): void {
    const { host } = this.#node;
    this.#store.create('nodes', newNode(this.#node, this.#ip(), true));
    host.on('up', this.#onUp);
    host.on('down', this.#onDown);
    if (host.phase === 'os') this.#run({ ready: true });
  }

  stop(): void {
    this.#node.host.off('up', this.#onUp);
    this.#node.host.off('down', this.#onDown);
    this.#halt();
  }

  /** Looks at one pod that is bound to this node and was created or changed. */
  podChanged(pod: PodObject): void {
    if (!this.#running || podIsFinished(pod)) return;
    const { uid, deletionTimestamp, deletionGracePeriodSeconds = 0 } = pod.metadata;
    if (deletionTimestamp !== undefined) this.#end(pod, deletionGracePeriodSeconds);
    else if (!this.#work.has(uid)) this.#startPod(pod);
  }

  /** Forgets a pod that left; a static pod comes back. */
  podDeleted(pod: PodObject): void {
    this.#work.delete(pod.metadata.uid);
    if (this.#running && pod.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined) this.#ensureMirrors();
  }

  #ip(): string {
    return `10.20.${Math.floor(this.#index / 250)}.${(this.#index % 250) + 1}`;
  }

  #halt(): void {
    this.#running = false;
    this.#timers.stop();
    this.#work.clear();
  }

  #boot(): void {
    this.#halt();
    this.#run({ ready: false });
    const ref = { name: this.#node.name };
    this.#timers.after(nodeStartMs, () => {
      if (this.#store.get('nodes', ref) === undefined) return;
      this.#store.update('nodes', ref, draft => reportConditions(draft.status, this.#store.now(), true));
    });
  }

  #run({ ready }: { ready: boolean }): void {
    this.#running = true;
    this.#timers = new Timers(this.#clock);
    const { name, host } = this.#node;
    if (this.#store.get('nodes', { name }) === undefined) {
      this.#store.create('nodes', newNode(this.#node, this.#ip(), false));
    }
    this.#store.update('nodes', { name }, draft => {
      draft.status.nodeInfo = nodeInfo(host);
      reportConditions(draft.status, this.#store.now(), ready);
    });
    this.#heartbeat();
    this.#ensureMirrors();
    for (const pod of this.#store.list('pods')) if (pod.spec.nodeName === name) this.#resume(pod);
  }

  /** Nothing of a pod survives a boot: it ends at once if it was to end, else its containers start again. */
  #resume(pod: PodObject): void {
    if (this.#work.has(pod.metadata.uid) || podIsFinished(pod)) return;
    if (pod.metadata.deletionTimestamp === undefined) this.#startPod(pod);
    else this.#end(pod, 0);
  }

  #heartbeat(): void {
    this.#timers.afterWallClock(heartbeatMs(this.#clock), () => this.#heartbeat());
    const { name } = this.#node;
    const node = this.#store.get('nodes', { name });
    if (node === undefined) return;
    const ref = { namespace: 'kube-node-lease', name };
    const renewTime = new Date().toISOString().replace('Z', '000Z');
    if (this.#store.get('leases', ref) !== undefined) {
      this.#store.update('leases', ref, draft => {
        draft.spec.renewTime = renewTime;
      });
      return;
    }
    const owner = { apiVersion: 'v1', kind: 'Node', name, uid: node.metadata.uid };
    this.#store.create('leases', {
      metadata: { ...ref, ownerReferences: [owner] },
      spec: { holderIdentity: name, leaseDurationSeconds: 40, renewTime },
    });
  }

  #ensureMirrors(): void {
    const node = this.#store.get('nodes', { name: this.#node.name });
    if (node === undefined || this.#node.role !== 'control-plane') return;
    for (const pod of mirrorPods(node)) {
      const { name, namespace = '' } = pod.metadata;
      if (this.#store.get('pods', { name, namespace }) === undefined) this.#store.create('pods', pod);
    }
  }

  #startPod(pod: PodObject): void {
    const { uid } = pod.metadata;
    this.#work.set(uid, { kind: 'starting' });
    const restarted = pod.status.containerStatuses !== undefined;
    const podIP = pod.status.podIP ?? `10.244.${this.#index % 250}.${(this.#pods++ % 250) + 2}`;
    this.#report(pod, draft => {
      const containers = draft.status.containerStatuses ?? [];
      draft.status.containerStatuses = draft.spec.containers.map(({ name, image }, i) => ({
        name,
        image,
        ready: false,
        restartCount: (containers[i]?.restartCount ?? 0) + (restarted ? 1 : 0),
        state: { waiting: { reason: 'ContainerCreating' } },
      }));
      draft.status.startTime ??= this.#store.now();
      Object.assign(draft.status, { hostIP: this.#ip(), podIP });
      this.#setReady(draft, false);
    });
    this.#timers.after(podStartMs, () => this.#becomeReady(pod));
  }

  #becomeReady(pod: PodObject): void {
    if (this.#work.get(pod.metadata.uid)?.kind !== 'starting') return;
    this.#work.set(pod.metadata.uid, { kind: 'running' });
    this.#report(pod, draft => {
      draft.status.phase = 'Running';
      for (const container of draft.status.containerStatuses ?? []) {
        Object.assign(container, { ready: true, started: true, state: { running: { startedAt: this.#store.now() } } });
      }
      this.#setReady(draft, true);
    });
  }

  #setReady(pod: PodObject, ready: boolean): void {
    const status = ready ? 'True' : 'False';
    for (const type of ['Initialized', 'PodReadyToStartContainers']) {
      setCondition(pod.status, this.#store.now(), { type, status: 'True' });
    }
    for (const type of ['ContainersReady', 'Ready']) setCondition(pod.status, this.#store.now(), { type, status });
  }

  /** Lets a pod go after its grace; a shorter grace that comes later wins. */
  #end(pod: PodObject, graceSeconds: number): void {
    const { uid, name, namespace = '' } = pod.metadata;
    const earlier = this.#work.get(uid);
    if (earlier?.kind === 'ending') {
      if (earlier.graceSeconds <= graceSeconds) return;
      earlier.cancel();
    }
    const cancel = this.#timers.after(graceSeconds * 1000, () => {
      const current = this.#store.get('pods', { name, namespace });
      if (current?.metadata.uid === uid && (current.metadata.finalizers ?? []).length === 0) {
        this.#store.remove('pods', { name, namespace });
      }
    });
    this.#work.set(uid, { kind: 'ending', graceSeconds, cancel });
  }

  #report({ metadata }: PodObject, change: (draft: PodObject) => void): void {
    const { name, namespace = '', uid } = metadata;
    if (this.#store.get('pods', { name, namespace })?.metadata.uid !== uid) return;
    this.#store.update('pods', { name, namespace }, change);
  }
}
