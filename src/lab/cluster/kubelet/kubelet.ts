/**
 * A fake kubelet: it lives while its host's operating system runs, renews its
 * lease, starts and ends the pods bound to its node, and comes back after a
 * boot with the new boot ID. All its times are those of its host's clock.
 */
import type { ControllerContext } from '../controllers/controller-loop.ts';
import type { EventSource, EventText } from '../controllers/event-recorder.ts';
import { podIndex } from '../controllers/pod-index.ts';
import { conditionOf, type NodeObject, type PodObject } from '../model/objects.ts';
import { microTimestamp, Timers, timestamp } from '../model/timing.ts';
import { type LabNode, newNode, nodeInfo, reportConditions } from './node-object.ts';
import { PodWorker } from './pod-worker.ts';
import { mirrorPods } from './static-pods.ts';

/** Exit code of a process that signal 11 ended. */
const segmentationFault = 139;
/** Real milliseconds from the kubelet's start to a Ready node. */
const nodeStartMs = 2000;
/** Heartbeats between two reports of an unchanged status: five minutes. */
const statusEvery = 30;

export type KubeletOptions = ControllerContext & {
  node: LabNode;
  index: number;
  /** `host:port` of the API server. */
  advertised: string;
};

export class Kubelet {
  readonly #options: KubeletOptions;
  readonly #node: LabNode;
  readonly #source: EventSource;
  readonly #onUp = () => this.#boot();
  readonly #onDown = () => this.#halt();
  readonly #onMemoryError = () => this.#pods?.crashOne(segmentationFault);
  #timers: Timers;
  #pods: PodWorker | undefined;
  #podCount = 0;
  #beats = 0;
  #cordoned = false;

  constructor(options: KubeletOptions) {
    this.#options = options;
    this.#node = options.node;
    this.#source = { component: 'kubelet', host: options.node.name };
    this.#timers = new Timers(options.clock);
  }

