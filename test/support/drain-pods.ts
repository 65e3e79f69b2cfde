/** The pods of a drain scene, each of its kind: how they come, and how some of them end. */
import { admitNew } from '../../src/lab/cluster/model/admission.ts';
import { deleteObject, releaseFinalizer } from '../../src/lab/cluster/model/deletion.ts';
import { conditionOf, type PodObject, podIsReady } from '../../src/lab/cluster/model/objects.ts';
import type { NewObject } from '../../src/lab/cluster/model/store.ts';
import { besides, budgetLabel, here, isPair, type Kind, type Place, type Scene } from './drain-kinds.ts';
import { eventually } from './stack.ts';

export const holdFinalizer = 'matrix.test/hold';
const graceSeconds = 20;
/** A pod that is ending before the drain is planned is not gone before the drain looks for it. */
const longGraceSeconds = 3000;
/** What is left to it then. */
const lastGraceSeconds = 40;

export async function create(scene: Scene, kind: Kind): Promise<void> {
  switch (kind) {
    case 'deployment':
      return workload(scene, 'deployments', kind, {});
    case 'emptyDir':
    case 'keptEmptyDir':
      return workload(scene, 'deployments', kind, { volumes: [{ name: 'scratch', emptyDir: {} }] });
    case 'hostPath':
      return workload(scene, 'deployments', kind, {
        volumes: [{ name: 'host', hostPath: { path: '/var/lib/matrix' } }],
      });
    case 'finalizer':
      return workload(scene, 'deployments', kind, {});
    case 'lowPriority':
    case 'highPriority':
      return workload(scene, 'deployments', kind, { priorityClassName: `matrix-${kind.replace('Priority', '')}` });
    case 'pairOne':
      return workload(scene, 'deployments', kind, {}, { replicas: 2 });
    case 'pairTwo':
      return; // comes with the other
    case 'statefulSet':
      return workload(scene, 'statefulsets', kind, {});
    case 'claim':
      return workload(scene, 'statefulsets', kind, {}, { volumeClaimTemplates: [claim('data')] });
    case 'terminating':
      return workload(scene, 'deployments', kind, { terminationGracePeriodSeconds: longGraceSeconds });
    case 'daemonSet':
      return workload(scene, 'daemonsets', kind, {});
    case 'finished':
      return workload(scene, 'jobs', kind, { restartPolicy: 'Never' });
    case 'pending':
      return pendingPod(scene);
    case 'mirror':
      return bare(scene, kind, {
        annotations: { 'kubernetes.io/config.mirror': 'a1b2' },
        ownerReferences: [owner('v1', 'Node', scene.node, nodeUid(scene))],
      });
    case 'bare':
    case 'unforcedBare':
      return bare(scene, kind, {});
    case 'orphan':
    case 'unforcedOrphan':
      // The uid is that of something that exists: the garbage collector would take the pod before the drain could.
      return bare(scene, kind, { ownerReferences: [owner('apps/v1', 'DaemonSet', 'ghost', nodeUid(scene))] });
  }
}

type Plural = 'deployments' | 'statefulsets' | 'daemonsets' | 'jobs';

function workload(scene: Scene, plural: Plural, kind: Kind, podSpec: object, spec: object = {}): void {
  const labels = { app: kind.toLowerCase(), ...budgetLabel(kind) };
  const { store } = scene.site.cluster;
  store.create(plural, {
    metadata: { name: kind.toLowerCase(), namespace: scene.name, labels },
    spec: {
      ...(plural === 'jobs'
        ? { completions: 1 }
        : { replicas: 1, selector: { matchLabels: { app: kind.toLowerCase() } } }),
      ...spec,
      template: { metadata: { labels }, spec: { ...podSpecOf(scene, kind), ...podSpec } },
    },
    status: {},
  });
}

function podSpecOf(scene: Scene, name: string) {
  return {
    containers: [{ name: name.toLowerCase(), image: 'registry.lab.test/matrix:1.0.0' }],
    terminationGracePeriodSeconds: graceSeconds,
    nodeSelector: { [here(scene)]: 'yes' },
  };
}

function bare(scene: Scene, kind: Kind, metadata: Partial<NewObject['metadata']>): void {
  const { store } = scene.site.cluster;
  const labels = { app: kind.toLowerCase(), ...budgetLabel(kind) };
  const body = { metadata: { name: kind.toLowerCase(), labels, ...metadata }, spec: podSpecOf(scene, kind) };
  store.create('pods', admitNew(store, store.kinds.of('pods'), { body, namespace: scene.name }));
}

function owner(apiVersion: string, kind: string, name: string, uid: string) {
  return { apiVersion, kind, name, uid, controller: true };
}

function nodeUid({ site, node }: Place): string {
  return site.cluster.store.get('nodes', { name: node })?.metadata.uid ?? '';
}

function claim(name: string) {
  return { metadata: { name }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } };
}

