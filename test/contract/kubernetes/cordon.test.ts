import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { NodePatch } from '../../../src/core/cluster.ts';
import type { NodeFacts } from '../../../src/core/cluster-facts.ts';
import { cordonOwner, fieldManager } from '../../../src/core/cluster-marks.ts';
import { FleetError } from '../../../src/core/errors.ts';
import type { Kube } from '../../support/contract-api.ts';
import { conditionOf, contractCluster, given, until } from '../../support/contract-cluster.ts';
import { isReady, pod, podsOf, ready, workload } from '../../support/contract-workloads.ts';
import { testGrant } from '../../support/grant.ts';

const on = await contractCluster('cordon');
const { api, path, cluster } = on;
const [node = ''] = on.nodes;
const taint = 'node.kubernetes.io/unschedulable';

afterAll(() => on.close());
afterEach(async () => {
  if (node !== '') await change({ unschedulable: false, annotations: { [cordonOwner]: null } });
});

/** Through the adapter, over whatever version the node has by then: its kubelet writes too. */
function change(patch: Omit<NodePatch, 'name' | 'resourceVersion'>): Promise<NodeFacts> {
  on.willTouch(node);
  return until('the node is patched', async () => {
    const { resourceVersion } = await cluster.node(node);
    return cluster.patchNode(testGrant, { name: node, resourceVersion, ...patch }).catch(thrown => {
      if (FleetError.from(thrown).code !== 'conflict') throw thrown;
      return undefined;
    });
  });
}
type ManagedFields = { manager: string; operation: string; fieldsV1: Record<string, Record<string, object>> };
const cordon = () => change({ unschedulable: true, annotations: { [cordonOwner]: on.namespace } });
const tainted = async () => (await cluster.node(node)).taints.some(({ key }) => key === taint);
const workers = given(node !== '', 'no usable node');

