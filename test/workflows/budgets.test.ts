/** Two nodes that share a disruption budget or a rack are not down at once, whether of one wave or of two operations. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ChangeAnswer } from '../../src/core/change.ts';
import type { Plan } from '../../src/core/plan.ts';
import { isHandOver } from '../support/audit.ts';
import { approve, blockedDrain, ended, isCordoned, reached, reconfigure } from '../support/rollout.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';

let stack: Stack;

beforeAll(async () => {
  // Three a rack: two of one rack may go, and a third still takes pods there.
  stack = await startStack({ addressBase: '127.57', workers: 6 });
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
    if (isHandOver(path)) return [`flash ${name}`];
    const node = names.find(each => path === `/api/v1/nodes/${each}`);
    return node && JSON.stringify(body).includes('"unschedulable":false') ? [`uncordon ${node}`] : [];
  });
  const [first = ''] = order.map(step => step.replace('flash ', ''));
  const second = names.find(name => name !== first);
  expect(order).toEqual([`flash ${first}`, `uncordon ${first}`, `flash ${second}`, `uncordon ${second}`]);
});

it('one that is cancelled while it waits for its turn gives its cordon back, and no pod of it was asked for; one of the same rack does not even begin', async () => {
  const [site] = stack.lab.sites;
  if (!site) throw new Error('the lab has no site');
  const { store } = site.cluster;
  store.remove('poddisruptionbudgets', { namespace: 'shop', name: 'late' });
  const extra = { namespace: 'shop', name: 'extra' };
  const zoneOf = (name: string) => site.nodes.find(node => node.name === name)?.zone;
  const [one = '', other = ''] = await eventually('the web pods to run in two racks', async () => {
    const web = store.list('pods', 'shop').filter(({ metadata }) => metadata.labels?.app === 'web');
    const [host = '', ...hosts] = web.flatMap(({ spec }) => spec.nodeName ?? []);
    const far = hosts.find(name => zoneOf(name) !== zoneOf(host));
    return far ? [host, far] : undefined;
  });
  const near = site.nodes.find(({ name, role, zone }) => role === 'worker' && name !== one && zone === zoneOf(one));
  const client = await stack.client('requester');
  const plans = new Map<string, ChangeAnswer>();
  for (const node of [one, other, near?.name ?? '']) {
    const { output } = await client.callTool('drainNode', { node, deleteEmptyDir: true, dryRun: true });
    plans.set(node, output as unknown as ChangeAnswer);
  }
  const drain = (node: string) => approve(stack, plans.get(node) as ChangeAnswer);
  store.create('poddisruptionbudgets', {
    metadata: extra,
    spec: { minAvailable: 3, selector: { matchLabels: { app: 'web' } } },
    status: {},
  });
  store.create('pods', {
    metadata: { ...extra, labels: { app: 'web' } },
    spec: { containers: [{ name: 'c', image: 'i' }], nodeSelector: { 'groundskeeper.test/nowhere': 'yes' } },
    status: { phase: 'Pending' },
  });
  await eventually('the web pods to be counted', async () => {
    const { currentHealthy, expectedPods } = store.get('poddisruptionbudgets', extra)?.status ?? {};
    return (currentHealthy === 3 && expectedPods === 4) || undefined;
  });
  const first = await drain(one);
  await blockedDrain(stack, first);
  const before = stack.lab.effects.since().length;
  const second = await drain(other);
  await eventually('the second to wait for its turn', async () => {
    const { events } = await client.operationEvents(second, { after: 0, waitMs: 0 });
    return events.find(({ step, message }) => step === 'budgets' && message === `shop/extra is in use by ${one}`);
  });
  expect(isCordoned(stack, other)).toBe(true);
  await client.callTool('cancelOperation', { operation: second });
  const { state, nodes } = await ended(stack, second);
  expect([state, nodes[0]?.state]).toEqual(['cancelled', 'cancelled']);
  expect(isCordoned(stack, other)).toBe(false);
  const here = store.list('pods').filter(({ spec }) => spec.nodeName === other);
  const asked = stack.lab.effects.since(before).filter(({ path }) => path.endsWith('/eviction'));
  expect(asked.filter(({ path }) => here.some(({ metadata }) => path.includes(`/${metadata.name}/`)))).toEqual([]);
  expect(here.filter(({ metadata }) => metadata.deletionTimestamp)).toEqual([]);

  const third = await drain(near?.name ?? '');
  await eventually('the third to wait for its rack', async () => {
    const { operation } = await client.operationEvents(third, { after: 0, waitMs: 0 });
    return operation.nodes[0]?.message.includes(`shares its zone ${near?.zone}`) || undefined;
  });
  expect(reached(stack, near?.name ?? '')).toEqual([]);
  store.remove('pods', extra);
  store.remove('poddisruptionbudgets', extra);
  expect((await ended(stack, first)).state).toBe('done');
  expect((await ended(stack, third)).state).toBe('done');
  expect(isCordoned(stack, near?.name ?? '')).toBe(true);
});
