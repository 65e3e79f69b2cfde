import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { cordonOwner } from '../../src/core/cluster-marks.ts';
import { testGrant } from '../support/grant.ts';
import {
  atItsVersion,
  type KubernetesScene,
  kubernetesScene,
  quietNode,
  settled,
  until,
} from '../support/kubernetes-lab.ts';

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
    let version = '';
    const annotations = { [cordonOwner]: 'op-1' };
    const node = await atItsVersion(scene, 'w-1', resourceVersion => {
      version = resourceVersion;
      return scene.cluster.patchNode(testGrant, { name: 'w-1', resourceVersion, unschedulable: true, annotations });
    });
    expect(node).toMatchObject({ unschedulable: true, annotations: { [cordonOwner]: 'op-1' } });
    expect(effects().filter(({ status }) => status !== 409)).toEqual([
      expect.objectContaining({
        kind: 'cluster',
        name: 'lab',
        target: scene.lab.url,
        method: 'PATCH',
        path: '/api/v1/nodes/w-1',
        status: 200,
        caller: expect.stringMatching(/^groundskeeper\/\d/),
        body: { metadata: { resourceVersion: version, annotations }, spec: { unschedulable: true } },
      }),
    ]);
    await until('the control plane adds its own taint', async () => {
      const { taints } = await scene.cluster.node('w-1');
      return taints.some(({ key }) => key === 'node.kubernetes.io/unschedulable');
    });
  });

  it('is ambiguous, and sent once, when the answer is lost', async () => {
    await quietNode(scene, 'w-3');
    const { resourceVersion } = await scene.cluster.node('w-3');
    scene.lab.faults.set('drop-after-write');
    const patch = { name: 'w-3', resourceVersion, unschedulable: true, annotations: {} };
    await expect(scene.cluster.patchNode(testGrant, patch)).rejects.toMatchObject({ code: 'ambiguous', retry: 'ask' });
    expect(effects().map(({ method, status }) => [method, status])).toEqual([['PATCH', 0]]);
    await until('the cordon taint', async () => {
      const found = await scene.cluster.node('w-3');
      return found.unschedulable && found.taints.length > 0;
    });
    await atItsVersion(scene, 'w-3', newer =>
      scene.cluster.patchNode(testGrant, { ...patch, resourceVersion: newer, unschedulable: false }),
    );
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

  it('is ambiguous, and sent once, when the answer is lost', async () => {
    const pod = await podOf('single');
    scene.lab.faults.set('drop-after-write');
    await expect(scene.cluster.evict(testGrant, pod)).rejects.toMatchObject({ code: 'ambiguous' });
    expect(effects().map(({ status }) => status)).toEqual([0]);
  });
});
