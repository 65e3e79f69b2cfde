import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PodFacts } from '../../../src/core/cluster-facts.ts';
import { contractCluster, until } from '../../support/contract-cluster.ts';
import { budget, budgets, counted, handPod, setPodStatus } from '../../support/contract-workloads.ts';

const on = await contractCluster('view');
const { api, path, cluster } = on;
let node = '';

beforeAll(async () => {
  node = await on.ownNode('seen');
  await handPod(on, { name: 'before', app: 'seen', node });
});
afterAll(() => on.close());

const mine = (pods: readonly PodFacts[]) =>
  pods.filter(each => each.namespace === on.namespace).toSorted((a, b) => a.name.localeCompare(b.name));
const seen = async (name: string) => mine((await cluster.view()).pods).find(each => each.name === name);

describe('the view that the adapter holds by watching', () => {
  it('begins with all that is there', async () => {
    const view = await cluster.view();
    expect(mine(view.pods).map(({ name }) => name)).toEqual(['before']);
    expect(view.nodes.map(({ name }) => name)).toEqual(expect.arrayContaining([...on.nodes, node]));
    expect(Date.parse(view.asOf)).toBeLessThanOrEqual(Date.now() + 60_000);
  });

  it('follows a pod that comes, changes and goes', async () => {
    await handPod(on, { name: 'fleeting', app: 'seen', node });
    await until('it is Ready in the view', async () => (await seen('fleeting'))?.ready);
    await setPodStatus(on, 'fleeting', { isReady: false });
    await until('it is unready in the view', async () => (await seen('fleeting'))?.ready === false);
    await api.must(api.remove(path('pods', 'fleeting'), { gracePeriodSeconds: 0 }));
    await until('it is gone from the view', async () => (await seen('fleeting')) === undefined);
  });

  it('tells a pod from another one that got its name', async () => {
    const first = await handPod(on, { name: 'reborn', app: 'seen', node });
    await until('the first is seen', async () => (await seen('reborn'))?.uid === first.metadata.uid);
    await api.must(api.remove(path('pods', 'reborn'), { gracePeriodSeconds: 0 }));
    await until('the first is gone', async () => (await api.send(path('pods', 'reborn'))).status === 404);
    const second = await handPod(on, { name: 'reborn', app: 'seen', node });
    await until('the second is seen', async () => (await seen('reborn'))?.uid === second.metadata.uid);
  });

  it('follows nodes and budgets', async () => {
    await api.must(api.patch(`/api/v1/nodes/${node}`, 'merge-patch', { metadata: { labels: { seen: 'yes' } } }));
    await until('the label is in the view', async () =>
      (await cluster.view()).nodes.some(({ name, labels }) => name === node && labels.seen === 'yes'),
    );
    await api.create(path(budgets), budget('seen', { minAvailable: 1 }));
    await counted(on, 'seen', { currentHealthy: 2, disruptionsAllowed: 1 });
    await until('the budget is counted in the view', async () =>
      (await cluster.view()).pdbs.some(
        each => each.namespace === on.namespace && each.name === 'seen' && each.disruptionsAllowed === 1,
      ),
    );
  });

  it('says of pods what the lists say', async () => {
    const listed = mine(await cluster.pods());
    expect(listed.length).toBeGreaterThan(1);
    await until('view and list agree', async () => {
      const [view, list] = [mine((await cluster.view()).pods), mine(await cluster.pods())];
      return JSON.stringify(view.map(({ uid }) => uid)) === JSON.stringify(list.map(({ uid }) => uid));
    });
    expect(mine((await cluster.view()).pods)).toEqual(mine(await cluster.pods()));
  });
});