  /** Registers the node as one that joined long ago, and follows its host. */
  start(): void {
    const { host } = this.#node;
    this.#options.store.create('nodes', newNode(this.#node, { ip: this.#ip(), joined: true }));
    host.on('up', this.#onUp);
    host.on('down', this.#onDown);
    host.on('memory-error', this.#onMemoryError);
    if (host.phase === 'os') this.#run({ ready: true });
  }

  stop(): void {
    this.#node.host.off('up', this.#onUp);
    this.#node.host.off('down', this.#onDown);
    this.#node.host.off('memory-error', this.#onMemoryError);
    this.#halt();
  }

  /** Restarts the kubelet alone: containers go on, and a Node that was deleted is registered anew. */
  restart(): void {
    if (this.#pods === undefined) return;
    this.#timers.stop();
    this.#timers = new Timers(this.#options.clock);
    this.#register({ ready: false });
    this.#readyLater();
  }

  /** Runs short of a resource, such as `memory`, and drives this pod off. */
  evictFor(resource: string, pod: { uid: string }): void {
    const node = this.#options.store.get('nodes', { name: this.#node.name });
    if (node === undefined) return;
    const message = `Attempting to reclaim ${resource}`;
    this.#tell(node, { type: 'Warning', reason: 'EvictionThresholdMet', message });
    this.#pods?.evict(pod.uid, resource);
  }

  /** Looks at one pod that is bound to this node and was created or changed. */
  podChanged(pod: PodObject): void {
    this.#pods?.changed(pod);
  }

  /** Forgets a pod that left; a static pod comes back. */
  podDeleted(pod: PodObject): void {
    this.#pods?.forget(pod);
    if (this.#pods && pod.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined) this.#ensureMirrors();
  }

  /** Notices a cordon and attached volumes. */
  nodeChanged(node: NodeObject): void {
    if (this.#pods === undefined) return;
    const cordoned = node.spec.unschedulable === true;
    if (cordoned !== this.#cordoned) {
      this.#cordoned = cordoned;
      this.#tell(node, statusIsNow(node, cordoned ? 'NodeNotSchedulable' : 'NodeSchedulable'));
    }
    this.#pods.volumesAttached();
  }

  #ip(): string {
    const { index } = this.#options;
    return `10.20.${Math.floor(index / 250)}.${(index % 250) + 1}`;
  }

  #stamp(): string {
    return timestamp(this.#options.clock, this.#node.host.now());
  }

  #halt(): void {
    this.#timers.stop();
    this.#pods?.stop();
    this.#pods = undefined;
  }

  #boot(): void {
    this.#halt();
    this.#run({ ready: false });
    this.#readyLater();
  }

  #readyLater(): void {
    const { store } = this.#options;
    const ref = { name: this.#node.name };
    this.#timers.after(nodeStartMs, () => {
      const node = store.get('nodes', ref);
      if (node === undefined) return;
      const wasReady = conditionOf(node, 'Ready')?.status === 'True';
      store.update('nodes', ref, draft => reportConditions(draft.status, this.#stamp(), true));
      if (!wasReady) this.#tell(node, statusIsNow(node, 'NodeReady'));
    });
  }

  #run({ ready }: { ready: boolean }): void {
    const { clock } = this.#options;
    const { name } = this.#node;
    this.#timers = new Timers(clock);
    const worker = new PodWorker({
      ...this.#options,
      nodeName: name,
      hostIp: this.#ip(),
      nextIp: () => `10.244.${this.#options.index % 250}.${(this.#podCount++ % 250) + 2}`,
      stamp: () => this.#stamp(),
    });
    this.#pods = worker;
    this.#register({ ready });
    for (const pod of podIndex(this.#options.store).onNode(name)) worker.resume(pod);
    this.#ensureMirrors();
  }

  /** Makes the Node if there is none, and reports what runs here now. */
  #register({ ready }: { ready: boolean }): void {
    const { store } = this.#options;
    const { name, host } = this.#node;
    const found = store.get('nodes', { name });
    const before = found ?? store.create('nodes', newNode(this.#node, { ip: this.#ip(), joined: false }));
    const bootBefore = before.status.nodeInfo?.bootID;
    this.#cordoned = before.spec.unschedulable === true;
    const node = store.update('nodes', { name }, draft => {
      draft.status.nodeInfo = nodeInfo(host);
      if (bootBefore !== host.bootId) delete draft.status.volumesInUse;
      reportConditions(draft.status, this.#stamp(), ready);
    });
    this.#tell(node, { reason: 'Starting', message: 'Starting kubelet.' });
    if (bootBefore !== undefined && bootBefore !== host.bootId) {
      const message = `Node ${name} has been rebooted, boot id: ${host.bootId}`;
      this.#tell(node, { type: 'Warning', reason: 'Rebooted', message });
    }
    if (!ready) this.#tell(node, statusIsNow(node, 'NodeNotReady'));
    this.#heartbeat();
  }

  /** Renews the lease. A Node that was deleted stays away: only a start of the kubelet registers it. */
  #heartbeat(): void {
    const { store, clock } = this.#options;
    this.#timers.afterWallClock(clock.heartbeatMs, () => this.#heartbeat());
    const { name } = this.#node;
    const node = store.get('nodes', { name });
    if (node === undefined) return;
    if (++this.#beats % statusEvery === 0) this.#refreshStatus(name);
    const ref = { namespace: 'kube-node-lease', name };
    const renewTime = microTimestamp(this.#node.host.now());
    if (store.get('leases', ref) !== undefined) {
      store.update('leases', ref, draft => {
        draft.spec.renewTime = renewTime;
      });
      return;
    }
    const owner = { apiVersion: 'v1', kind: 'Node', name, uid: node.metadata.uid };
    store.create('leases', {
      metadata: { ...ref, ownerReferences: [owner] },
      spec: { holderIdentity: name, leaseDurationSeconds: 40, renewTime },
    });
  }

  #refreshStatus(name: string): void {
    this.#options.store.update('nodes', { name }, draft => {
      const ready = conditionOf(draft, 'Ready')?.status === 'True';
      reportConditions(draft.status, this.#stamp(), ready);
    });
  }

  #ensureMirrors(): void {
    const { store } = this.#options;
    const node = store.get('nodes', { name: this.#node.name });
    if (node === undefined || this.#node.role !== 'control-plane') return;
    for (const pod of mirrorPods(node, this.#options.advertised)) {
      const { name, namespace = '' } = pod.metadata;
      if (store.get('pods', { name, namespace }) === undefined) store.create('pods', pod);
    }
  }

  /** Kubelets know their Node's name, not its uid, and write the name in its place. */
  #tell(node: NodeObject, text: EventText): void {
    const { name } = node.metadata;
    const metadata = { ...node.metadata, uid: name, resourceVersion: '' };
    this.#options.events.record(this.#source, { ...node, apiVersion: '', metadata }, text);
  }
}

function statusIsNow({ metadata }: NodeObject, reason: string): EventText {
  return { reason, message: `Node ${metadata.name} status is now: ${reason}` };
}
