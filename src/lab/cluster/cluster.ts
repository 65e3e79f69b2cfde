/** One simulated cluster: an API server over a store, its controllers, and a kubelet per host. */
import { randomBytes } from 'node:crypto';
import { stringify } from 'yaml';
import type { LabClock } from '../clock.ts';
import type { EffectLog } from '../effect-log.ts';
import { ControllerLoop } from './controller-loop.ts';
import { disruptionController } from './disruption.ts';
import { ClusterFaults } from './faults.ts';
import { collectDependents, namespaceController } from './garbage.ts';
import { Kubelet } from './kubelet.ts';
import { nodeTaints, podGarbage, taintEviction, watchLeases } from './node-lifecycle.ts';
import type { LabNode } from './node-object.ts';
import type { PodObject } from './objects.ts';
import { deploymentController, replicaSetController } from './replica-controllers.ts';
import { scheduler } from './scheduler.ts';
import { seedWorkloads } from './seed.ts';
import { ApiServer } from './server.ts';
import { daemonSetController, statefulSetController } from './set-controllers.ts';
import { Store } from './store.ts';
import { Timers, timestamp } from './timing.ts';

export type LabClusterOptions = {
  name: string;
  /** Loopback address of the API server. */
  address: string;
  /** 0 takes a free one. */
  port: number;
  clock: LabClock;
  effects: EffectLog;
  nodes: LabNode[];
  /** PEM; clients trust exactly this certificate. */
  certificate: { key: string; cert: string };
};

export type RunningCluster = {
  name: string;
  /** `https://address:port` */
  url: string;
  /** YAML, with the bearer token of the cluster's only account. */
  kubeconfig: string;
  /** The cluster's memory, for tests and for what the lab itself changes; not logged as an effect. */
  store: Store;
  faults: ClusterFaults;
  /** The controller manager and scheduler, which can be held still. */
  controllers: { pause(): void; resume(): void };
  /** Cuts every open watch. */
  cutWatches(): void;
  /** Forgets history, so that older watches and continue tokens get 410. */
  compact(): void;
  stop(): Promise<void>;
};

/** Starts a cluster whose nodes are up and whose workloads are on their way; throws port_taken. */
export async function startCluster(options: LabClusterOptions): Promise<RunningCluster> {
  const { name, clock } = options;
  const store = new Store({ now: () => timestamp(clock) });
  const faults = new ClusterFaults();
  const token = randomBytes(24).toString('base64url');
  const bookmarkMs = Math.max(clock.scaled(60_000), 250);
  const server = new ApiServer({ ...options, token, store, faults, bookmarkMs });
  await server.start();
  const controlPlane = startControlPlane(options, store);
  return {
    name,
    url: server.url,
    kubeconfig: kubeconfigOf({ name, url: server.url, token, cert: options.certificate.cert }),
    store,
    faults,
    controllers: controlPlane.loop,
    cutWatches: () => server.cutWatches(),
    compact: () => server.compact(),
    stop: async () => {
      controlPlane.stop();
      await server.stop();
    },
  };
}

function startControlPlane({ nodes, clock }: LabClusterOptions, store: Store): { loop: ControllerLoop; stop(): void } {
  const timers = new Timers(clock);
  seedWorkloads(store);
  const kubelets = new Map(nodes.map((node, index) => [node.name, new Kubelet({ node, index, store, clock })]));
  const unfollow = store.onChange(({ plural, type, object }) => {
    if (plural !== 'pods') return;
    const pod = object as PodObject;
    const kubelet = kubelets.get(pod.spec.nodeName ?? '');
    if (type === 'DELETED') kubelet?.podDeleted(pod);
    else kubelet?.podChanged(pod);
  });
  for (const kubelet of kubelets.values()) kubelet.start();
  const loop: ControllerLoop = new ControllerLoop(store, [
    nodeTaints,
    deploymentController,
    replicaSetController,
    statefulSetController,
    daemonSetController,
    scheduler,
    disruptionController(clock),
    taintEviction({ clock, timers, wake: () => loop.wake('taint-eviction') }),
    podGarbage,
    namespaceController,
  ]);
  const uncollect = collectDependents(store);
  watchLeases(store, clock, timers);
  const stop = () => {
    unfollow();
    uncollect();
    loop.stop();
    timers.stop();
    for (const kubelet of kubelets.values()) kubelet.stop();
  };
  return { loop, stop };
}

function kubeconfigOf(access: { name: string; url: string; token: string; cert: string }): string {
  const { name, url, token, cert } = access;
  const authority = Buffer.from(cert).toString('base64');
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [{ name, cluster: { server: url, 'certificate-authority-data': authority } }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
  });
}
