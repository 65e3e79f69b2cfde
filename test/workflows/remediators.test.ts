/** Others that reboot nodes: a disruption refuses while one may act on its node, and goes on once it is paused. And ourselves. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { ownBootId } from '../../src/adapters/postgres/host-store.ts';
import type { ChangeAnswer } from '../../src/core/change.ts';
import { FleetError } from '../../src/core/errors.ts';
import type { LabNode } from '../../src/lab/lab.ts';
import { changes, custodyEntries, unaccounted } from '../support/audit.ts';
import {
  approve,
  blockedDrain,
  ended,
  isCordoned,
  type Planned,
  pinned,
  planFlash,
  reached,
  reconfigure,
  siteOf,
} from '../support/rollout.ts';
import { type Stack, startStack } from '../support/stack.ts';

const lock = 'weave.works/kured-node-lock';
const kured = { namespace: 'kube-system', name: 'kured' };
const nodes = ['bos-w-1', 'bos-w-2'] as const;

let stack: Stack;

beforeAll(async () => {
  stack = await startStack({ addressBase: '127.59', sites: 3, workers: 3, speed: 60 });
});
afterAll(() => stack?.close());

function clusterStore(node: string) {
  return siteOf(stack, node).cluster.store;
}

function installKured(node: string): void {
  const labels = { name: 'kured' };
  clusterStore(node).create('daemonsets', {
    metadata: kured,
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'kured', image: 'kured' }] } },
    },
    status: {},
  });
}

function pauseKured(node: string, paused = true): void {
  clusterStore(node).update('daemonsets', kured, draft => {
    draft.metadata.annotations = paused ? { [lock]: JSON.stringify({ nodeID: 'manual' }) } : {};
  });
}

async function planDrain(node: string): Promise<Planned> {
  const asker = await stack.client('requester');
  const input = { node, deleteEmptyDir: true, dryRun: true };
  return (await asker.callTool('drainNode', input)).output as unknown as ChangeAnswer;
}

async function refused(work: Promise<unknown>): Promise<string> {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  return FleetError.from(thrown).message;
}

it('that appear after the approval leave the node as it was', async () => {
  const [node] = nodes;
  const planned = await planDrain(node);
  installKured(node);
  const { state, nodes: parts } = await ended(stack, await approve(stack, planned));
  expect([state, parts[0]?.message]).toEqual(['halted', expect.stringContaining('kured')]);
  expect([reached(stack, node), isCordoned(stack, node)]).toEqual([[], false]);
});

it('refuse the plan, naming the command that pauses them; paused, they do not', async () => {
  const [, node] = nodes;
  expect(await refused(planDrain(node))).toMatch(/kured.*kubectl .*annotate .*kured-node-lock/);
  pauseKured(node);
  expect((await ended(stack, await approve(stack, await planDrain(node)))).state).toBe('done');
});

it('a node that has come to carry Groundskeeper itself is left as it was, and is planned for no more', async () => {
  const node = 'bos-w-3';
  const planned = await planDrain(node);
  clusterStore(node).update('nodes', { name: node }, draft => {
    if (draft.status.nodeInfo) draft.status.nodeInfo.bootID = ownBootId() ?? '';
  });
  const { state, reason } = await ended(stack, await approve(stack, planned));
  expect([state, reason]).toEqual(['halted', expect.stringContaining('Groundskeeper itself runs on it')]);
  expect([reached(stack, node), isCordoned(stack, node)]).toEqual([[], false]);
  expect(await refused(planDrain(node))).toContain('Groundskeeper itself runs on it');
});

it.each([
  ['off', 'chi-w-1'],
  ['restart', 'sea-w-1'],
])('that begin to act while the node is drained keep its power as it is: %s', async (power, some) => {
  installKured(some);
  pauseKured(some);
  const { node, unpin } = await pinned(siteOf(stack, some));
  const asker = await stack.client('requester');
  const input = { node, power, deleteEmptyDir: true, dryRun: true };
  const planned = (await asker.callTool('setNodePower', input)).output as unknown as ChangeAnswer;
  const operation = await approve(stack, planned);
  await blockedDrain(stack, operation);
  pauseKured(some, false);
  unpin();
  const { state, nodes: parts } = await ended(stack, operation);
  expect([state, parts[0]?.message]).toEqual(['halted', expect.stringContaining('kured')]);
  expect(reached(stack, node)).not.toContain('reset');
  expect(isCordoned(stack, node)).toBe(false);
});

describe('where the cluster says that they may be paused', () => {
  const holders = 'groundskeeper.io/paused-by';
  const place = { namespace: 'kube-system', name: 'workers' };
  const checks = 'machinehealthchecks.cluster.x-k8s.io';
  const check = '/apis/cluster.x-k8s.io/v1beta2/namespaces/kube-system/machinehealthchecks/workers';
  const paused = 'cluster.x-k8s.io/paused';

  beforeAll(async () => {
    const store = clusterStore('sea-w-1');
    if (store.get('daemonsets', kured)) store.remove('daemonsets', kured);
    for (const document of parseAllDocuments(readFileSync('deploy/kubernetes/pause-remediators.yaml', 'utf8'))) {
      const { kind, ...object } = document.toJS();
      store.create(`${kind.toLowerCase()}s`, object);
    }
    for (const [plural, kind] of [
      ['machines', 'Machine'],
      ['machinehealthchecks', 'MachineHealthCheck'],
    ])
      store.create('customresourcedefinitions', {
        metadata: { name: `${plural}.cluster.x-k8s.io` },
        spec: {
          group: 'cluster.x-k8s.io',
          scope: 'Namespaced',
          names: { plural, kind },
          versions: [{ name: 'v1beta2', served: true, storage: true }],
        },
      } as never);
    store.create('machines.cluster.x-k8s.io', { metadata: place, status: { nodeRef: { name: 'sea-w-2' } } } as never);
    store.create(checks, { metadata: place, spec: { selector: {} } } as never);
    await setRemediators('pause');
  });

  function setRemediators(remediators: 'pause' | 'refuse'): Promise<void> {
    return reconfigure(stack, ({ sites }) => {
      for (const cluster of sites.flatMap(site => site.clusters)) Object.assign(cluster, { remediators });
    });
  }

  /** A machine whose task is all that tells of its update. */
  function unseen(): LabNode {
    const found = siteOf(stack, 'sea-w-1').nodes.find(({ role, vendor }) => role === 'worker' && vendor === 'openbmc');
    if (!found) throw new Error('the site has such a machine');
    return found;
  }

  /** Which node the one machine is that the check looks at. */
  function isNode(name: string): void {
    clusterStore('sea-w-1').update('machines.cluster.x-k8s.io', place, draft => {
      Object.assign(draft, { status: { nodeRef: { name } } });
    });
  }

  const marks = () => clusterStore('sea-w-2').get(checks, place)?.metadata.annotations ?? {};

  /** What reached the check and the node, in the order in which it did. */
  function order(node: string, since: number): string[] {
    return changes(stack.lab.effects.since(since)).flatMap(({ path, body, status }) => {
      if (status >= 300) return [];
      const text = JSON.stringify(body);
      if (path === check) return [text.includes(`"${paused}":null`) ? 'resume' : 'pause'];
      if (path.endsWith('/eviction')) return ['evict'];
      if (path !== `/api/v1/nodes/${node}` || !text.includes('"unschedulable"')) return [];
      return text.includes('"unschedulable":true') ? ['cordon'] : ['uncordon'];
    });
  }

  it('they are paused before the node is touched, and given back after it', async () => {
    const node = 'sea-w-2';
    const since = stack.lab.effects.since().length;
    const planned = await planDrain(node);
    expect(planned).toMatchObject({
      warnings: expect.arrayContaining([`paused while ${node} is worked on: MachineHealthCheck kube-system/workers`]),
    });
    const { state, reason } = await ended(stack, await approve(stack, planned));
    expect([state, reason]).toEqual(['done', 'every node is done']);
    expect([...new Set(order(node, since))]).toEqual(['pause', 'cordon', 'evict', 'resume']);
    expect(marks()).toEqual({});
    const entries = await custodyEntries(await stack.client('requester'));
    expect(unaccounted(stack.lab.effects.since(since), entries)).toEqual([]);
  });

  it('they are given back too when it is killed and cancelled, and not before', async () => {
    const { node, unpin } = await pinned(siteOf(stack, 'sea-w-1'));
    isNode(node);
    const since = stack.lab.effects.since().length;
    const operation = await approve(stack, await planDrain(node));
    await blockedDrain(stack, operation);
    expect(marks()).toEqual({ [paused]: holders, [holders]: `${operation}/${node}` });
    await stack.kill();
    await stack.start();
    const asker = await stack.client('requester');
    await asker.callTool('cancelOperation', { operation });
    expect((await ended(stack, operation)).state).toBe('cancelled');
    unpin();
    const steps = order(node, since).filter(step => step !== 'evict');
    expect(steps).toEqual(['pause', 'cordon', 'uncordon', 'resume']);
    expect(marks()).toEqual({});
  });

  it('what appears after the approval is not paused, and refuses as ever', async () => {
    const node = 'sea-w-3';
    isNode('elsewhere');
    const planned = await planDrain(node);
    isNode(node);
    const since = stack.lab.effects.since().length;
    const { state, nodes: parts } = await ended(stack, await approve(stack, planned));
    expect([state, parts[0]?.message]).toEqual(['halted', expect.stringContaining('MachineHealthCheck')]);
    expect(order(node, since)).toEqual([]);
  });

  it('they stay paused where nobody knows what became of the update, until a person uncordons the node', async () => {
    const { name: node, server } = unseen();
    isNode(node);
    expect(isCordoned(stack, node)).toBe(true); // by an earlier drain, whose operation had pauses of its own
    server.faults.set({ kind: 'task-purge' });
    server.faults.set({ kind: 'update-stalls', stage: 'flash' });
    const since = stack.lab.effects.since().length;
    const operation = await approve(stack, await planFlash(stack, node));
    const [part] = (await ended(stack, operation)).nodes;
    expect(part).toMatchObject({ state: 'ambiguous', message: expect.stringContaining('until it is uncordoned') });
    expect(marks()).toEqual({ [paused]: holders, [holders]: `${operation}/${node}` });
    server.faults.clear('update-stalls');
    const asker = await stack.client('requester');
    const given = (await asker.callTool('uncordonNode', { node })).output as unknown as ChangeAnswer;
    expect((await ended(stack, given.operation ?? '')).state).toBe('done');
    expect(order(node, since)).toEqual(['pause', 'uncordon', 'resume']);
    expect(marks()).toEqual({});
  });

  it('they are not paused by a plan that was made before the configuration said no', async () => {
    const node = 'sea-w-2';
    isNode(node);
    const planned = await planDrain(node);
    expect(planned).toMatchObject({ warnings: expect.arrayContaining([expect.stringContaining('paused while')]) });
    await setRemediators('refuse');
    const since = stack.lab.effects.since().length;
    const { state, nodes: parts } = await ended(stack, await approve(stack, planned));
    expect([state, parts[0]?.message]).toEqual([
      'halted',
      expect.stringContaining('the configuration has come to refuse'),
    ]);
    expect(order(node, since)).toEqual([]);
  });
});
