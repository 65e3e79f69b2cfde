import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PdbFacts } from '../../../src/core/cluster-facts.ts';
import { conditionOf, contractCluster, given, holdFinalizer, until } from '../../support/contract-cluster.ts';
import {
  budget,
  budgets,
  counted,
  handPod,
  isReady,
  podsOf,
  ready,
  setPodStatus,
  workload,
} from '../../support/contract-workloads.ts';

const on = await contractCluster('budgets');
const { api, path, cluster } = on;
let node = '';

beforeAll(async () => {
  node = await on.ownNode('host');
});
afterAll(() => on.close());

const facts = async (name: string): Promise<PdbFacts> => {
  const found = (await cluster.pdbs()).find(each => each.namespace === on.namespace && each.name === name);
  if (found === undefined) throw new Error(`the adapter does not know the budget ${name}`);
  return found;
};
const readyPods = (app: string, count: number) =>
  Promise.all(Array.from({ length: count }, (_, i) => handPod(on, { name: `${app}-${i}`, app, node })));
const workers = given(on.nodes.length > 0, 'no usable node');

type Bound = { minAvailable: number | string } | { maxUnavailable: number | string };
const neither = { minAvailable: null, maxUnavailable: null };
const ask = (name: string, bound: Bound) =>
  api.must(api.patch(path(budgets, name), 'merge-patch', { spec: { ...neither, ...bound } }));

type Counted = { bound: Bound; asks: string; desired: number; allowed: number };
async function holds(name: string, count: number, { bound, asks, desired, allowed }: Counted): Promise<void> {
  await ask(name, bound);
  const status = {
    expectedPods: count,
    currentHealthy: count,
    desiredHealthy: desired,
    disruptionsAllowed: allowed,
  };
  await counted(on, name, status);
  expect(await facts(name)).toMatchObject({ ...status, asks, observed: true });
}

describe('a budget over a Deployment of three counts', () => {
  workers(
    'pods and percentages of them, rounded up',
    async () => {
      await api.create(path('apps/v1 deployments'), workload(on, 'web', { replicas: 3 }));
      await api.create(path(budgets), budget('web', { minAvailable: 1 }));
      await ready(on, 'web', 3);
      const cases: Counted[] = [
        { bound: { minAvailable: 2 }, asks: 'minAvailable 2', desired: 2, allowed: 1 },
        { bound: { minAvailable: 4 }, asks: 'minAvailable 4', desired: 4, allowed: 0 },
        { bound: { minAvailable: '50%' }, asks: 'minAvailable 50%', desired: 2, allowed: 1 },
        { bound: { minAvailable: '100%' }, asks: 'minAvailable 100%', desired: 3, allowed: 0 },
        { bound: { maxUnavailable: 1 }, asks: 'maxUnavailable 1', desired: 2, allowed: 1 },
        { bound: { maxUnavailable: 0 }, asks: 'maxUnavailable 0', desired: 3, allowed: 0 },
        { bound: { maxUnavailable: 5 }, asks: 'maxUnavailable 5', desired: 0, allowed: 3 },
        { bound: { maxUnavailable: '34%' }, asks: 'maxUnavailable 34%', desired: 1, allowed: 2 },
      ];
      for (const each of cases) await holds('web', 3, each);
    },
    180_000,
  );

  workers('what the Deployment wants, also while a pod is missing', async () => {
    await ask('web', { maxUnavailable: 1 });
    const [pod] = await ready(on, 'web', 3);
    const at = path('pods', pod?.metadata.name);
    await api.must(api.patch(at, 'merge-patch', { metadata: { finalizers: [holdFinalizer] } }));
    await api.must(api.remove(at));
    await until('another one takes its place', async () => (await podsOf(on, 'web')).filter(isReady).length === 3);
    await counted(on, 'web', { expectedPods: 3, currentHealthy: 3, disruptionsAllowed: 1 });
    await api.must(api.patch(path('apps/v1 deployments', 'web'), 'merge-patch', { spec: { replicas: 2 } }));
    await counted(on, 'web', { expectedPods: 2, desiredHealthy: 1, currentHealthy: 2, disruptionsAllowed: 1 });
  });
});

describe('a budget over a StatefulSet of two counts', () => {
  workers('the same', async () => {
    await api.create(path('apps/v1 statefulsets'), workload(on, 'db', { replicas: 2 }));
    await api.create(path(budgets), budget('db', { minAvailable: 1 }));
    await ready(on, 'db', 2);
    const cases: Counted[] = [
      { bound: { maxUnavailable: 1 }, asks: 'maxUnavailable 1', desired: 1, allowed: 1 },
      { bound: { minAvailable: '51%' }, asks: 'minAvailable 51%', desired: 2, allowed: 0 },
      { bound: { maxUnavailable: '50%' }, asks: 'maxUnavailable 50%', desired: 1, allowed: 1 },
    ];
    for (const each of cases) await holds('db', 2, each);
  });
});

