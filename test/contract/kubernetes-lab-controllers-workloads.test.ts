import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type KubernetesScene, kubernetesScene, settled, until } from '../support/kubernetes-lab.ts';

let scene: KubernetesScene;
const merge = { 'content-type': 'application/merge-patch+json' };
const apps = '/apis/apps/v1/namespaces/default';

beforeAll(async () => {
  scene = await kubernetesScene('127.61.0.31');
  await settled(scene);
});
afterAll(() => scene.close());

type Counts = Record<string, number>;
type Condition = { type: string; status: string; reason?: string; message?: string };

const post = (path: string, body: unknown) => scene.raw(path, { method: 'POST', body });
const patch = (path: string, body: unknown) => scene.raw(path, { method: 'PATCH', headers: merge, body });
const get = async (path: string) => (await scene.raw(path)).body;

function workload(name: string, spec: object, image = 'registry.lab.test/app:1') {
  const labels = { app: name };
  const template = {
    metadata: { labels },
    spec: { containers: [{ name: 'app', image }], terminationGracePeriodSeconds: 5 },
  };
  return { metadata: { name }, spec: { selector: { matchLabels: labels }, template, ...spec } };
}

const withImage = (image: string) => ({ spec: { template: { spec: { containers: [{ name: 'app', image }] } } } });

async function podsOf(app: string) {
  const { items = [] } = await get(`/api/v1/namespaces/default/pods?labelSelector=app%3D${app}`);
  return items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
}

function imageOf(pod: { spec?: Record<string, unknown> }): string | undefined {
  return (pod.spec?.containers as { image: string }[] | undefined)?.[0]?.image;
}

function isReady(pod: { status?: Record<string, unknown> }): boolean {
  return (
    (pod.status?.conditions as Condition[] | undefined)?.some(c => c.type === 'Ready' && c.status === 'True') ?? false
  );
}

async function rolledOut(kind: string, name: string): Promise<void> {
  await until(`${name} is rolled out`, async () => {
    const { metadata, status = {}, spec } = await get(`${apps}/${kind}/${name}`);
    const counts = status as Counts;
    const wanted = Number(spec?.replicas ?? counts.desiredNumberScheduled);
    const updated = counts.updatedReplicas ?? counts.updatedNumberScheduled;
    const available = counts.availableReplicas ?? counts.numberAvailable;
    return counts.observedGeneration === metadata?.generation && updated === wanted && available === wanted;
  });
}

