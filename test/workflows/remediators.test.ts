/** Others that reboot nodes: a disruption refuses while one may act on its node, and goes on once it is paused. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ChangeAnswer } from '../../src/core/change.ts';
import { FleetError } from '../../src/core/errors.ts';
import { approve, ended, isCordoned, type Planned, reached, siteOf } from '../support/rollout.ts';
import { type Stack, startStack } from '../support/stack.ts';

const lock = 'weave.works/kured-node-lock';
const kured = { namespace: 'kube-system', name: 'kured' };
const nodes = ['bos-w-1', 'bos-w-2'] as const;

let stack: Stack;

beforeAll(async () => {
  stack = await startStack({ addressBase: '127.59', workers: 2, speed: 60 });
});
afterAll(() => stack?.close());

function clusterStore() {
  return siteOf(stack, 'bos-w-1').cluster.store;
}

function installKured(): void {
  const labels = { name: 'kured' };
  clusterStore().create('daemonsets', {
    metadata: kured,
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'kured', image: 'kured' }] } },
    },
    status: {},
  });
}

function pauseKured(): void {
  clusterStore().update('daemonsets', kured, draft => {
    draft.metadata.annotations = { [lock]: JSON.stringify({ nodeID: 'manual' }) };
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
  installKured();
  const { state, nodes: parts } = await ended(stack, await approve(stack, planned));
  expect([state, parts[0]?.message]).toEqual(['halted', expect.stringContaining('kured')]);
  expect([reached(stack, node), isCordoned(stack, node)]).toEqual([[], false]);
});

it('refuse the plan, naming the command that pauses them; paused, they do not', async () => {
  const [, node] = nodes;
  expect(await refused(planDrain(node))).toMatch(/kured.*kubectl .*annotate .*kured-node-lock/);
  pauseKured();
  expect((await ended(stack, await approve(stack, await planDrain(node)))).state).toBe('done');
});
