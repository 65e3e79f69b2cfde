/** The client library's own informer, used as its documentation says, cannot tell the lab from a cluster. */
import {
  CoreV1Api,
  type Informer,
  KubeConfig,
  makeInformer,
  type ObjectCache,
  type V1Pod,
} from '@kubernetes/client-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type KubernetesScene, kubernetesScene, settled, until } from '../support/kubernetes-lab.ts';

const restartMs = 50;
const pods = '/api/v1/namespaces/shop/pods';
let scene: KubernetesScene;
let informer: Informer<V1Pod> & ObjectCache<V1Pod>;
const told: string[] = [];
const failures: string[] = [];
let stopped = false;

beforeAll(async () => {
  scene = await kubernetesScene('127.140.201.1');
  await settled(scene);
  const config = new KubeConfig();
  config.loadFromFile(scene.kubeconfigFile);
  const api = config.makeApiClient(CoreV1Api);
  informer = makeInformer(config, '/api/v1/pods', () => api.listPodForAllNamespaces());
  for (const event of ['add', 'update', 'delete'] as const)
    informer.on(event, ({ metadata }) => void told.push(`${event} ${metadata?.name}`));
  informer.on('error', error => {
    failures.push(String(error));
    setTimeout(() => void (stopped || informer.start()), restartMs);
  });
  await informer.start();
});
afterAll(async () => {
  stopped = true;
  await informer.stop();
  await scene.close();
});

/** A pod comes, changes and goes, and each is told once. */
async function follows(name: string): Promise<void> {
  const containers = [{ name: 'main', image: 'registry.lab.test/x:1' }];
  const spec = { containers, nodeSelector: { 'informer.test/nowhere': 'yes' } };
  expect((await scene.raw(pods, { method: 'POST', body: { metadata: { name }, spec } })).status).toBe(201);
  await until(`${name} was added`, () => told.includes(`add ${name}`));
  const headers = { 'content-type': 'application/merge-patch+json' };
  const body = { metadata: { labels: { changed: name } } };
  await scene.raw(`${pods}/${name}`, { method: 'PATCH', headers, body });
  await until(`${name} was updated`, () => informer.get(name, 'shop')?.metadata?.labels?.changed === name);
  expect(told).toContain(`update ${name}`);
  await scene.raw(`${pods}/${name}`, { method: 'DELETE' });
  await until(`${name} was deleted`, () => told.includes(`delete ${name}`));
  expect(informer.get(name, 'shop')).toBeUndefined();
  for (const event of ['add', 'delete']) expect(told.filter(each => each === `${event} ${name}`)).toHaveLength(1);
}

/** What it holds is what the API server stores. */
async function isCurrent(): Promise<void> {
  const versions = (from: readonly { metadata?: { uid?: string; resourceVersion?: string } | undefined }[]) =>
    from.map(({ metadata }) => `${metadata?.uid} ${metadata?.resourceVersion}`).sort();
  await until('it holds what is stored', () => {
    const [held, stored] = [versions(informer.list()), versions(scene.lab.store.list('pods'))];
    return held.join() === stored.join();
  });
}

it('lists, and tells what comes, changes and goes', async () => {
  expect(informer.list().length).toBeGreaterThan(10);
  await isCurrent();
  await follows('first');
  expect(failures).toEqual([]);
});

it('survives a dropped watch', async () => {
  scene.lab.cutWatches();
  await follows('after-the-cut');
  await isCurrent();
});

it('survives a watch that is told 410, by a list of its own', async () => {
  scene.lab.faults.set({ kind: 'watch-expired' });
  scene.lab.cutWatches();
  await until('a watch was told 410', () => scene.lab.faults.list().length === 0);
  await follows('after-the-expiry');
  await isCurrent();
});

it('survives an API server that was away and has forgotten its history', async () => {
  const restarting = scene.lab.restart();
  scene.lab.compact();
  await restarting;
  await follows('after-the-restart');
  await isCurrent();
  expect(failures).not.toEqual([]);
});