describe('a Deployment', () => {
  it('rolls without ever having fewer available or more pods than it may', async () => {
    const strategy = { rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } };
    await post(`${apps}/deployments`, workload('rolling', { replicas: 4, strategy }));
    await rolledOut('deployments', 'rolling');
    const watch = await scene.watch(`${apps}/deployments?watch=true&fieldSelector=metadata.name%3Drolling`);
    const sets = await scene.watch(`${apps}/replicasets?watch=true&labelSelector=app%3Drolling`);
    await patch(`${apps}/deployments/rolling`, withImage('registry.lab.test/app:2'));
    await rolledOut('deployments', 'rolling');
    await until('only new pods are left', async () => {
      const pods = await podsOf('rolling');
      return pods.length === 4 && pods.every(pod => imageOf(pod) === 'registry.lab.test/app:2');
    });
    watch.stop();
    sets.stop();
    const seen = watch.events
      .map(({ object }) => object.status as Counts)
      .filter(({ replicas }) => replicas !== undefined);
    expect(seen.length).toBeGreaterThan(4);
    expect(Math.min(...seen.map(({ availableReplicas = 0 }) => availableReplicas))).toBe(3);
    // As Kubernetes counts: by what its sets are told to have, since pods that are on their way out may be there for longer.
    const told = new Map<string, number>();
    const totals = sets.events.map(({ object: { metadata, spec } }) => {
      told.set(metadata?.name ?? '', Number(spec?.replicas));
      return [...told.values()].reduce((sum, replicas) => sum + replicas, 0);
    });
    expect(Math.max(...totals)).toBe(5);
  });

  it('numbers its revisions, keeps the old sets and goes back to one of them', async () => {
    const { metadata } = await get(`${apps}/deployments/rolling`);
    expect(metadata?.annotations?.['deployment.kubernetes.io/revision']).toBe('2');
    const sets = async () => (await get(`${apps}/replicasets?labelSelector=app%3Drolling`)).items ?? [];
    const first = (await sets()).find(set => set.metadata?.annotations?.['deployment.kubernetes.io/revision'] === '1');
    expect(first?.spec?.replicas).toBe(0);
    await patch(`${apps}/deployments/rolling`, withImage('registry.lab.test/app:1'));
    await rolledOut('deployments', 'rolling');
    expect(await sets()).toHaveLength(2);
    const again = (await sets()).find(set => set.metadata?.uid === first?.metadata?.uid);
    expect(again?.metadata?.annotations?.['deployment.kubernetes.io/revision']).toBe('3');
  });

  it('forgets sets beyond its history, and starts nothing while it is paused', async () => {
    await patch(`${apps}/deployments/rolling`, { spec: { revisionHistoryLimit: 0 } });
    await until('one set is left', async () => {
      const { items = [] } = await get(`${apps}/replicasets?labelSelector=app%3Drolling`);
      return items.length === 1;
    });
    await patch(`${apps}/deployments/rolling`, { spec: { paused: true } });
    await patch(`${apps}/deployments/rolling`, withImage('registry.lab.test/app:3'));
    await patch(`${apps}/deployments/rolling`, { spec: { replicas: 2 } });
    await until('it is smaller', async () => (await podsOf('rolling')).length === 2);
    const paused = await get(`${apps}/deployments/rolling`);
    expect(paused.status).toMatchObject({ observedGeneration: paused.metadata?.generation });
    expect((await podsOf('rolling')).map(imageOf)).toEqual(['registry.lab.test/app:1', 'registry.lab.test/app:1']);
    await patch(`${apps}/deployments/rolling`, { spec: { paused: false } });
    await until('the new template runs', async () =>
      (await podsOf('rolling')).every(pod => imageOf(pod) === 'registry.lab.test/app:3'),
    );
  });

  it('of type Recreate has no pod of either template at the same time', async () => {
    await post(`${apps}/deployments`, workload('recreated', { replicas: 2, strategy: { type: 'Recreate' } }));
    await rolledOut('deployments', 'recreated');
    const watch = await scene.watch('/api/v1/namespaces/default/pods?watch=true&labelSelector=app%3Drecreated');
    await patch(`${apps}/deployments/recreated`, withImage('registry.lab.test/app:2'));
    await rolledOut('deployments', 'recreated');
    watch.stop();
    const present = new Set<string>();
    const images = new Map<string, string | undefined>();
    for (const { type, object } of watch.events) {
      const uid = object.metadata?.uid ?? '';
      images.set(uid, imageOf(object));
      if (type === 'DELETED') present.delete(uid);
      else present.add(uid);
      expect(new Set([...present].map(each => images.get(each))).size).toBeLessThan(2);
    }
    expect(new Set(images.values()).size).toBe(2);
  });

  it('says that it is late when its pods never come', async () => {
    const spec = { replicas: 1, progressDeadlineSeconds: 10 };
    const stuck = workload('stuck', spec);
    Object.assign(stuck.spec.template.spec, { nodeSelector: { nobody: 'has' } });
    await post(`${apps}/deployments`, stuck);
    const progress = await until('the deadline passes', async () => {
      const { status } = await get(`${apps}/deployments/stuck`);
      const conditions = (status?.conditions ?? []) as Condition[];
      return conditions.find(({ type, reason }) => type === 'Progressing' && reason === 'ProgressDeadlineExceeded');
    });
    expect(progress).toMatchObject({ status: 'False', message: expect.stringContaining('has timed out progressing.') });
    await scene.raw(`${apps}/deployments/stuck`, { method: 'DELETE' });
  });

  it('counts a pod as available only after minReadySeconds', async () => {
    await post(`${apps}/deployments`, workload('patient', { replicas: 1, minReadySeconds: 50 }));
    const counts = async () => (await get(`${apps}/deployments/patient`)).status as Counts;
    await until('it is ready', async () => (await counts()).readyReplicas === 1);
    const ready = Date.now();
    await until('it is available', async () => (await counts()).availableReplicas === 1);
    expect(Date.now() - ready).toBeGreaterThan(500);
  });
});

