import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { cordonOwner } from '../../src/core/cluster.ts';
import { testGrant } from '../support/grant.ts';
import { type KubernetesScene, kubernetesScene, settled, until } from '../support/kubernetes-lab.ts';

let scene: KubernetesScene;
let seen = 0;

beforeAll(async () => {
  scene = await kubernetesScene('127.61.0.2');
});
beforeEach(async () => {
  await settled(scene);
  seen = scene.effects.since().length;
});
afterAll(() => scene.close());

const effects = () => scene.effects.since(seen);

async function podOf(app: string) {
  const pod = (await scene.cluster.pods()).find(each => each.labels.app === app && each.ready && !each.terminating);
  if (pod === undefined) throw new Error(`no ready pod of ${app}`);
  return pod;
}

describe('patchNode', () => {
  it('cordons and annotates in one merge patch that carries the resource version', async () => {
    const { resourceVersion } = await scene.cluster.node('w-1');
    const patch = { name: 'w-1', resourceVersion, unschedulable: true, annotations: { [cordonOwner]: 'op-1' } };
    const node = await scene.cluster.patchNode(testGrant, patch);
    expect(node).toMatchObject({ unschedulable: true, annotations: { [cordonOwner]: 'op-1' } });
    expect(effects()).toEqual([
      expect.objectContaining({
        kind: 'cluster',
        name: 'lab',
        target: scene.lab.url,
        method: 'PATCH',
        path: '/api/v1/nodes/w-1',
        status: 200,
        caller: expect.stringMatching(/^groundskeeper\/\d/),
        body: { metadata: { resourceVersion, annotations: { [cordonOwner]: 'op-1' } }, spec: { unschedulable: true } },
      }),
    ]);
    await until('the control plane adds its own taint', async () => {
      const { taints } = await scene.cluster.node('w-1');
      return taints.some(({ key }) => key === 'node.kubernetes.io/unschedulable');
    });
  });

  it('uncordons, removes an annotation by null and keeps the others', async () => {
    await scene.raw('/api/v1/nodes/w-1', {
      method: 'PATCH',
      headers: { 'content-type': 'application/merge-patch+json' },
      body: { metadata: { annotations: { [cordonOwner]: 'op-1', other: 'kept' } }, spec: { unschedulable: true } },
    });
    const { resourceVersion } = await until('the cordon taint', async () => {
      const node = await scene.cluster.node('w-1');
      return node.taints.length > 0 && node;
    });
    const patch = { name: 'w-1', resourceVersion, unschedulable: false, annotations: { [cordonOwner]: null } };
    const node = await scene.cluster.patchNode(testGrant, patch);
    expect(node.unschedulable).toBe(false);
    expect(node.annotations).toMatchObject({ other: 'kept' });
    expect(node.annotations).not.toHaveProperty(cordonOwner);
    await until('the taint is gone', async () => (await scene.cluster.node('w-1')).taints.length === 0);
  });

  it('changes nothing on a node that changed since it was read', async () => {
    const { resourceVersion } = await scene.cluster.node('w-2');
    scene.lab.store.update('nodes', { name: 'w-2' }, draft => {
      draft.metadata.labels = { ...draft.metadata.labels, changed: 'meanwhile' };
    });
    const patch = { name: 'w-2', resourceVersion, unschedulable: true, annotations: {} };
    await expect(scene.cluster.patchNode(testGrant, patch)).rejects.toMatchObject({ code: 'conflict', retry: 'later' });
    expect((await scene.cluster.node('w-2')).unschedulable).toBe(false);
    expect(effects().map(({ status }) => status)).toEqual([409]);
  });

  it('says not_found for a node that is not there', async () => {
    const patch = { name: 'w-9', resourceVersion: '1', unschedulable: true, annotations: {} };
    await expect(scene.cluster.patchNode(testGrant, patch)).rejects.toMatchObject({ code: 'not_found' });
  });

  it('is ambiguous, and sent once, when the answer is lost', async () => {
    const { resourceVersion } = await scene.cluster.node('w-3');
    scene.lab.faults.set('drop-after-write');
    const patch = { name: 'w-3', resourceVersion, unschedulable: true, annotations: {} };
    await expect(scene.cluster.patchNode(testGrant, patch)).rejects.toMatchObject({ code: 'ambiguous', retry: 'ask' });
    expect(effects().map(({ method, status }) => [method, status])).toEqual([['PATCH', 0]]);
    const node = await until('the cordon taint', async () => {
      const found = await scene.cluster.node('w-3');
      return found.unschedulable && found.taints.length > 0 && found;
    });
    await scene.cluster.patchNode(testGrant, { ...patch, resourceVersion: node.resourceVersion, unschedulable: false });
  });
});

