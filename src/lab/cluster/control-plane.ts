/** Everything of a cluster that acts by itself: its controllers, and a kubelet per host. */
import type { LabClock } from '../clock.ts';
import { bootstrapSigner, tokenCleaner } from './controllers/bootstrap-tokens.ts';
import { certificateSigning } from './controllers/certificate-signing.ts';
import { type ControllerContext, ControllerLoop } from './controllers/controller-loop.ts';
import { daemonSetController } from './controllers/daemon-sets.ts';
import { deploymentController } from './controllers/deployments.ts';
import { disruptionController } from './controllers/disruption.ts';
import { EventRecorder } from './controllers/event-recorder.ts';
import { collectDependents } from './controllers/garbage.ts';
import { jobController } from './controllers/jobs.ts';
import { namespaceController } from './controllers/namespaces.ts';
import { nodeTaints, watchLeases } from './controllers/node-lifecycle.ts';
import { podIndex } from './controllers/pod-index.ts';
import { podGarbage, taintEviction } from './controllers/pod-removal.ts';
import { provisioner } from './controllers/provisioner.ts';
import { replicaSetController } from './controllers/replica-sets.ts';
import { scheduler } from './controllers/scheduler.ts';
import { seedWorkloads } from './controllers/seed.ts';
import { statefulSetController } from './controllers/stateful-sets.ts';
import { attachDetach, StorageBehaviour } from './controllers/volume-attachments.ts';
import { Kubelet } from './kubelet/kubelet.ts';
import type { LabNode } from './kubelet/node-object.ts';
import { CertificateAuthority } from './model/certificate-authority.ts';
import type { NodeObject, PodObject } from './model/objects.ts';
import type { Store } from './model/store.ts';
import { Timers } from './model/timing.ts';

export type ControlPlane = {
  /** The controller manager and scheduler, which can be held still. */
  controllers: { pause(): void; resume(): void };
  /** How volumes attach and detach. */
  storage: StorageBehaviour;
  /** The kubelet of a node. Throws when there is no such node. */
  kubelet(node: string): Pick<Kubelet, 'restart' | 'evictFor'>;
  /** PEM certificate of the authority that signs client certificates. */
  clientAuthority: string;
  stop(): void;
};

type ControlPlaneOptions = {
  nodes: LabNode[];
  clock: LabClock;
  eventLifeMs?: number;
  /** `host:port` of the API server. */
  advertised: string;
};

export function startControlPlane(
  store: Store,
  { nodes, clock, eventLifeMs, advertised }: ControlPlaneOptions,
): ControlPlane {
  const timers = new Timers(clock);
  podIndex(store);
  seedWorkloads(store);
  const events = new EventRecorder({ store, clock, timers, lifeMs: eventLifeMs });
  const context: ControllerContext = { store, clock, timers, events };
  const kubelets = new Map(
    nodes.map((node, index) => [node.name, new Kubelet({ ...context, node, index, advertised })]),
  );
  const unfollow = tellKubelets(store, kubelets);
  for (const kubelet of kubelets.values()) kubelet.start();
  const storage = new StorageBehaviour();
  const authority = new CertificateAuthority();
  const loop = startLoop(context, storage, authority);
  const uncollect = collectDependents(store);
  watchLeases(context);
  return {
    controllers: loop,
    storage,
    clientAuthority: authority.certificate,
    kubelet(node) {
      const kubelet = kubelets.get(node);
      if (kubelet === undefined) throw new Error(`the cluster has no host ${node}`);
      return kubelet;
    },
    stop() {
      unfollow();
      uncollect();
      loop.stop();
      timers.stop();
      for (const kubelet of kubelets.values()) kubelet.stop();
    },
  };
}

function startLoop(
  context: ControllerContext,
  storage: StorageBehaviour,
  authority: CertificateAuthority,
): ControllerLoop {
  return new ControllerLoop(context.store, context.timers, [
    nodeTaints(context),
    deploymentController(context),
    replicaSetController(context),
    statefulSetController(context),
    daemonSetController(context),
    jobController(context),
    scheduler(context),
    disruptionController(context),
    taintEviction(context),
    podGarbage(context),
    provisioner(context),
    attachDetach(context, storage),
    certificateSigning(context, authority),
    tokenCleaner(context),
    bootstrapSigner(context),
    namespaceController,
  ]);
}

function tellKubelets(store: Store, kubelets: Map<string, Kubelet>): () => void {
  return store.onChange(({ plural, type, object }) => {
    if (plural === 'nodes' && type !== 'DELETED') kubelets.get(object.metadata.name)?.nodeChanged(object as NodeObject);
    if (plural !== 'pods') return;
    const pod = object as PodObject;
    const kubelet = kubelets.get(pod.spec.nodeName ?? '');
    if (type === 'DELETED') kubelet?.podDeleted(pod);
    else kubelet?.podChanged(pod);
  });
}