describe('a ReplicaSet', () => {
  const labelled = (name: string, labels: object) =>
    patch(`/api/v1/namespaces/default/pods/${name}`, { metadata: { labels } });
  const controllers = async (name: string) => {
    const { metadata } = await get(`/api/v1/namespaces/default/pods/${name}`);
    return (metadata as { ownerReferences?: { name: string }[] }).ownerReferences ?? [];
  };

  it('lets go of a pod that is labelled otherwise, replaces it, and takes it back', async () => {
    await post(`${apps}/replicasets`, workload('kept', { replicas: 2 }));
    await until('both run', async () => (await podsOf('kept')).filter(isReady).length === 2);
    const name = (await podsOf('kept'))[0]?.metadata?.name ?? '';
    await labelled(name, { app: 'apart' });
    await until('it is let go', async () => (await controllers(name)).length === 0);
    await until('it is replaced', async () => (await podsOf('kept')).filter(isReady).length === 2);
    expect((await podsOf('kept')).map(({ metadata }) => metadata?.name)).not.toContain(name);
    await patch(`${apps}/replicasets/kept`, { spec: { replicas: 3 } });
    await until('a third runs', async () => (await podsOf('kept')).filter(isReady).length === 3);
    await labelled(name, { app: 'kept' });
    await until('it is adopted', async () => (await controllers(name))[0]?.name === 'kept');
    await until('one is too many', async () => (await podsOf('kept')).length === 3);
  });
});

describe('a StatefulSet', () => {
  const images = async () => (await podsOf('ordered')).map(imageOf);

  it('starts its pods one after the other, each with a claim of its own', async () => {
    const claim = {
      metadata: { name: 'data' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    };
    const watch = await scene.watch('/api/v1/namespaces/default/pods?watch=true&labelSelector=app%3Dordered');
    await post(`${apps}/statefulsets`, workload('ordered', { replicas: 3, volumeClaimTemplates: [claim] }));
    await rolledOut('statefulsets', 'ordered');
    watch.stop();
    const ready = new Set<string>();
    for (const { type, object } of watch.events) {
      const name = object.metadata?.name ?? '';
      if (type === 'ADDED') expect(ready.size).toBe(Number(name.slice(-1)));
      if (isReady(object)) ready.add(name);
    }
    expect(ready.size).toBe(3);
    const claims = await get('/api/v1/namespaces/default/persistentvolumeclaims');
    expect(claims.items?.map(({ metadata, status }) => [metadata?.name, status?.phase])).toEqual([
      ['data-ordered-0', 'Bound'],
      ['data-ordered-1', 'Bound'],
      ['data-ordered-2', 'Bound'],
    ]);
  });

  it('updates from the last pod down to its partition, and goes on when the partition falls', async () => {
    const rollingUpdate = (partition: number) => ({
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition } },
    });
    await patch(`${apps}/statefulsets/ordered`, {
      spec: { ...withImage('registry.lab.test/app:2').spec, ...rollingUpdate(2) },
    });
    await until('the last pod is new', async () => (await images())[2] === 'registry.lab.test/app:2');
    await until('it is ready', async () => (await podsOf('ordered')).filter(isReady).length === 3);
    expect(await images()).toEqual(['registry.lab.test/app:1', 'registry.lab.test/app:1', 'registry.lab.test/app:2']);
    await scene.raw('/api/v1/namespaces/default/pods/ordered-0?gracePeriodSeconds=0', { method: 'DELETE' });
    await until('the first is back', async () => (await podsOf('ordered')).filter(isReady).length === 3);
    expect((await images())[0]).toBe('registry.lab.test/app:1');
    await patch(`${apps}/statefulsets/ordered`, { spec: rollingUpdate(0) });
    await rolledOut('statefulsets', 'ordered');
    const { status } = await get(`${apps}/statefulsets/ordered`);
    expect(status?.currentRevision).toBe(status?.updateRevision);
    expect(new Set(await images())).toEqual(new Set(['registry.lab.test/app:2']));
  });

  it('of policy Parallel waits for none', async () => {
    const set = workload('parallel', { replicas: 3, podManagementPolicy: 'Parallel' });
    Object.assign(set.spec.template.spec, { nodeSelector: { nobody: 'has' } });
    await post(`${apps}/statefulsets`, set);
    await until('all three are there', async () => (await podsOf('parallel')).length === 3);
    expect((await podsOf('parallel')).some(isReady)).toBe(false);
    await scene.raw(`${apps}/statefulsets/parallel`, { method: 'DELETE' });
  });
});

