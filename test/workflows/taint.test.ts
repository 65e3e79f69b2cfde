/** Taints: ours and nobody else's, and the one that gives a node up only when its machine is proved to be off. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ownBootId } from '../../src/adapters/postgres/host-store.ts';
import type { ChangeAnswer } from '../../src/core/change.ts';
import { FleetError } from '../../src/core/errors.ts';
import type { Operation } from '../../src/core/operation.ts';
import { custodyEntries, unaccounted } from '../support/audit.ts';
import { approve, blockedDrain, ended, isCordoned, reconfigure, siteOf } from '../support/rollout.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';

let stack: Stack;

beforeAll(async () => {
  stack = await startStack({ addressBase: '127.58', workers: 6, speed: 60 });
});
afterAll(() => stack?.close());

const node = 'bos-w-1';
const outOfService = { node: 'bos-w-3', key: 'node.kubernetes.io/out-of-service', effect: 'NoExecute' };

async function plan(input: Record<string, unknown>): Promise<ChangeAnswer> {
  const asker = await stack.client('requester');
  return (await asker.callTool('taintNode', { ...input, dryRun: true })).output as unknown as ChangeAnswer;
}

async function taint(input: Record<string, unknown>): Promise<Operation> {
  return ended(stack, await approve(stack, await plan(input)));
}

function seen(name: string) {
  const found = siteOf(stack, name).cluster.store.get('nodes', { name });
  const taints = (found?.spec.taints ?? []).map(({ key, value = '', effect }) => `${key}=${value}:${effect}`);
  return { taints, annotations: found?.metadata.annotations ?? {} };
}

describe('a taint', () => {
  const ours = { node, key: 'example.com/suspect', value: 'dimm', effect: 'NoSchedule' };

  it('is added, marked as ours beside those that are there, and taken back', async () => {
    const added = await taint(ours);
    expect(added.state).toBe('done');
    expect(seen(node).taints).toContain('example.com/suspect=dimm:NoSchedule');
    expect(seen(node).annotations['groundskeeper.io/tainted-by']).toContain(added.id);
    expect((await taint({ ...ours, remove: true })).state).toBe('done');
    expect(seen(node).taints).toEqual([]);
    expect(seen(node).annotations).not.toHaveProperty('groundskeeper.io/tainted-by');
  });

  it('of somebody else is neither replaced nor removed', async () => {
    const { store } = siteOf(stack, node).cluster;
    store.update('nodes', { name: node }, draft => {
      draft.spec.taints = [{ key: ours.key, value: 'theirs', effect: ours.effect }];
    });
    for (const remove of [false, true]) {
      const { state, nodes } = await taint({ ...ours, remove });
      expect([state, nodes[0]?.message]).toEqual(['halted', expect.stringContaining('is not ours')]);
    }
    expect(seen(node).taints).toEqual(['example.com/suspect=theirs:NoSchedule']);
  });

  it('that would delete pods without asking their budgets says so in the plan', async () => {
    const { warnings } = await plan({ node: 'bos-w-2', key: 'example.com/empty', effect: 'NoExecute' });
    expect(warnings.join()).toMatch(/NoExecute deletes \d+ pods, whatever their PodDisruptionBudgets say/);
  });

  it('that the API would not take is refused before anything is planned', async () => {
    const asker = await stack.client('requester');
    const wrong = asker.callTool('taintNode', { ...ours, key: 'not a key', dryRun: true });
    await expect(wrong.catch(thrown => FleetError.from(thrown).code)).resolves.toBe('invalid_input');
  });
});

describe('the out-of-service taint', () => {
  it('is refused while the BMC says that the machine is on', async () => {
    const { state, nodes } = await taint(outOfService);
    expect([state, nodes[0]?.message]).toEqual(['halted', expect.stringContaining('not proved to be off')]);
    expect(seen(outOfService.node).taints).toEqual([]);
  });

  it('is set once the machine is off and Kubernetes does not hear from it', async () => {
    stack.lab.node(outOfService.node).host.powerOff();
    await eventually('the node to be lost', async () =>
      seen(outOfService.node).taints.some(text => text.includes('unreachable')) ? true : undefined,
    );
    expect((await taint(outOfService)).state).toBe('done');
    expect(seen(outOfService.node).taints).toContain('node.kubernetes.io/out-of-service=:NoExecute');
  });
});

describe('a taint that makes pods go is a disruption', () => {
  const key = 'example.com/empty';
  const budgetOf = (maxUnavailable: number) =>
    reconfigure(stack, ({ sites }) => {
      for (const { budget } of sites.flatMap(({ clusters }) => clusters)) Object.assign(budget, { maxUnavailable });
    });

  beforeAll(async () => {
    const { store } = siteOf(stack, node).cluster;
    store.update('nodes', { name: node }, draft => {
      draft.spec.taints = [];
    });
    stack.lab.node(outOfService.node).host.powerOn();
    await eventually('the node to be back', async () =>
      store.get('nodes', { name: outOfService.node })?.status.conditions?.find(({ type }) => type === 'Ready')
        ?.status === 'True'
        ? true
        : undefined,
    );
    expect((await taint({ ...outOfService, remove: true })).state).toBe('done');
  });

  it('uses the budget up for as long as it is there, and is taken back whoever is away', async () => {
    await budgetOf(1);
    const { store } = siteOf(stack, node).cluster;
    expect((await taint({ node: 'bos-w-4', key, effect: 'NoExecute' })).state).toBe('done');
    const asker = await stack.client('requester');
    const drain = async () =>
      (await asker.callTool('drainNode', { node: 'bos-w-5', deleteEmptyDir: true })).output as unknown as ChangeAnswer;
    expect(await drain()).toMatchObject({ status: 'denied', reasons: [expect.stringContaining('over-budget')] });
    const cordonByHand = (unschedulable: boolean) =>
      store.update('nodes', { name: 'bos-w-6' }, draft => {
        draft.spec.unschedulable = unschedulable;
      });
    cordonByHand(true);
    expect((await taint({ node: 'bos-w-4', key, effect: 'NoExecute', remove: true })).state).toBe('done');
    cordonByHand(false);
    await eventually('there to be room', async () => ((await drain()).status === 'denied' ? undefined : true));
  });

  it('waits where another operation empties a node under a disruption budget of its pods', async () => {
    await budgetOf(2);
    const [site] = stack.lab.sites;
    if (!site) throw new Error('the lab has no site');
    const { store } = site.cluster;
    for (const { metadata } of store.list('poddisruptionbudgets'))
      store.remove('poddisruptionbudgets', { namespace: metadata.namespace, name: metadata.name });
    const zoneOf = (name: string) => site.nodes.find(each => each.name === name)?.zone;
    const [one = '', other = ''] = await eventually('the web pods to run in two racks', async () => {
      const web = store.list('pods', 'shop').filter(({ metadata }) => metadata.labels?.app === 'web');
      const [host = '', ...hosts] = web.flatMap(({ spec }) => spec.nodeName ?? []);
      const far = hosts.find(name => zoneOf(name) !== zoneOf(host));
      return far ? [host, far] : undefined;
    });
    const extra = { namespace: 'shop', name: 'extra' };
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
    const asker = await stack.client('requester');
    const input = { node: one, deleteEmptyDir: true, dryRun: true };
    const drain = (await asker.callTool('drainNode', input)).output as unknown as ChangeAnswer;
    const first = await approve(stack, drain);
    await blockedDrain(stack, first);
    const second = await approve(stack, await plan({ node: other, key, effect: 'NoExecute' }));
    await eventually('the taint to wait for its turn', async () => {
      const { events } = await asker.operationEvents(second, { after: 0, waitMs: 0 });
      return events.find(({ step, message }) => step === 'budgets' && message === `shop/extra is in use by ${one}`);
    });
    expect(seen(other).taints).toEqual([]);
    for (const operation of [second, first]) {
      await asker.callTool('cancelOperation', { operation });
      expect((await ended(stack, operation)).state).toBe('cancelled');
    }
    expect([seen(other).taints, isCordoned(stack, one)]).toEqual([[], false]);
    store.remove('pods', extra);
    store.remove('poddisruptionbudgets', extra);
  });

  it('holds the budgets of the pods that go until they run elsewhere: the next one waits for that', async () => {
    const [site] = stack.lab.sites;
    if (!site) throw new Error('the lab has no site');
    const { store } = site.cluster;
    const zoneOf = (name: string) => site.nodes.find(each => each.name === name)?.zone;
    const web = () => store.list('pods', 'shop').filter(({ metadata }) => metadata.labels?.app === 'web');
    const [one = '', other = ''] = await eventually('the web pods to run in two racks', async () => {
      const hosts = web().map(({ spec, status }) => (status.phase === 'Running' ? spec.nodeName : undefined));
      if (hosts.length < 3 || hosts.includes(undefined)) return undefined;
      const far = hosts.find(name => zoneOf(name ?? '') !== zoneOf(hosts[0] ?? ''));
      return far ? [hosts[0], far] : undefined;
    });
    const budget = { namespace: 'shop', name: 'late' };
    store.create('poddisruptionbudgets', {
      metadata: budget,
      spec: { minAvailable: web().length, selector: { matchLabels: { app: 'web' } } },
      status: {},
    });
    // A job's pod that has ended stays where it was, and nobody waits for it.
    const finished = { namespace: 'shop', name: 'finished' };
    store.create('pods', {
      metadata: finished,
      spec: { containers: [{ name: 'c', image: 'i' }], nodeName: one },
      status: { phase: 'Succeeded' },
    });
    // Of somebody else, so that nothing takes new pods and no node counts as away.
    const full = (set: boolean) => {
      for (const { name } of site.nodes)
        store.update('nodes', { name }, draft => {
          const others = (draft.spec.taints ?? []).filter(({ key: each }) => each !== 'example.com/full');
          draft.spec.taints = set ? [...others, { key: 'example.com/full', effect: 'NoSchedule' }] : others;
        });
    };
    full(true);
    const ours = (name: string) => seen(name).taints.filter(each => each.startsWith(key));
    const first = await approve(stack, await plan({ node: one, key, effect: 'NoExecute' }));
    await eventually('the first taint', async () => ours(one)[0]);
    const second = await approve(stack, await plan({ node: other, key, effect: 'NoExecute' }));
    const asker = await stack.client('requester');
    await eventually('the next one to wait for its turn', async () => {
      const { events } = await asker.operationEvents(second, { after: 0, waitMs: 0 });
      return events.find(({ message }) => message === `shop/late is in use by ${one}`);
    });
    await eventually(
      'the first pod to be gone',
      async () => !web().some(({ spec }) => spec.nodeName === one) || undefined,
    );
    expect([ours(one), ours(other)]).toEqual([[`${key}=:NoExecute`], []]);
    full(false);
    expect((await ended(stack, first)).nodes[0]?.message).toBe(`${key}:NoExecute added`);
    expect((await ended(stack, second)).state).toBe('done');
    expect(ours(other)).toEqual([`${key}=:NoExecute`]);
    expect(store.get('pods', finished)?.status.phase).toBe('Succeeded');
    store.remove('pods', finished);
    store.remove('poddisruptionbudgets', budget);
    for (const name of [one, other])
      expect((await taint({ node: name, key, effect: 'NoExecute', remove: true })).state).toBe('done');
  });

  it('does not come to a node that carries Groundskeeper itself', async () => {
    const input = { node: 'bos-w-6', key, effect: 'NoExecute' };
    const planned = await plan(input);
    siteOf(stack, node).cluster.store.update('nodes', { name: input.node }, draft => {
      if (draft.status.nodeInfo) draft.status.nodeInfo.bootID = ownBootId() ?? '';
    });
    const { state, reason } = await ended(stack, await approve(stack, planned));
    expect([state, reason]).toEqual(['halted', expect.stringContaining('Groundskeeper itself runs on it')]);
    expect(seen(input.node).taints).toEqual([]);
    const again = plan(input).catch((thrown: unknown) => FleetError.from(thrown).message);
    expect(await again).toContain('Groundskeeper itself runs on it');
  });
});

it('leaves no write without its record', async () => {
  const client = await stack.client('requester');
  expect(unaccounted(stack.lab.effects.since(), await custodyEntries(client))).toEqual([]);
});