/** A pod that waits for a volume which a pod on another node holds. */
async function pendingPod(scene: Scene): Promise<void> {
  const { store } = scene.site.cluster;
  const { metadata, spec } = claim('shared');
  const volumes = [{ name: 'shared', persistentVolumeClaim: { claimName: metadata.name } }];
  const storageClassName = 'lab-block';
  store.create('persistentvolumeclaims', {
    metadata: { ...metadata, namespace: scene.name },
    spec: { ...spec, storageClassName },
    status: { phase: 'Pending' },
  });
  const nodeSelector = { 'kubernetes.io/hostname': scene.spare };
  const body = { metadata: { name: 'holder' }, spec: { ...podSpecOf(scene, 'holder'), nodeSelector, volumes } };
  store.create('pods', admitNew(store, store.kinds.of('pods'), { body, namespace: scene.name }));
  await eventually('the holder of the volume to run', async () => {
    const holder = store.get('pods', { namespace: scene.name, name: 'holder' });
    return holder && podIsReady(holder) ? true : undefined;
  });
  workload(scene, 'deployments', 'pending', { volumes });
}

/** Another pod that the budget counts: it runs on the spare node, or waits for it. */
export function createSibling(scene: Scene, kind: Kind): void {
  const { store } = scene.site.cluster;
  const spec = { ...podSpecOf(scene, kind), nodeSelector: { [besides(scene)]: 'yes' } };
  const body = { metadata: { name: siblingOf(kind), labels: budgetLabel(kind) }, spec };
  store.create('pods', admitNew(store, store.kinds.of('pods'), { body, namespace: scene.name }));
}

export function siblingOf(kind: Kind): string {
  return `beside-${kind.toLowerCase()}`;
}

/** The subject, once it is what its kind says. */
export function settled(scene: Scene, kind: Kind): Promise<PodObject> {
  const { store } = scene.site.cluster;
  return eventually(`${kind} of ${scene.name} to be there`, async () => {
    const app = isPair(kind) ? 'pairone' : kind.toLowerCase();
    const pods = store
      .list('pods', scene.name)
      .filter(({ metadata, spec }) => metadata.labels?.app === app && spec.nodeName === scene.node);
    const pod = pods[kind === 'pairTwo' ? 1 : 0];
    if (pod === undefined) return undefined;
    if (kind === 'finished') return pod.status.phase === 'Succeeded' ? pod : undefined;
    if (kind === 'pending') return conditionOf(pod, 'Ready') ? pod : undefined;
    return podIsReady(pod) ? pod : undefined;
  });
}

/** The pod that has been terminating since before the drain. */
export function beginToEnd({ site, name, subjects }: Scene): void {
  const pod = subjects.get('terminating')?.metadata;
  if (pod) deleteObject(site.cluster.store, { plural: 'pods', namespace: name, name: pod.name }, {});
}

/** Somebody deletes it again, with a shorter grace. */
export function hurryToEnd({ site, name, subjects }: Scene): void {
  const pod = subjects.get('terminating')?.metadata;
  if (pod) {
    const options = { gracePeriodSeconds: lastGraceSeconds };
    deleteObject(site.cluster.store, { plural: 'pods', namespace: name, name: pod.name }, options);
  }
}

/** Waits for the pod that was terminating before anybody drained. */
export async function endedByItself(scene: Scene): Promise<void> {
  if (!scene.subjects.has('terminating')) return;
  await eventually('the terminating pod to end', async () =>
    fateOf(scene, 'terminating') === 'gone' ? true : undefined,
  );
}

/** Takes the finalizer off once the kubelet has let go of the pod. */
export async function releaseHeldPod(scene: Scene): Promise<void> {
  const { store } = scene.site.cluster;
  const uid = scene.subjects.get('finalizer')?.metadata.uid ?? '';
  const found = () => store.list('pods', scene.name).find(pod => pod.metadata.uid === uid);
  await eventually(
    'the kubelet to let go of the pod with a finalizer',
    async () => found()?.metadata.deletionGracePeriodSeconds === 0 || found() === undefined || undefined,
    150_000,
  );
  const pod = found();
  if (pod) releaseFinalizer(store, { plural: 'pods', ...pod.metadata }, holdFinalizer);
}

/** Of the pair, those that are Ready and not leaving, here or elsewhere. */
export function pairReady({ site, name }: Scene): number {
  const pods = site.cluster.store.list('pods', name);
  return pods.filter(
    pod => pod.metadata.labels?.budget === 'pair' && podIsReady(pod) && !pod.metadata.deletionTimestamp,
  ).length;
}

/** What became of each subject, by its uid. */
export function fateOf({ site, name, subjects }: Scene, kind: Kind): 'gone' | 'ending' | 'untouched' {
  const pod = site.cluster.store
    .list('pods', name)
    .find(each => each.metadata.uid === subjects.get(kind)?.metadata.uid);
  if (pod === undefined) return 'gone';
  return pod.metadata.deletionTimestamp === undefined ? 'untouched' : 'ending';
}