describe('evict', () => {
  it('is accepted, and the pod leaves after its grace while another takes its place', async () => {
    const pod = await podOf('web');
    expect(await scene.cluster.evict(testGrant, pod)).toEqual({ outcome: 'accepted' });
    const leaving = (await scene.cluster.pods()).find(({ uid }) => uid === pod.uid);
    expect(leaving?.terminating).toBe(true);
    expect(effects()).toMatchObject([
      { method: 'POST', path: `/api/v1/namespaces/shop/pods/${pod.name}/eviction`, status: 201 },
    ]);
    await until('the pod is gone', async () => (await scene.cluster.podUid('shop', pod.name)) === undefined);
    await until('three are ready again', async () => {
      const web = (await scene.cluster.pods()).filter(({ labels }) => labels.app === 'web');
      return web.length === 3 && web.every(({ ready }) => ready);
    });
  });

  it('finds a StatefulSet pod gone once another one has its name', async () => {
    const pod = await podOf('orders');
    expect(await scene.cluster.evict(testGrant, pod)).toEqual({ outcome: 'accepted' });
    await until('the name has another uid', async () => {
      const uid = await scene.cluster.podUid('shop', pod.name);
      return uid !== undefined && uid !== pod.uid;
    });
    expect(await scene.cluster.evict(testGrant, pod)).toEqual({ outcome: 'gone' });
  });

  it('finds a pod gone that does not exist', async () => {
    const pod = { namespace: 'shop', name: 'nobody', uid: 'none' };
    expect(await scene.cluster.evict(testGrant, pod)).toEqual({ outcome: 'gone' });
  });

  it('is blocked by a budget with nothing left, and names it', async () => {
    const pods = (await scene.cluster.pods()).filter(({ labels }) => labels.app === 'web');
    const outcomes = [];
    for (const pod of pods.slice(0, 2)) outcomes.push(await scene.cluster.evict(testGrant, pod));
    expect(outcomes[0]).toEqual({ outcome: 'accepted' });
    expect(outcomes[1]).toEqual({ outcome: 'blocked', message: expect.stringContaining('web needs 2 healthy pods') });
    expect(effects().map(({ status }) => status)).toEqual([201, 429]);
  });

  it('is refused for a pod that two budgets protect', async () => {
    const metadata = { name: 'web-too', namespace: 'shop' };
    const spec = { selector: { matchLabels: { app: 'web' } }, minAvailable: 0 };
    await scene.raw('/apis/policy/v1/namespaces/shop/poddisruptionbudgets', {
      method: 'POST',
      body: { metadata, spec },
    });
    expect(await scene.cluster.evict(testGrant, await podOf('web'))).toMatchObject({
      outcome: 'refused',
      status: 500,
      message: expect.stringContaining('more than one PodDisruptionBudget'),
    });
    await scene.raw('/apis/policy/v1/namespaces/shop/poddisruptionbudgets/web-too', { method: 'DELETE' });
  });

  it('is blocked in a namespace that is being deleted', async () => {
    await scene.raw('/api/v1/namespaces', { method: 'POST', body: { metadata: { name: 'ending' } } });
    const spec = { containers: [{ name: 'c', image: 'i' }] };
    const path = '/api/v1/namespaces/ending/pods';
    await scene.raw(path, { method: 'POST', body: { metadata: { name: 'last' }, spec } });
    await until('the pod is bound', async () => (await scene.cluster.pods()).some(p => p.name === 'last' && p.ready));
    await scene.raw('/api/v1/namespaces/ending', { method: 'DELETE' });
    const uid = (await scene.cluster.podUid('ending', 'last')) ?? '';
    const outcome = await scene.cluster.evict(testGrant, { namespace: 'ending', name: 'last', uid });
    expect(outcome).toMatchObject({ outcome: 'blocked', message: expect.stringContaining('being terminated') });
    await until('the namespace is gone', async () => (await scene.raw('/api/v1/namespaces/ending')).status === 404);
  });

  it('is ambiguous, and sent once, when the answer is lost', async () => {
    const pod = await podOf('single');
    scene.lab.faults.set('drop-after-write');
    await expect(scene.cluster.evict(testGrant, pod)).rejects.toMatchObject({ code: 'ambiguous' });
    expect(effects().map(({ status }) => status)).toEqual([0]);
  });
});
