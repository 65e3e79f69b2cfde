/** Others that reboot nodes: a disruption refuses while one may act on its node, and goes on once it is paused. And ourselves. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ownBootId } from '../../src/adapters/postgres/host-store.ts';
import type { ChangeAnswer } from '../../src/core/change.ts';
import { FleetError } from '../../src/core/errors.ts';
import { approve, blockedDrain, ended, isCordoned, type Planned, pinned, reached, siteOf } from '../support/rollout.ts';
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
