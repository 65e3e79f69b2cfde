import { afterAll, describe, expect, it } from 'vitest';
import { outOfService } from '../../../src/core/cluster-marks.ts';
import { FleetError } from '../../../src/core/errors.ts';
import { contractCluster, holdFinalizer, until } from '../../support/contract-cluster.ts';
import { pod } from '../../support/contract-workloads.ts';
import { testGrant } from '../../support/grant.ts';

const on = await contractCluster('taints');
const { api, path, cluster } = on;
const out = 'contract.groundskeeper.io/out';

afterAll(() => on.close());

const isLeaving = async (name: string) => (await api.get(path('pods', name))).metadata.deletionTimestamp !== undefined;

/** Through the adapter, which writes all taints at once. */
async function addTaint(node: string, effect: string, key = out): Promise<void> {
  await until('the taint is written', async () => {
    const { resourceVersion, taints } = await cluster.node(node);
    const patch = { name: node, resourceVersion, annotations: {}, taints: [...taints, { key, effect }] };
    return cluster.patchNode(testGrant, patch).catch(thrown => {
      if (FleetError.from(thrown).code !== 'conflict') throw thrown;
      return undefined;
    });
  });
}

async function boundPod(name: string, node: string, tolerating?: { tolerationSeconds?: number }): Promise<void> {
  const tolerations = tolerating ? [{ key: out, operator: 'Exists', effect: 'NoExecute', ...tolerating }] : [];
  await api.create(path('pods'), pod(on, name, { node, finalizers: [holdFinalizer], tolerations }));
}

describe('a taint', () => {
  it('with NoSchedule leaves the pods that are there', async () => {
    const node = await on.ownNode('noschedule');
    await boundPod('sitting', node);
    await addTaint(node, 'NoSchedule');
    const facts = await cluster.node(node);
    expect(facts.taints).toContainEqual({ key: out, effect: 'NoSchedule' });
    await boundPod('mark', node);
    await addTaint(node, 'NoExecute');
    await until('NoExecute sends both away', async () => (await isLeaving('sitting')) && (await isLeaving('mark')));
  });

  it('with NoExecute sends pods away at once, or when their toleration ends, or never', async () => {
    const node = await on.ownNode('noexecute');
    await boundPod('at-once', node);
    await boundPod('soon', node, { tolerationSeconds: 3 });
    await boundPod('never', node, {});
    const { metadata } = await api.get(path('pods'));
    const watch = await api.watch(`${path('pods')}?watch=true&resourceVersion=${metadata.resourceVersion}`);
    await addTaint(node, 'NoExecute');
    await until('two are on their way out', async () => (await isLeaving('at-once')) && (await isLeaving('soon')));
    const order = watch.events
      .filter(({ object }) => object.metadata.deletionTimestamp !== undefined)
      .map(({ object }) => object.metadata.name);
    expect([...new Set(order)].filter(name => ['at-once', 'soon', 'never'].includes(name))).toEqual([
      'at-once',
      'soon',
    ]);
    expect(await isLeaving('never')).toBe(false);
    watch.stop();
  });

  it('that says out of service makes the cluster forget the pods of a node that is not Ready', async () => {
    const node = await on.ownNode('outofservice');
    const other = await on.ownNode('silent');
    const ended = async (name: string, at: string) => {
      await api.create(path('pods'), pod(on, name, { node: at }));
      await api.must(api.remove(path('pods', name)));
    };
    await ended('ending', node);
    await ended('waiting', other);
    await api.create(path('pods'), pod(on, 'running', { node }));
    expect(await isLeaving('ending')).toBe(true);
    await addTaint(node, 'NoExecute', outOfService);
    for (const name of ['ending', 'running']) {
      const isGone = async () => (await api.send(path('pods', name))).status === 404;
      await until(`${name} is forgotten, which no kubelet would end`, isGone, 120);
    }
    expect(await isLeaving('waiting')).toBe(true);
  });
});
