/** Two nodes of one wave that have come to share a disruption budget are not down at once. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Plan } from '../../src/core/plan.ts';
import { approve, ended, reached, reconfigure } from '../support/rollout.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';

let stack: Stack;

beforeAll(async () => {
  stack = await startStack({ addressBase: '127.57' });
});
afterAll(() => stack?.close());

it('one waits, cordoned, until the other is back', async () => {
  const [site] = stack.lab.sites;
  if (!site) throw new Error('the lab has no site');
  const { store } = site.cluster;
  for (const { metadata } of store.list('poddisruptionbudgets'))
    store.remove('poddisruptionbudgets', { namespace: metadata.namespace, name: metadata.name });
  await reconfigure(stack, document => Object.assign(document.rollout, { canary: 2 }));
  const hosts = new Set(
    store.list('pods').flatMap(pod => (pod.metadata.labels?.app === 'web' ? (pod.spec.nodeName ?? []) : [])),
  );
  const one = site.nodes.find(node => hosts.has(node.name));
  const other = site.nodes.find(node => hosts.has(node.name) && node.zone !== one?.zone);
  if (!one || !other) throw new Error('the web pods are in one rack');
  const names = [one.name, other.name];
  const asker = await stack.client('requester');
  const { output } = await asker.callTool('planFirmwareRollout', {
    site: site.name,
    nodes: names,
    deleteEmptyDir: true,
  });
  const { plan, digest } = output as unknown as { plan: Plan; digest: string };
  expect(plan.waves.map(wave => [...wave].sort())).toEqual([[...names].sort()]);

  store.create('poddisruptionbudgets', {
    metadata: { namespace: 'shop', name: 'late' },
    spec: { maxUnavailable: 1, selector: { matchLabels: { app: 'web' } } },
    status: {},
  });
  await eventually('the budget to be counted', async () =>
    store.list('poddisruptionbudgets').find(pdb => pdb.status.disruptionsAllowed === 1),
  );
  const operation = await ended(stack, await approve(stack, { plan: plan.id, digest }));
  expect(operation.state).toBe('done');
  for (const name of names) expect(reached(stack, name)).toEqual(['cordon', 'flash', 'reset', 'uncordon']);
  const order = stack.lab.effects.since().flatMap(({ name, path, body }) => {
    if (path.includes('SimpleUpdate')) return [`flash ${name}`];
    const node = names.find(each => path === `/api/v1/nodes/${each}`);
    return node && JSON.stringify(body).includes('"unschedulable":false') ? [`uncordon ${node}`] : [];
  });
  const [first = ''] = order.map(step => step.replace('flash ', ''));
  const second = names.find(name => name !== first);
  expect(order).toEqual([`flash ${first}`, `uncordon ${first}`, `flash ${second}`, `uncordon ${second}`]);
});
