import { afterAll, describe, expect, it } from 'vitest';
import type { Condition } from '../../../src/core/cluster-facts.ts';
import { maintenanceCondition } from '../../../src/core/cluster-marks.ts';
import { conditionOf, contractCluster, given, until } from '../../support/contract-cluster.ts';
import { testGrant } from '../../support/grant.ts';

const on = await contractCluster('nodes');
const { api, cluster } = on;
const [worker = ''] = on.nodes;
const workers = given(worker !== '', 'no usable node');

afterAll(() => on.close());

/** A node renews its lease several times before others hold it for lost. */
async function leaseIsFresh(): Promise<boolean> {
  const renewed = worker === '' ? undefined : await cluster.leaseRenewed(worker);
  return renewed !== undefined && Date.now() - Date.parse(renewed) < 40_000;
}

const leases = await leaseIsFresh();

const ofType = (conditions: Condition[], type: string) => conditions.filter(each => each.type === type);

describe('a node', () => {
  workers('is read by the adapter as the API shows it', async () => {
    const raw = await api.get(`/api/v1/nodes/${worker}`);
    const facts = await cluster.node(worker);
    const info = raw.status?.nodeInfo as Record<string, string>;
    expect(facts).toMatchObject({
      name: worker,
      uid: raw.metadata.uid,
      role: 'worker',
      ready: true,
      unschedulable: false,
      labels: raw.metadata.labels,
      systemUuid: info.systemUUID,
      bootId: info.bootID,
      kubeletVersion: info.kubeletVersion,
      createdAt: new Date(raw.metadata.creationTimestamp ?? '').toISOString(),
    });
    expect(facts.allocatable.cpu).toBeGreaterThan(0);
    expect(facts.allocatable.memory).toBeGreaterThan(0);
    expect(facts.allocatable.pods).toBeGreaterThan(0);
    expect(Date.parse(facts.readySince ?? '')).toBeLessThanOrEqual(Date.now() + 60_000);
    expect((await cluster.nodes()).map(({ name }) => name)).toEqual(expect.arrayContaining(on.nodes));
  });

  it('that is not there is not_found', async () => {
    await expect(cluster.node(`${on.namespace}-nobody`)).rejects.toMatchObject({ code: 'not_found' });
  });

  it('that was deleted and made again has another uid', async () => {
    const name = await on.ownNode('again');
    const { uid } = await cluster.node(name);
    const raw = await api.get(`/api/v1/nodes/${name}`);
    await api.must(api.remove(`/api/v1/nodes/${name}`, { preconditions: { uid } }));
    await until('the node is gone', () =>
      cluster.node(name).then(
        () => false,
        () => true,
      ),
    );
    const { labels } = raw.metadata;
    await api.create('/api/v1/nodes', { metadata: { name, labels }, spec: {} });
    expect((await cluster.node(name)).uid).not.toBe(uid);
  });
});

describe('a lease', () => {
  it('is not there for a node without a kubelet', async () => {
    expect(await cluster.leaseRenewed(`${on.namespace}-nobody`)).toBeUndefined();
  });

  given(leases, 'the kubelets of this cluster renew no leases')('is renewed while its kubelet runs', async () => {
    const first = (await cluster.leaseRenewed(worker)) ?? '';
    await until('the lease advances', async () => ((await cluster.leaseRenewed(worker)) ?? '') > first);
  });
});