describe('a cordon', () => {
  workers('is written with our annotation, and becomes a taint a moment later', async () => {
    const facts = await cordon();
    expect(facts).toMatchObject({ unschedulable: true, annotations: { [cordonOwner]: on.namespace } });
    expect((await api.get(`/api/v1/nodes/${node}`)).spec.unschedulable).toBe(true);
    await until('the taint is there', tainted);
    const taints = (await cluster.node(node)).taints.filter(({ key }) => key === taint);
    expect(taints).toEqual([{ key: taint, effect: 'NoSchedule', timeAdded: expect.any(String) }]);
  });

  workers('is known by who set it, also when somebody else sets it again', async () => {
    const setBy = async (manager: string, unschedulable: boolean | null) => {
      const body = { spec: { unschedulable } };
      await api.must(api.patch(`/api/v1/nodes/${node}?fieldManager=${manager}`, 'merge-patch', body));
      return (await cluster.node(node)).cordonManager;
    };
    expect((await cordon()).cordonManager).toBe(fieldManager);
    expect(await setBy('somebody', null)).toBeUndefined();
    expect((await cluster.node(node)).annotations).toHaveProperty(cordonOwner, on.namespace);
    expect(await setBy('somebody', true)).toBe('somebody');
    expect(await setBy('somebody', null)).toBeUndefined();
    expect((await cordon()).cordonManager).toBe(fieldManager);
  });

  workers('goes with its taint and its annotation, and leaves other annotations', async () => {
    await change({
      unschedulable: true,
      annotations: { [cordonOwner]: on.namespace, [`${on.namespace}/other`]: 'kept' },
    });
    await until('the taint is there', tainted);
    const facts = await change({ unschedulable: false, annotations: { [cordonOwner]: null } });
    expect(facts.unschedulable).toBe(false);
    expect(facts.annotations).not.toHaveProperty(cordonOwner);
    expect(facts.annotations).toHaveProperty(`${on.namespace}/other`);
    await until('the taint is gone', async () => !(await tainted()));
    await change({ annotations: { [`${on.namespace}/other`]: null } });
  });

  workers('keeps new pods away until it is taken back', async () => {
    await cordon();
    await until('the taint is there', tainted);
    await api.create(path('pods'), pod(on, 'waiting', { labels: { app: 'waiting' }, onlyOn: node }));
    const waiting = await until('the scheduler has said no', async () => {
      const found = await api.get(path('pods', 'waiting'));
      return conditionOf(found, 'PodScheduled') === 'False' && found;
    });
    expect(waiting.spec.nodeName).toBeUndefined();
    const facts = (await cluster.pods()).find(({ uid }) => uid === waiting.metadata.uid);
    expect(facts).toMatchObject({ phase: 'Pending', ready: false });
    expect(facts).not.toHaveProperty('node');
    expect(facts?.unschedulable?.message).toMatch(/nodes are available/);
    await change({ unschedulable: false, annotations: {} });
    const [placed] = (await ready(on, 'waiting', 1)) as [Kube];
    expect(placed.spec.nodeName).toBe(node);
  });

  workers('does not keep away a pod that tolerates its taint', async () => {
    await cordon();
    await until('the taint is there', tainted);
    const tolerations = [{ key: taint, operator: 'Exists', effect: 'NoSchedule' }];
    await api.create(path('pods'), pod(on, 'brave', { labels: { app: 'brave' }, onlyOn: node, tolerations }));
    const [placed] = (await ready(on, 'brave', 1)) as [Kube];
    expect(placed.spec.nodeName).toBe(node);
  });

  workers('lets the pods of DaemonSets come', async () => {
    await cordon();
    await until('the taint is there', tainted);
    await api.create(path('apps/v1 daemonsets'), workload(on, 'agent', { onlyOn: node }));
    const [agent] = (await ready(on, 'agent', 1)) as [Kube];
    expect(agent.spec.nodeName).toBe(node);
    const status = await until('the DaemonSet counts it', async () => {
      const all = await cluster.daemonSets();
      return all.find(each => each.namespace === on.namespace && each.ready === 1);
    });
    expect(status).toEqual({ namespace: on.namespace, name: 'agent', desired: 1, ready: 1 });
    await api.must(api.remove(path('pods', agent.metadata.name)));
    await until('another one comes', async () =>
      (await podsOf(on, 'agent')).some(each => each.metadata.uid !== agent.metadata.uid && isReady(each)),
    );
  });

  given(on.nodes.length > 1, 'fewer than two usable nodes')(
    'and evictions move our pods to other nodes, and none comes back',
    async () => {
      await api.create(path('apps/v1 deployments'), workload(on, 'moving', { replicas: 4 }));
      await ready(on, 'moving', 4);
      await cordon();
      const here = (await cluster.pods(node)).filter(
        each => each.namespace === on.namespace && each.labels.app === 'moving',
      );
      for (const each of here) expect(await cluster.evict(testGrant, each)).toEqual({ outcome: 'accepted' });
      const moved = await ready(on, 'moving', 4);
      expect(moved.filter(({ spec }) => spec.nodeName === node)).toEqual([]);
      const left = (await cluster.pods(node)).filter(each => each.labels.app === 'moving');
      expect(left.filter(each => each.namespace === on.namespace)).toEqual([]);
    },
  );

  describe('is known by whoever wrote it, as uncordoning has to know', () => {
    const at = `/api/v1/nodes/${node}`;
    const by = async () => (await cluster.node(node)).cordonManager;
    /** As another program than the product, with a name of its own in the User-Agent. */
    const write = (body: object) => {
      on.willTouch(node);
      return api.must(api.patch(at, 'merge-patch', body));
    };

    workers('under the first part of its User-Agent, among the managed fields of the spec', async () => {
      await cordon();
      expect(await by()).toBe(fieldManager);
      const { metadata } = await api.get(at);
      const { managedFields } = metadata as unknown as { managedFields: ManagedFields[] };
      const owners = managedFields.filter(({ fieldsV1 }) => fieldsV1['f:spec']?.['f:unschedulable'] !== undefined);
      expect(owners).toEqual([expect.objectContaining({ manager: fieldManager, operation: 'Update' })]);
    });

    workers('and stays theirs when somebody else writes the same again', async () => {
      await cordon();
      await write({ spec: { unschedulable: true } });
      expect(await by()).toBe(fieldManager);
      await change({ unschedulable: false, annotations: {} });
      await write({ spec: { unschedulable: true } });
      await cordon();
      expect(await by()).toBe('contract-suite');
    });

    workers(
      "and becomes somebody else's once they took it back and set it again, whatever our annotation says",
      async () => {
        await cordon();
        await write({ spec: { unschedulable: null } });
        expect(await by()).toBeUndefined();
        await write({ spec: { unschedulable: true } });
        expect(await by()).toBe('contract-suite');
        expect((await cluster.node(node)).annotations).toMatchObject({ [cordonOwner]: on.namespace });
      },
    );

    workers('and not by a write of something else', async () => {
      await cordon();
      await write({ metadata: { annotations: { [`${on.namespace}/other`]: 'theirs' } } });
      expect(await by()).toBe(fieldManager);
      await write({ metadata: { annotations: { [`${on.namespace}/other`]: null } } });
    });
  });

  it('of a node that is not there is answered 404', async () => {
    const patch = { name: `${on.namespace}-nobody`, resourceVersion: '1', unschedulable: true, annotations: {} };
    await expect(cluster.patchNode(testGrant, patch)).rejects.toMatchObject({ code: 'not_found' });
  });
});
