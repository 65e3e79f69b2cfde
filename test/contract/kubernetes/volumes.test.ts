import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Kube } from '../../support/contract-api.ts';
import { contractCluster, until } from '../../support/contract-cluster.ts';

const on = await contractCluster('volumes');
const { api, cluster } = on;
const attachments = '/apis/storage.k8s.io/v1/volumeattachments';
const driver = 'contract.groundskeeper.io';
let node = '';
let volume: Kube;

beforeAll(async () => {
  node = await on.ownNode('host');
  volume = await on.ownObject('/api/v1/persistentvolumes', {
    metadata: { name: 'volume' },
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: 'Retain',
      claimRef: { namespace: on.namespace, name: 'data' },
      csi: { driver, volumeHandle: on.namespace },
    },
  });
});
afterAll(() => on.close());

const attach = (name: string) =>
  on.ownObject(attachments, {
    metadata: { name },
    spec: { attacher: driver, nodeName: node, source: { persistentVolumeName: volume.metadata.name } },
  });

describe('a PersistentVolume', () => {
  it('that is claimed and tied to a node is told with its terms, and one that is not tied is left out', async () => {
    const requirement = { key: 'kubernetes.io/hostname', operator: 'In', values: [node] };
    const local = await on.ownObject('/api/v1/persistentvolumes', {
      metadata: { name: 'local' },
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        persistentVolumeReclaimPolicy: 'Retain',
        claimRef: { namespace: on.namespace, name: 'local-data' },
        local: { path: '/mnt/data' },
        nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [requirement] }] } },
      },
    });
    const ours = (await cluster.volumeTies()).filter(({ claim }) => claim.startsWith(`${on.namespace}/`));
    expect(ours).toEqual([
      {
        volume: local.metadata.name,
        claim: `${on.namespace}/local-data`,
        terms: [{ labels: [requirement], fields: [] }],
      },
    ]);
  });
});

describe('a VolumeAttachment', () => {
  it('is not attached until its driver says so, and the adapter names the claim behind it', async () => {
    const { metadata } = await attach('first');
    const facts = async () => (await cluster.attachments(node)).find(({ name }) => name === metadata.name);
    expect(await facts()).toEqual({
      name: metadata.name,
      node,
      volume: volume.metadata.name,
      claim: `${on.namespace}/data`,
      attached: false,
    });
    const at = `${attachments}/${metadata.name}`;
    await api.must(api.patch(`${at}/status`, 'merge-patch', { status: { attached: true } }));
    expect(await facts()).toMatchObject({ attached: true });
    expect((await cluster.attachments()).map(({ name }) => name)).toContain(metadata.name);
  });

  it('of another node is not listed for this one', async () => {
    const other = await on.ownNode('other');
    expect(await cluster.attachments(other)).toEqual([]);
  });

  it('that is on its way out stays while its driver holds it, and tells of the error', async () => {
    const { metadata } = await attach('stuck');
    const at = `${attachments}/${metadata.name}`;
    const held = { metadata: { finalizers: ['contract.groundskeeper.io/attached'] } };
    await api.must(api.patch(at, 'merge-patch', held));
    const detachError = { message: 'the array does not answer', time: new Date().toISOString() };
    await api.must(api.patch(`${at}/status`, 'merge-patch', { status: { attached: true, detachError } }));
    await api.must(api.remove(at));
    const stuck = (await cluster.attachments(node)).find(({ name }) => name === metadata.name);
    expect(stuck).toMatchObject({ attached: true, error: 'the array does not answer' });
    expect(Date.parse(stuck?.detachingSince ?? '')).toBeGreaterThan(Date.now() - 3600_000);
    await api.must(api.patch(at, 'merge-patch', { metadata: { finalizers: null } }));
    await until('it is gone', async () =>
      (await cluster.attachments(node)).every(({ name }) => name !== metadata.name),
    );
  });
});
