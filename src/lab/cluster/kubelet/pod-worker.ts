/**
 * What a kubelet does with the pods of its node: waits for their volumes,
 * starts their containers, lets them run, or ends them after their grace.
 */
import { attachableVolumes, attachName } from '../controllers/claims.ts';
import type { ControllerContext } from '../controllers/controller-loop.ts';
import type { EventSource } from '../controllers/event-recorder.ts';
import { podIndex } from '../controllers/pod-index.ts';
import { type PodObject, podIsFinished, setCondition } from '../model/objects.ts';
import { Timers } from '../model/timing.ts';
import { runOf } from './pod-run.ts';
import { containerStatus, qosClassOf } from './pod-status.ts';

/** Real milliseconds from mounted volumes, or from a boot, to Ready. */
const podStartMs = 5000;
/** Real milliseconds to unmount the volumes of a pod that ended, and then to report it. */
const unmountMs = 1000;
/** Exit code of a process that signal 9 ended. */
const killed = 137;

type Work =
  | { kind: 'mounting' | 'starting' | 'running' }
  | { kind: 'ending'; graceSeconds: number; cancel: () => void };

export type PodWorkerOptions = ControllerContext & {
  nodeName: string;
  hostIp: string;
  /** Address for the next pod of this node. */
  nextIp: () => string;
  /** The current time by the node's own clock, as the API shows it. */
  stamp: () => string;
};

export class PodWorker {
  readonly #options: PodWorkerOptions;
  readonly #source: EventSource;
  readonly #timers: Timers;
  /** What is being done with each pod here, by uid; lost with every boot. */
  readonly #work = new Map<string, Work>();
  /** Attach names of the volumes that each pod has mounted or is about to, by uid. */
  readonly #mounts = new Map<string, string[]>();
  #crashes = 0;

  constructor(options: PodWorkerOptions) {
    this.#options = options;
    this.#source = { component: 'kubelet', host: options.nodeName };
    this.#timers = new Timers(options.clock);
  }

  /** Everything that it was doing is lost, as with the machine's power. */
  stop(): void {
    this.#timers.stop();
    this.#work.clear();
  }

  /** Looks at a pod of this node that was created or changed. */
  changed(pod: PodObject): void {
    if (podIsFinished(pod) && pod.metadata.deletionTimestamp === undefined) return;
    const { uid, deletionTimestamp, deletionGracePeriodSeconds = 0 } = pod.metadata;
    if (deletionTimestamp !== undefined) this.#end(pod, deletionGracePeriodSeconds);
    else if (!this.#work.has(uid)) this.#begin(pod);
  }

  /** Nothing of a pod survives a boot: it ends at once if it was to end, else its containers start again. */
  resume(pod: PodObject): void {
    if (this.#work.has(pod.metadata.uid) || podIsFinished(pod)) return;
    if (pod.metadata.deletionTimestamp !== undefined) this.#end(pod, 0);
    else if (pod.spec.restartPolicy === 'Never' && pod.status.containerStatuses !== undefined) this.#finish(pod, 255);
    else this.#begin(pod);
  }

  /** Forgets a pod that left the API; what it had mounted is unmounted. */
  forget(pod: PodObject): void {
    this.#work.delete(pod.metadata.uid);
    if (this.#mounts.has(pod.metadata.uid)) {
      this.#timers.after(unmountMs, () => {
        this.#mounts.delete(pod.metadata.uid);
        this.#reportVolumes();
      });
    }
  }

