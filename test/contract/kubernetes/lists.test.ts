import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contractCluster, until } from '../../support/contract-cluster.ts';
import { handPod } from '../../support/contract-workloads.ts';

const on = await contractCluster('lists');
const { api, path, cluster } = on;
const labelled = 'app=listed';
const nodes: string[] = [];

beforeAll(async () => {
  for (const name of ['one', 'two']) nodes.push(await on.ownNode(name));
  for (const name of ['a', 'b', 'c', 'd', 'e']) {
    const labels = { app: 'listed', letter: name, ...(name < 'c' ? { early: 'yes' } : {}) };
    await api.create(path('configmaps'), { metadata: { name, labels } });
  }
  for (const [index, node] of [0, 0, 1].entries()) {
    await handPod(on, { name: `pod-${index}`, app: 'listed', node: nodes[node] ?? '' });
  }
});
afterAll(() => on.close());

const query = (collection: string, parameters: Record<string, string>) =>
  `${collection}?${new URLSearchParams(parameters)}`;
const names = async (collection: string, parameters: Record<string, string>) =>
  (await api.get(query(collection, parameters))).items.map(({ metadata }) => metadata.name);

describe('lists', () => {
  it.each([
    ['letter in (a,e)', ['a', 'e']],
    ['letter notin (a,e)', ['b', 'c', 'd']],
    ['early', ['a', 'b']],
    ['!early', ['c', 'd', 'e']],
    ['letter!=c,early!=yes', ['d', 'e']],
  ])('follow the label selector %s', async (selector, wanted) => {
    expect(await names(path('configmaps'), { labelSelector: `${labelled},${selector}` })).toEqual(wanted);
  });

  it('of pods follow spec.nodeName, over all namespaces too', async () => {
    const [one = ''] = nodes;
    const here = { fieldSelector: `spec.nodeName=${one}` };
    expect(await names(path('pods'), here)).toEqual(['pod-0', 'pod-1']);
    const { items } = await api.get(query('/api/v1/pods', here));
    expect(new Set(items.map(({ spec }) => spec.nodeName))).toEqual(new Set([one]));
    const facts = (await cluster.pods(one)).filter(({ namespace }) => namespace === on.namespace);
    expect(facts.map(({ name, node }) => [name, node])).toEqual([
      ['pod-0', one],
      ['pod-1', one],
    ]);
  });

  it('are refused with 400 for a field that is not indexed', async () => {
    const answer = await api.send(query(path('pods'), { fieldSelector: 'spec.hostname=x' }));
    expect(answer).toMatchObject({ status: 400, body: { kind: 'Status', reason: 'BadRequest' } });
  });

  it('come in pages of one moment: whole, without repeats, without what came later', async () => {
    const first = await api.get(query(path('configmaps'), { labelSelector: labelled, limit: '2' }));
    expect(first.items).toHaveLength(2);
    await api.create(path('configmaps'), { metadata: { name: 'cc', labels: { app: 'listed' } } });
    const seen = first.items.map(({ metadata }) => metadata.name);
    let token = first.metadata.continue;
    while (token) {
      const page = await api.get(query(path('configmaps'), { labelSelector: labelled, limit: '2', continue: token }));
      expect(page.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
      seen.push(...page.items.map(({ metadata }) => metadata.name));
      token = page.metadata.continue;
    }
    expect(seen).toEqual(['a', 'b', 'c', 'd', 'e']);
    await api.must(api.remove(path('configmaps', 'cc')));
  });

  it('are refused with 400 for a continue token that is none', async () => {
    const answer = await api.send(query(path('configmaps'), { limit: '2', continue: 'nonsense' }));
    expect(answer).toMatchObject({ status: 400, body: { kind: 'Status', reason: 'BadRequest' } });
  });

  it('at a version of the future are answered 504 with its cause', async () => {
    const { metadata } = await api.get(path('configmaps'));
    const resourceVersion = String(Number(metadata.resourceVersion) + 1_000_000);
    const answer = await api.send(query(path('configmaps'), { resourceVersion }));
    expect(answer).toMatchObject({ status: 504, body: { kind: 'Status', reason: 'Timeout', code: 504 } });
    expect(answer.body.details?.causes?.map(({ reason }) => reason)).toContain('ResourceVersionTooLarge');
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  });

  it('at version 0 are answered with what some moment knew, and a version to watch from', async () => {
    const found = await until('the list at version 0 has caught up', async () => {
      const list = await api.get(query(path('configmaps'), { labelSelector: labelled, resourceVersion: '0' }));
      return list.items.length === 5 && list;
    });
    expect(found.metadata.resourceVersion).toMatch(/^[1-9]\d*$/);
  });

  it('say their kind, and are lists even when they are empty', async () => {
    const { kind, items } = await api.get(query(path('configmaps'), { labelSelector: 'app=nobody' }));
    expect(kind).toBe('ConfigMapList');
    expect(items).toEqual([]);
  });
});