describe('a budget over pods that nobody controls', () => {
  it('counts them where it asks for a number that stays', async () => {
    await api.create(path(budgets), budget('bare', { minAvailable: 1 }));
    await readyPods('bare', 3);
    await counted(on, 'bare', { expectedPods: 3, currentHealthy: 3, desiredHealthy: 1, disruptionsAllowed: 2 });
  });

  it('allows nothing where it would need to know how many there should be', async () => {
    await ask('bare', { maxUnavailable: 1 });
    await counted(on, 'bare', { expectedPods: 0, disruptionsAllowed: 0 });
    expect(await facts('bare')).toMatchObject({ asks: 'maxUnavailable 1', disruptionsAllowed: 0 });
  });
});

describe('the status of a budget', () => {
  it('leaves out what is not Ready or on its way out, and says since when nothing is allowed', async () => {
    await api.create(path(budgets), budget('state', { minAvailable: 2 }));
    await readyPods('state', 4);
    const before = await counted(on, 'state', { currentHealthy: 4, disruptionsAllowed: 2 });
    expect(conditionOf(before, 'DisruptionAllowed')).toBe('True');
    expect(await facts('state')).not.toHaveProperty('blockedSince');
    await setPodStatus(on, 'state-0', { isReady: false });
    await counted(on, 'state', { expectedPods: 4, currentHealthy: 3, disruptionsAllowed: 1 });
    await api.must(api.remove(path('pods', 'state-1')));
    const after = await counted(on, 'state', { currentHealthy: 2, disruptionsAllowed: 0 });
    expect(conditionOf(after, 'DisruptionAllowed')).toBe('False');
    const { blockedSince } = await facts('state');
    expect(Date.parse(blockedSince ?? '')).toBeLessThanOrEqual(Date.now() + 60_000);
  });

  it('follows only pods of the selector and of the namespace', async () => {
    await api.create(path(budgets), {
      metadata: { name: 'chosen' },
      spec: {
        minAvailable: 1,
        selector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['chosen', 'also'] }] },
      },
    });
    for (const app of ['chosen', 'also', 'never']) await handPod(on, { name: app, app, node });
    await counted(on, 'chosen', { expectedPods: 2, currentHealthy: 2, disruptionsAllowed: 1 });
    expect((await facts('chosen')).selector).toEqual({
      matchExpressions: [{ key: 'app', operator: 'In', values: ['chosen', 'also'] }],
    });
  });
});

describe('a budget', () => {
  it('whose selector is empty covers its whole namespace', async () => {
    const { metadata } = await on.ownObject('/api/v1/namespaces', { metadata: { name: 'whole' } });
    const pdbs = `/apis/policy/v1/namespaces/${metadata.name}/poddisruptionbudgets`;
    await api.create(pdbs, { metadata: { name: 'all' }, spec: { minAvailable: 1, selector: {} } });
    const pods = `/api/v1/namespaces/${metadata.name}/pods`;
    const { status } = await api.post(`/api/v1/namespaces/${metadata.name}/serviceaccounts`, {
      metadata: { name: 'default' },
    });
    expect([201, 409]).toContain(status);
    const spec = {
      nodeName: node,
      containers: [{ name: 'main', image: on.image }],
      automountServiceAccountToken: false,
    };
    await api.create(pods, { metadata: { name: 'any' }, spec });
    await until('it counts the pod', async () => (await api.get(`${pdbs}/all`)).status?.expectedPods === 1);
    const all = await cluster.pdbs();
    expect(all.find(each => each.namespace === metadata.name)?.selector).toEqual({});
    await api.must(api.remove(`${pods}/any`, { gracePeriodSeconds: 0 }));
  });

  it('without a selector covers nothing, and the adapter leaves it out', async () => {
    await api.create(path(budgets), { metadata: { name: 'nothing' }, spec: { minAvailable: 1 } });
    await counted(on, 'nothing', { expectedPods: 0, disruptionsAllowed: 0 });
    const names = (await cluster.pdbs()).filter(({ namespace }) => namespace === on.namespace).map(({ name }) => name);
    expect(names).toContain('bare');
    expect(names).not.toContain('nothing');
  });

  it.each([
    ['the package it came with', { annotations: { 'meta.helm.sh/release-name': 'shop' } }, 'Helm release shop'],
    ['the tool that applies it', { labels: { 'app.kubernetes.io/managed-by': 'flux' } }, 'flux'],
    ['nobody', {}, undefined],
  ])('is told with who looks after it: %s', async (_, metadata, owner) => {
    const name = `of-${(owner ?? 'nobody').toLowerCase().replaceAll(' ', '-')}`;
    await api.create(path(budgets), { metadata: { name, ...metadata }, spec: { minAvailable: 1, selector: {} } });
    expect((await facts(name)).owner).toBe(owner);
    await api.must(api.remove(path(budgets, name)));
  });

  it('is told with the object that made it', async () => {
    const maker = await api.create(path('configmaps'), { metadata: { name: 'maker' } });
    const reference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'maker', uid: maker.metadata.uid };
    const metadata = { name: 'made', ownerReferences: [reference] };
    await api.create(path(budgets), { metadata, spec: { minAvailable: 1, selector: {} } });
    expect((await facts('made')).owner).toBe('ConfigMap maker');
  });
});
