import { afterAll, describe, expect, it } from 'vitest';
import { conditionOf, contractCluster } from '../../support/contract-cluster.ts';
import { budget, budgets, workload } from '../../support/contract-workloads.ts';

const on = await contractCluster('objects');
const { api, path } = on;
const maps = path('configmaps');

afterAll(() => on.close());

describe('objects', () => {
  it('are created once, with uid, resource version and creation time', async () => {
    const { status, body } = await api.post(maps, { metadata: { name: 'once' }, data: { a: '1' } });
    expect(status).toBe(201);
    expect(body).toMatchObject({ kind: 'ConfigMap', apiVersion: 'v1', metadata: { namespace: on.namespace } });
    expect(body.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(body.metadata.resourceVersion).toMatch(/^\d+$/);
    expect(Date.parse(body.metadata.creationTimestamp ?? '')).toBeGreaterThan(Date.now() - 3600_000);
    expect(await api.post(maps, { metadata: { name: 'once' } })).toMatchObject({
      status: 409,
      body: { kind: 'Status', reason: 'AlreadyExists', details: { name: 'once', kind: 'configmaps' } },
    });
  });

  it('get a name made from generateName', async () => {
    const { metadata } = await api.create(maps, { metadata: { generateName: 'some-' } });
    expect(metadata.name).toMatch(/^some-[a-z0-9]{5}$/);
  });

  it('get another uid when they are made again under the same name', async () => {
    const first = await api.create(maps, { metadata: { name: 'again' } });
    await api.must(api.remove(path('configmaps', 'again')));
    const second = await api.create(maps, { metadata: { name: 'again' } });
    expect(second.metadata.uid).not.toBe(first.metadata.uid);
    expect(Number(second.metadata.resourceVersion)).toBeGreaterThan(Number(first.metadata.resourceVersion));
  });

  it('are replaced only over the version that was read', async () => {
    const read = await api.create(maps, { metadata: { name: 'versioned' }, data: { a: '1' } });
    const put = (a: string) =>
      api.send(path('configmaps', 'versioned'), { method: 'PUT', body: { ...read, data: { a } } });
    expect((await put('2')).status).toBe(200);
    expect(await put('3')).toMatchObject({ status: 409, body: { kind: 'Status', reason: 'Conflict' } });
    expect((await api.get(path('configmaps', 'versioned'))).data).toEqual({ a: '2' });
  });

  it('are not created in a namespace that nobody made', async () => {
    const elsewhere = await api.post('/api/v1/namespaces/nobody-made-this/configmaps', { metadata: { name: 'x' } });
    expect(elsewhere).toMatchObject({ status: 404, body: { kind: 'Status', reason: 'NotFound' } });
  });

  it('change nothing on a dry run', async () => {
    expect((await api.post(`${maps}?dryRun=All`, { metadata: { name: 'dry' } })).status).toBe(201);
    expect((await api.send(path('configmaps', 'dry'))).status).toBe(404);
  });
});

describe('what is not valid is answered 422 with a Status that says which field', () => {
  it.each([
    ['a name that is none', 'configmaps', { metadata: { name: 'Not_A_Name' } }, 'metadata.name'],
    ['a budget with both bounds', budgets, budget('both', { minAvailable: 1, maxUnavailable: 1 }), 'spec'],
    ['a pod without containers', 'pods', { metadata: { name: 'empty' }, spec: { containers: [] } }, 'spec.containers'],
  ])('%s', async (_what, collection, object, field) => {
    const { status, body } = await api.post(path(collection), object);
    expect(status).toBe(422);
    expect(body).toMatchObject({ kind: 'Status', reason: 'Invalid', code: 422 });
    expect(body.details?.causes?.map(cause => cause.field)).toContain(field);
  });

  it('a selector that changes', async () => {
    await api.create(path('apps/v1 deployments'), workload(on, 'fixed', { replicas: 0 }));
    const changed = { spec: { selector: { matchLabels: { app: 'other' } } } };
    const answer = await api.patch(path('apps/v1 deployments', 'fixed'), 'merge-patch', changed);
    expect(answer).toMatchObject({ status: 422, body: { kind: 'Status', reason: 'Invalid' } });
  });
});

describe('generation and status', () => {
  it('a generation counts changes of the spec and nothing else', async () => {
    const name = 'counted';
    const at = path(budgets, name);
    const { metadata } = await api.create(path(budgets), budget(name, { minAvailable: 1 }));
    expect(metadata.generation).toBe(1);
    const generationWith = async (change: object) =>
      (await api.must(api.patch(at, 'merge-patch', change))).metadata.generation;
    expect(await generationWith({ metadata: { labels: { seen: 'yes' } } })).toBe(1);
    expect(await generationWith({ spec: { minAvailable: 2 } })).toBe(2);
    expect(await generationWith({ spec: { minAvailable: 2 } })).toBe(2);
  });

  it('the status is written through its subresource alone, and that writes nothing else', async () => {
    const node = `/api/v1/nodes/${await on.ownNode('status')}`;
    const wanted = { status: { conditions: [{ type: 'Contract', status: 'True' }] } };
    await api.must(api.patch(node, 'strategic-merge-patch', wanted));
    expect(conditionOf(await api.get(node), 'Contract')).toBeUndefined();
    const both = { ...wanted, spec: { unschedulable: true } };
    await api.must(api.patch(`${node}/status`, 'strategic-merge-patch', both));
    const read = await api.get(node);
    expect(conditionOf(read, 'Contract')).toBe('True');
    expect(read.spec.unschedulable).toBeUndefined();
  });
});
