import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openClusters } from '../../src/adapters/kubernetes/open-clusters.ts';
import type { StorageFacts } from '../../src/core/cluster-facts.ts';
import { createObject, declareKind } from '../support/custom-kinds.ts';
import { type KubernetesScene, kubernetesScene, settled } from '../support/kubernetes-lab.ts';

let scene: KubernetesScene;

beforeAll(async () => {
  scene = await kubernetesScene('127.61.0.65');
  await settled(scene);
});
afterAll(() => scene.close());

async function told(name: string): Promise<StorageFacts | undefined> {
  return (await scene.cluster.storage()).find(each => each.name === name);
}

it('a cluster whose volumes are well, and that has no storage system that tells, has nothing to say', async () => {
  expect(await scene.cluster.storage()).toEqual([]);
});

describe('volumes', () => {
  const attachment = (name: string, more: object, metadata: object = {}) =>
    scene.lab.store.create('volumeattachments', {
      metadata: { name, ...metadata },
      spec: { attacher: 'csi.example', nodeName: 'w-9', source: { persistentVolumeName: 'pv-7' } },
      ...more,
    });

  it('that do not attach or detach are named with the reason', async () => {
    scene.lab.controllers.pause();
    attachment('no-attach', { status: { attached: false, attachError: { message: 'no such disk' } } });
    attachment('no-detach', { status: { attached: true, detachError: { message: 'device busy' } } });
    expect(await told('no-attach')).toEqual({
      kind: 'VolumeAttachment',
      namespace: '',
      name: 'no-attach',
      health: { value: 'critical' },
      message: 'pv-7 does not attach to w-9: no such disk',
    });
    expect((await told('no-detach'))?.message).toContain('device busy');
  });

  it('that have been detaching for minutes are named, and those that just began are not', async () => {
    const held = (deletionTimestamp: string) => ({ deletionTimestamp, finalizers: ['external-attacher/csi-example'] });
    attachment('stuck', { status: { attached: true } }, held(new Date(Date.now() - 600_000).toISOString()));
    attachment('leaving', { status: { attached: true } }, held(new Date().toISOString()));
    expect(await told('stuck')).toMatchObject({
      health: { value: 'warning' },
      message: expect.stringContaining('is detaching from w-9 since'),
    });
    expect(await told('leaving')).toBeUndefined();
  });

  it('whose PersistentVolume is gone are named by their claim', async () => {
    scene.lab.store.create('persistentvolumeclaims', {
      metadata: { name: 'orphan', namespace: 'shop' },
      spec: { volumeName: 'pv-8', accessModes: ['ReadWriteOnce'] },
      status: { phase: 'Lost' },
    });
    expect(await told('orphan')).toEqual({
      kind: 'PersistentVolumeClaim',
      namespace: 'shop',
      name: 'orphan',
      health: { value: 'critical' },
      message: 'its PersistentVolume pv-8 is gone',
    });
  });
});

describe('Longhorn', () => {
  it('tells of volumes that are degraded or faulted, also in a version newer than those known here', async () => {
    const kind = { group: 'longhorn.io', versions: ['v1beta9'], plural: 'volumes', kind: 'Volume' };
    await declareKind(scene, kind);
    const volume = (name: string, status: object) =>
      createObject(scene, {
        path: '/apis/longhorn.io/v1beta9',
        plural: 'volumes',
        object: { metadata: { name, namespace: 'shop' }, status },
      });
    await volume('well', { state: 'attached', robustness: 'healthy' });
    await volume('asleep', { state: 'detached', robustness: 'unknown' });
    await volume('degraded', { state: 'attached', robustness: 'degraded' });
    await volume('faulted', { state: 'detached', robustness: 'faulted' });
    await volume('dark', { state: 'attached', robustness: 'unknown' });
    await volume('new', {});
    const all = (await scene.cluster.storage()).filter(({ kind }) => kind === 'Longhorn volume');
    expect(Object.fromEntries(all.map(({ name, health }) => [name, health]))).toEqual({
      degraded: { value: 'warning' },
      faulted: { value: 'critical' },
      dark: { unknown: 'Longhorn says unknown' },
      new: { unknown: 'Longhorn says nothing' },
    });
  });
});

describe('Rook', () => {
  it('tells what Ceph says of itself, well or not', async () => {
    const kind = { group: 'ceph.rook.io', versions: ['v1'], plural: 'cephclusters', kind: 'CephCluster' };
    await declareKind(scene, kind);
    const ceph = (name: string, status: object) =>
      createObject(scene, {
        path: '/apis/ceph.rook.io/v1',
        plural: 'cephclusters',
        object: { metadata: { name, namespace: 'shop' }, status },
      });
    const details = { OSD_DOWN: { message: '1 osds down', severity: 'HEALTH_WARN' } };
    await ceph('ceph-ok', { ceph: { health: 'HEALTH_OK' } });
    await ceph('ceph-warn', { ceph: { health: 'HEALTH_WARN', details } });
    await ceph('ceph-err', { ceph: { health: 'HEALTH_ERR', details: {} } });
    await ceph('ceph-new', {});
    expect(await told('ceph-ok')).toMatchObject({ kind: 'CephCluster', health: { value: 'ok' }, message: '' });
    expect(await told('ceph-warn')).toMatchObject({ health: { value: 'warning' }, message: 'OSD_DOWN: 1 osds down' });
    expect(await told('ceph-err')).toMatchObject({ health: { value: 'critical' } });
    expect(await told('ceph-new')).toMatchObject({ health: { unknown: 'Ceph says nothing' } });
  });
});

it('what may not be read is said as unknown, kind by kind', async () => {
  const account = { namespace: 'default', name: 'stranger' };
  await createObject(scene, { path: '/api/v1', plural: 'serviceaccounts', object: { metadata: account } });
  const kubeconfigFile = join(scene.folder, 'stranger');
  await writeFile(kubeconfigFile, scene.lab.kubeconfigOf(account));
  const strangers = openClusters({ clusters: [{ name: 'lab', kubeconfigFile }], timeoutMs: 5000 });
  const facts = await strangers.of('lab').storage();
  await strangers.close();
  const kinds = ['CephCluster', 'Longhorn volume', 'PersistentVolumeClaim', 'VolumeAttachment'];
  expect(facts.map(({ kind }) => kind).toSorted()).toEqual(kinds);
  for (const { health } of facts) expect(health).toEqual({ unknown: expect.stringMatching(/refuses .* \(403\)$/) });
});
