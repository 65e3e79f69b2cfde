import { afterAll, describe, expect, it } from 'vitest';
import type { PatchForm } from '../../support/contract-api.ts';
import { conditionOf, contractCluster, holdFinalizer } from '../../support/contract-cluster.ts';
import { testGrant } from '../../support/grant.ts';

const on = await contractCluster('patches');
const { api, path } = on;

afterAll(() => on.close());

let made = 0;
async function configMap(data: Record<string, string>, metadata: object = {}): Promise<string> {
  const name = `patched-${++made}`;
  await api.create(path('configmaps'), { metadata: { ...metadata, name }, data });
  return path('configmaps', name);
}

describe('JSON patch', () => {
  const swap = [
    { op: 'test', path: '/data/a', value: '1' },
    { op: 'replace', path: '/data/a', value: '2' },
  ];

  it('is carried out when its test holds, and answered 422 whole when it does not', async () => {
    const at = await configMap({ a: '1' });
    expect((await api.must(api.patch(at, 'json-patch', swap))).data).toEqual({ a: '2' });
    const again = await api.patch(at, 'json-patch', [{ op: 'add', path: '/data/b', value: '1' }, ...swap]);
    expect(again).toMatchObject({ status: 422, body: { kind: 'Status', code: 422 } });
    expect((await api.get(at)).data).toEqual({ a: '2' });
  });
});

describe('merge patch', () => {
  it('removes by null, keeps what it does not name and replaces lists', async () => {
    const at = await configMap({ a: '1', b: '2' }, { finalizers: [`${holdFinalizer}-1`] });
    const change = { data: { a: null, c: '3' }, metadata: { finalizers: [`${holdFinalizer}-2`] } };
    const { data, metadata } = await api.must(api.patch(at, 'merge-patch', change));
    expect(data).toEqual({ b: '2', c: '3' });
    expect(metadata.finalizers).toEqual([`${holdFinalizer}-2`]);
    await api.must(api.patch(at, 'merge-patch', { metadata: { finalizers: null } }));
  });

  it('that carries a resource version changes nothing over another one', async () => {
    const at = await configMap({ a: '1' });
    const { metadata } = await api.get(at);
    const over = (a: string) => ({ metadata: { resourceVersion: metadata.resourceVersion }, data: { a } });
    expect((await api.patch(at, 'merge-patch', over('2'))).status).toBe(200);
    expect(await api.patch(at, 'merge-patch', over('3'))).toMatchObject({
      status: 409,
      body: { kind: 'Status', reason: 'Conflict' },
    });
    expect((await api.get(at)).data).toEqual({ a: '2' });
  });
});

describe('strategic merge patch', () => {
  it('joins conditions by type', async () => {
    const node = `/api/v1/nodes/${await on.ownNode('conditions')}`;
    const set = (...conditions: object[]) =>
      api.must(api.patch(`${node}/status`, 'strategic-merge-patch', { status: { conditions } }));
    await set({ type: 'One', status: 'True', reason: 'First' }, { type: 'Two', status: 'True' });
    const read = await set({ type: 'One', status: 'False', reason: 'Second' });
    expect(conditionOf(read, 'One')).toBe('False');
    expect(conditionOf(read, 'Two')).toBe('True');
    const conditions = read.status?.conditions as { type: string }[];
    expect(conditions.filter(({ type }) => type === 'One')).toHaveLength(1);
  });

  it('replaces taints as a whole: several may share a key', async () => {
    const name = await on.ownNode('taints');
    const node = `/api/v1/nodes/${name}`;
    const key = 'contract.groundskeeper.io/kept';
    const taints = ['NoSchedule', 'PreferNoSchedule'].map(effect => ({ key, effect }));
    const ours = (all: unknown) => (all as { key: string; effect: string }[]).filter(taint => taint.key === key);
    const set = await api.must(api.patch(node, 'strategic-merge-patch', { spec: { taints } }));
    expect(ours(set.spec.taints)).toHaveLength(2);
    const { spec } = await api.must(api.patch(node, 'strategic-merge-patch', { spec: { taints: [taints[1]] } }));
    expect(ours(spec.taints)).toEqual([taints[1]]);
  });

  it('adds to finalizers, and keeps labels that it does not name', async () => {
    const at = await configMap({}, { labels: { keep: 'me' }, finalizers: [`${holdFinalizer}-1`] });
    const change = { metadata: { finalizers: [`${holdFinalizer}-2`] } };
    const { metadata } = await api.must(api.patch(at, 'strategic-merge-patch', change));
    expect(metadata.labels).toEqual({ keep: 'me' });
    expect(metadata.finalizers?.toSorted()).toEqual([`${holdFinalizer}-1`, `${holdFinalizer}-2`]);
    await api.must(api.patch(at, 'merge-patch', { metadata: { finalizers: null } }));
  });
});

describe('a patch', () => {
  it('in a form that nobody knows is answered 415', async () => {
    const at = await configMap({ a: '1' });
    const answer = await api.send(at, { method: 'PATCH', body: { data: { a: '2' } } });
    expect(answer).toMatchObject({ status: 415, body: { kind: 'Status', reason: 'UnsupportedMediaType' } });
  });

  it.each<PatchForm>(['merge-patch', 'strategic-merge-patch'])(
    'that changes nothing (%s) keeps the version',
    async form => {
      const at = await configMap({ a: '1' });
      const { metadata } = await api.get(at);
      const after = await api.must(api.patch(at, form, { data: { a: '1' } }));
      expect(after.metadata.resourceVersion).toBe(metadata.resourceVersion);
    },
  );

  it('of something that is not there is answered 404', async () => {
    const answer = await api.patch(path('configmaps', 'nobody'), 'merge-patch', { data: {} });
    expect(answer).toMatchObject({ status: 404, body: { kind: 'Status', reason: 'NotFound' } });
  });

  it('is what the adapter sends: over a version that changed it is a conflict, and nothing happens', async () => {
    const name = await on.ownNode('adapter');
    const node = await on.cluster.node(name);
    await api.must(api.patch(`/api/v1/nodes/${name}`, 'merge-patch', { metadata: { labels: { changed: 'yes' } } }));
    const patch = { name, resourceVersion: node.resourceVersion, unschedulable: true, annotations: {} };
    await expect(on.cluster.patchNode(testGrant, patch)).rejects.toMatchObject({ code: 'conflict', retry: 'later' });
    expect((await on.cluster.node(name)).unschedulable).toBe(false);
  });
});