describe('a condition that we set', () => {
  const change = { type: maintenanceCondition, reason: 'Contract', message: 'held against the contract' };

  it('stands beside those of others, once', async () => {
    const name = await on.ownNode('conditions');
    // Of others than the kubelet: without one, the control plane soon writes those itself.
    const others = ['KernelDeadlock', 'ReadonlyFilesystem'];
    const conditions = others.map(type => ({ type, status: 'False', reason: 'ByHand' }));
    const status = `/api/v1/nodes/${name}/status`;
    await api.must(api.patch(status, 'strategic-merge-patch', { status: { conditions } }));
    await cluster.setNodeCondition(testGrant, name, { ...change, status: 'True' });
    await cluster.setNodeCondition(testGrant, name, { ...change, status: 'False' });
    const { conditions: found, ready } = await cluster.node(name);
    expect(ofType(found, maintenanceCondition)).toEqual([
      expect.objectContaining({ status: 'False', reason: 'Contract', message: 'held against the contract' }),
    ]);
    for (const type of others) expect(ofType(found, type)).toMatchObject([{ status: 'False', reason: 'ByHand' }]);
    expect(ready).toBe(false);
  });

  it('keeps since when it has its status, however often it is written', async () => {
    const name = await on.ownNode('since');
    const since = async () => ofType((await cluster.node(name)).conditions, maintenanceCondition)[0]?.since;
    await cluster.setNodeCondition(testGrant, name, { ...change, status: 'True' });
    const first = await since();
    expect(first).toBeDefined();
    await until('a second passes', async () => Date.now() - Date.parse(first ?? '') > 1100);
    await cluster.setNodeCondition(testGrant, name, { ...change, message: 'again', status: 'True' });
    expect(await since()).toBe(first);
    await cluster.setNodeCondition(testGrant, name, { ...change, status: 'False' });
    expect(await since()).not.toBe(first);
  });

  workers('outlives the next report of the kubelet', async () => {
    const type = `${on.namespace}.contract.groundskeeper.io/Seen`;
    on.willTouch(worker);
    await cluster.setNodeCondition(testGrant, worker, { ...change, type, status: 'True' });
    const before = (await cluster.node(worker)).resourceVersion;
    const poke = { metadata: { annotations: { [`${on.namespace}/poked`]: 'yes' } } };
    await api.must(api.patch(`/api/v1/nodes/${worker}`, 'merge-patch', poke));
    const after = await api.get(`/api/v1/nodes/${worker}`);
    expect(after.metadata.resourceVersion).not.toBe(before);
    expect(conditionOf(after, type)).toBe('True');
    expect(conditionOf(after, 'Ready')).toBe('True');
    await api.must(
      api.patch(`/api/v1/nodes/${worker}/status`, 'strategic-merge-patch', {
        status: { conditions: [{ $patch: 'delete', type }] },
      }),
    );
    const annotations = { [`${on.namespace}/poked`]: null };
    await api.must(api.patch(`/api/v1/nodes/${worker}`, 'merge-patch', { metadata: { annotations } }));
    expect(conditionOf(await api.get(`/api/v1/nodes/${worker}`), type)).toBeUndefined();
  });

  it('on a node that is not there is not_found', async () => {
    const setting = cluster.setNodeCondition(testGrant, `${on.namespace}-nobody`, { ...change, status: 'True' });
    await expect(setting).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('an event that we write', () => {
  it('is found at its node, and written once under one name', async () => {
    const name = await on.ownNode('events');
    const { uid } = await cluster.node(name);
    const event = {
      name: `${on.namespace}.told`,
      node: { name, uid },
      type: 'Normal' as const,
      reason: 'MaintenanceStarted',
      message: 'held against the contract',
    };
    on.willRemove(`/api/v1/namespaces/default/events/${event.name}`);
    await cluster.createNodeEvent(testGrant, event);
    await cluster.createNodeEvent(testGrant, { ...event, message: 'told again' });
    const mine = (await cluster.nodeEvents(name)).filter(({ source }) => source === 'groundskeeper');
    expect(mine).toMatchObject([
      { type: 'Normal', reason: 'MaintenanceStarted', message: 'held against the contract', count: 1 },
    ]);
    const query = new URLSearchParams({ fieldSelector: `involvedObject.name=${name},involvedObject.uid=${uid}` });
    const { items } = await api.get(`/api/v1/namespaces/default/events?${query}`);
    expect(items.map(({ metadata }) => metadata.name)).toContain(event.name);
  });
});