describe('a DaemonSet', () => {
  it('rolls one node after the other and says so in its status', async () => {
    const tolerations = [{ operator: 'Exists' }];
    const set = workload('agent', {});
    Object.assign(set.spec.template.spec, { tolerations });
    await post(`${apps}/daemonsets`, set);
    await rolledOut('daemonsets', 'agent');
    const watch = await scene.watch(`${apps}/daemonsets?watch=true&fieldSelector=metadata.name%3Dagent`);
    await patch(`${apps}/daemonsets/agent`, withImage('registry.lab.test/app:2'));
    await rolledOut('daemonsets', 'agent');
    watch.stop();
    const unavailable = watch.events.map(({ object }) => (object.status as Counts).numberUnavailable ?? 0);
    expect(Math.max(...unavailable)).toBe(1);
    expect((await podsOf('agent')).map(imageOf)).toEqual(Array(4).fill('registry.lab.test/app:2'));
  });

  it('leaves nodes that its selector does not take', async () => {
    await patch(`${apps}/daemonsets/agent`, {
      spec: { template: { spec: { nodeSelector: { 'kubernetes.io/hostname': 'w-1' } } } },
    });
    await until('one is left', async () => (await podsOf('agent')).length === 1);
    expect((await get(`${apps}/daemonsets/agent`)).status).toMatchObject({ desiredNumberScheduled: 1 });
  });
});

describe('a Job', () => {
  const jobs = '/apis/batch/v1/namespaces/default/jobs';
  const job = (name: string, spec: object, annotations: Record<string, string> = {}) => ({
    metadata: { name },
    spec: {
      ...spec,
      template: {
        metadata: { annotations },
        spec: { restartPolicy: 'Never', containers: [{ name: 'work', image: 'registry.lab.test/work:1' }] },
      },
    },
  });

  it('runs as many pods at once as it may until enough have succeeded', async () => {
    const watch = await scene.watch(`${jobs}?watch=true&fieldSelector=metadata.name%3Dsum`);
    await post(jobs, job('sum', { completions: 3, parallelism: 2 }));
    const done = await until('it is complete', async () => {
      const { status } = await get(`${jobs}/sum`);
      return (status?.conditions as Condition[] | undefined)?.some(({ type }) => type === 'Complete') && status;
    });
    watch.stop();
    expect(done).toMatchObject({ succeeded: 3, failed: 0 });
    expect(Math.max(...watch.events.map(({ object }) => Number(object.status?.active ?? 0)))).toBe(2);
  });

  it('fails after its backoff limit', async () => {
    await post(jobs, job('doomed', { backoffLimit: 1 }, { 'lab.test/exit-code': '3' }));
    const failed = await until('it failed', async () => {
      const { status } = await get(`${jobs}/doomed`);
      return (status?.conditions as Condition[] | undefined)?.find(({ type }) => type === 'Failed');
    });
    expect(failed.reason).toBe('BackoffLimitExceeded');
  });
});

const run = promisify(execFile);
const kubectlThere = await run('kubectl', ['version', '--client']).then(
  () => true,
  () => false,
);

describe.skipIf(!kubectlThere)(`kubectl rollout${kubectlThere ? '' : ' (skipped: no kubectl in PATH)'}`, () => {
  const kubectl = async (...args: string[]) =>
    (await run('kubectl', ['--kubeconfig', scene.adminKubeconfigFile, '-n', 'default', ...args], { timeout: 50_000 }))
      .stdout;

  it('waits for each kind of workload', async () => {
    await patch(`${apps}/deployments/rolling`, withImage('registry.lab.test/app:4'));
    expect(await kubectl('rollout', 'status', 'deployment/rolling')).toContain('successfully rolled out');
    await patch(`${apps}/statefulsets/ordered`, withImage('registry.lab.test/app:4'));
    expect(await kubectl('rollout', 'status', 'statefulset/ordered')).toContain('partitioned roll out complete');
    await patch(`${apps}/daemonsets/agent`, withImage('registry.lab.test/app:4'));
    expect(await kubectl('rollout', 'status', 'daemonset/agent')).toContain('successfully rolled out');
    expect((await podsOf('ordered')).every(pod => imageOf(pod) === 'registry.lab.test/app:4')).toBe(true);
  });
});