  /** Starts the pods whose volumes have been attached by now. */
  volumesAttached(): void {
    for (const [uid, work] of this.#work) {
      if (work.kind === 'mounting' && this.#allAttached(uid)) this.#mounted(uid);
    }
  }

  #begin(pod: PodObject): void {
    const { store, stamp, hostIp, nextIp } = this.#options;
    const { uid } = pod.metadata;
    const restarted = pod.status.containerStatuses !== undefined;
    const podIP = pod.spec.hostNetwork ? hostIp : (pod.status.podIP ?? nextIp());
    this.#work.set(uid, { kind: 'mounting' });
    this.#report(pod, draft => {
      draft.status.containerStatuses = draft.spec.containers.map((container, i) =>
        containerStatus(container, { earlier: pod.status.containerStatuses?.[i], restarted, now: stamp() }),
      );
      draft.status.startTime ??= stamp();
      const addresses = { hostIP: hostIp, hostIPs: [{ ip: hostIp }], podIP, podIPs: [{ ip: podIP }] };
      Object.assign(draft.status, { qosClass: qosClassOf(draft), ...addresses });
      this.#setReady(draft, false);
    });
    const names = attachableVolumes(store, pod).map(attachName);
    if (names.length > 0) {
      this.#mounts.set(uid, names);
      this.#reportVolumes();
    }
    if (this.#allAttached(uid)) this.#mounted(uid);
  }

  #allAttached(uid: string): boolean {
    const names = this.#mounts.get(uid) ?? [];
    if (names.length === 0) return true;
    const { store, nodeName } = this.#options;
    const attached = store.get('nodes', { name: nodeName })?.status.volumesAttached ?? [];
    return names.every(name => attached.some(each => each.name === name));
  }

  #mounted(uid: string): void {
    this.#work.set(uid, { kind: 'starting' });
    this.#timers.after(podStartMs, () => this.#run(uid));
  }

  #run(uid: string): void {
    const pod = this.#find(uid);
    if (this.#work.get(uid)?.kind !== 'starting' || pod === undefined) return;
    this.#work.set(uid, { kind: 'running' });
    const { events, stamp } = this.#options;
    for (const { name, image } of pod.spec.containers) {
      const fieldPath = `spec.containers{${name}}`;
      const pulled = `Container image "${image}" already present on machine`;
      events.record(this.#source, pod, { reason: 'Pulled', message: pulled, fieldPath });
      events.record(this.#source, pod, { reason: 'Created', message: `Created container: ${name}`, fieldPath });
      events.record(this.#source, pod, { reason: 'Started', message: `Started container ${name}`, fieldPath });
    }
    this.#report(pod, draft => {
      draft.status.phase = 'Running';
      const state = { running: { startedAt: stamp() } };
      for (const status of draft.status.containerStatuses ?? []) {
        Object.assign(status, { ready: true, started: true, state });
      }
      this.#setReady(draft, true);
    });
    const run = runOf(pod);
    if (run !== undefined) this.#timers.after(run.ms, () => this.#exit(uid, run.exitCode));
  }

  /** The containers have ended by themselves. */
  #exit(uid: string, exitCode: number): void {
    const pod = this.#find(uid);
    if (this.#work.get(uid)?.kind !== 'running' || pod === undefined) return;
    if (exitCode === 0 || pod.spec.restartPolicy === 'Never') return void this.#finish(pod, exitCode);
    this.#report(pod, draft => {
      this.#containersEnded(draft, exitCode);
      this.#setReady(draft, false);
    });
    const ended = this.#find(uid);
    if (ended !== undefined) this.#begin(ended);
  }

  /** One pod that runs here, another one each time, ends with this code: what broken memory does. */
  crashOne(exitCode: number): void {
    const running = [...this.#work].filter(([, { kind }]) => kind === 'running').map(([uid]) => uid);
    const uid = running[this.#crashes++ % running.length];
    if (uid !== undefined) this.#exit(uid, exitCode);
  }

  /** Drives a running pod off because its node runs short of a resource, such as `memory`: no budget is asked. */
  evict(uid: string, resource: string): void {
    const pod = this.#find(uid);
    if (this.#work.get(uid)?.kind !== 'running' || pod === undefined) return;
    const message = `The node was low on resource: ${resource}. `;
    this.#options.events.record(this.#source, pod, { type: 'Warning', reason: 'Evicted', message });
    this.#tellKilling(pod);
    this.#work.delete(uid);
    this.#report(pod, draft => {
      Object.assign(draft.status, { phase: 'Failed', reason: 'Evicted', message });
      this.#containersEnded(draft, killed);
      this.#setReady(draft, false, 'PodFailed');
      const why = { reason: 'TerminationByKubelet', message };
      setCondition(draft.status, this.#options.stamp(), { type: 'DisruptionTarget', status: 'True', ...why });
    });
    this.forget(pod);
  }

  #finish(pod: PodObject, exitCode: number): void {
    this.#work.delete(pod.metadata.uid);
    this.#report(pod, draft => {
      draft.status.phase = exitCode === 0 ? 'Succeeded' : 'Failed';
      this.#containersEnded(draft, exitCode);
      this.#setReady(draft, false, exitCode === 0 ? 'PodCompleted' : 'PodFailed');
    });
    this.forget(pod);
  }

  #containersEnded(draft: PodObject, exitCode: number): void {
    const { stamp } = this.#options;
    const reason = exitCode === 0 ? 'Completed' : 'Error';
    for (const status of draft.status.containerStatuses ?? []) {
      const { startedAt } = (status.state as { running?: { startedAt?: string } }).running ?? {};
      const terminated = { exitCode, reason, startedAt: startedAt ?? stamp(), finishedAt: stamp() };
      Object.assign(status, { ready: false, started: false, state: { terminated } });
    }
  }

  #setReady(pod: PodObject, ready: boolean, reason = ready ? undefined : 'ContainersNotReady'): void {
    const now = this.#options.stamp();
    for (const type of ['PodReadyToStartContainers', 'Initialized']) {
      setCondition(pod.status, now, { type, status: 'True' });
    }
    const why = reason === undefined ? {} : { reason };
    for (const type of ['Ready', 'ContainersReady']) {
      setCondition(pod.status, now, { type, status: ready ? 'True' : 'False', ...why });
    }
  }

  /** Lets a pod go after its grace; a shorter grace that comes later wins. */
  #end(pod: PodObject, graceSeconds: number): void {
    const { uid } = pod.metadata;
    const earlier = this.#work.get(uid);
    if (earlier?.kind === 'ending') {
      if (earlier.graceSeconds <= graceSeconds) return;
      earlier.cancel();
    } else if (earlier?.kind === 'running') {
      this.#tellKilling(pod);
    }
    const mounted = this.#mounts.has(uid) ? unmountMs : 0;
    const patienceMs = earlier?.kind === 'mounting' ? 0 : graceSeconds * 1000;
    const cancel = this.#timers.after(patienceMs + mounted, () => this.#letGo(uid));
    this.#work.set(uid, { kind: 'ending', graceSeconds, cancel });
  }

  #tellKilling(pod: PodObject): void {
    for (const { name } of pod.spec.containers) {
      const fieldPath = `spec.containers{${name}}`;
      const text = { reason: 'Killing', message: `Stopping container ${name}`, fieldPath };
      this.#options.events.record(this.#source, pod, text);
    }
  }

  /** The kubelet's last word on a pod: a delete without grace, which finalizers may still hold back. */
  #letGo(uid: string): void {
    const { store } = this.#options;
    const pod = this.#find(uid);
    if (pod === undefined) return;
    if ((pod.metadata.finalizers ?? []).length === 0) return void store.remove('pods', pod.metadata);
    store.update('pods', pod.metadata, draft => {
      draft.metadata.deletionGracePeriodSeconds = 0;
    });
  }

  #find(uid: string): PodObject | undefined {
    const { store, nodeName } = this.#options;
    return podIndex(store).find(nodeName, uid);
  }

  /** Tells the control plane which volumes may not be detached. */
  #reportVolumes(): void {
    const { store, nodeName } = this.#options;
    if (store.get('nodes', { name: nodeName }) === undefined) return;
    const inUse = [...new Set([...this.#mounts.values()].flat())].toSorted();
    store.update('nodes', { name: nodeName }, draft => {
      if (inUse.length > 0) draft.status.volumesInUse = inUse;
      else delete draft.status.volumesInUse;
    });
  }

  #report({ metadata }: PodObject, change: (draft: PodObject) => void): void {
    const { name, namespace = '', uid } = metadata;
    const { store } = this.#options;
    if (store.get('pods', { name, namespace })?.metadata.uid !== uid) return;
    store.update('pods', { name, namespace }, change);
  }
}
