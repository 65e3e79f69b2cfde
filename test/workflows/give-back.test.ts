/** A cordon is taken back although the API server was away when it should have been, and only while it is still ours. */
import { CoreV1Api, KubeConfig, PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ChangeAnswer } from '../../src/core/change.ts';
import type { Operation } from '../../src/core/operation.ts';
import { custodyEntries, unaccounted } from '../support/audit.ts';
import { approve, blockedDrain, ended, isCordoned, pinned, reached, siteOf } from '../support/rollout.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';

let stack: Stack;

beforeAll(async () => {
  stack = await startStack({ addressBase: '127.60', sites: 2, workers: 2, speed: 60 });
});
afterAll(() => stack?.close());

async function begin(tool: 'drainNode' | 'uncordonNode', node: string): Promise<string> {
  const asker = await stack.client('requester');
  const options = tool === 'drainNode' ? { deleteEmptyDir: true } : {};
  const planned = (await asker.callTool(tool, { node, ...options, dryRun: true })).output as unknown as ChangeAnswer;
  if (tool === 'drainNode') return approve(stack, planned);
  const { plan, digest } = planned;
  const { operation } = (await asker.callTool('startPlan', { plan, digest })).output as unknown as ChangeAnswer;
  return operation ?? '';
}

async function run(tool: 'drainNode' | 'uncordonNode', node: string): Promise<Operation> {
  return ended(stack, await begin(tool, node));
}

/** What `kubectl cordon` and `kubectl uncordon` send. */
async function kubectl(node: string, unschedulable: boolean | null): Promise<void> {
  const config = new KubeConfig();
  config.loadFromFile(siteOf(stack, node).adminKubeconfigFile);
  await config
    .makeApiClient(CoreV1Api)
    .patchNode(
      { name: node, body: { spec: { unschedulable } }, fieldManager: 'kubectl-cordon' },
      setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch),
    );
}

function nodeObject(node: string) {
  return siteOf(stack, node).cluster.store.get('nodes', { name: node });
}

it('after a cancel that meets an API server which is away: once it is back', async () => {
  const { node, unpin } = await pinned(siteOf(stack, 'bos-w-1'));
  const operation = await begin('drainNode', node);
  await blockedDrain(stack, operation);
  const { faults } = siteOf(stack, node).cluster;
  faults.set({ kind: 'unavailable' });
  await (await stack.client('requester')).callTool('cancelOperation', { operation });
  await eventually('the cordon to be given back in vain', async () => {
    const seen = await (await stack.client('requester')).operationEvents(operation, { after: 0, waitMs: 0 });
    return seen.operation.nodes.find(({ step }) => step === 'uncordon');
  });
  faults.clear();
  const { state, nodes } = await ended(stack, operation);
  expect([state, nodes[0]?.message]).toEqual(['cancelled', expect.stringContaining('not drained')]);
  expect([reached(stack, node).at(-1), isCordoned(stack, node)]).toEqual(['uncordon', false]);
  unpin();
});

it('not when somebody uncordoned the node and somebody cordoned it again: the mark we left is no claim', async () => {
  const node = 'chi-w-1';
  expect((await run('drainNode', node)).state).toBe('done');
  await kubectl(node, null);
  await kubectl(node, true);
  const { state, nodes } = await run('uncordonNode', node);
  expect([state, nodes[0]?.message]).toEqual(['halted', expect.stringContaining('cordoned by someone else')]);
  expect(isCordoned(stack, node)).toBe(true);
});

it('and a mark that an uncordon by hand left behind is taken away, with the condition that goes with it', async () => {
  const node = 'chi-w-1';
  await kubectl(node, null);
  expect((await run('uncordonNode', node)).state).toBe('done');
  expect(nodeObject(node)?.metadata.annotations).not.toHaveProperty('groundskeeper.io/cordoned-by');
  const maintenance = nodeObject(node)?.status.conditions?.find(({ type }) => type === 'groundskeeper.io/Maintenance');
  expect(maintenance?.status).toBe('False');
});

it('leaves no write without its record', async () => {
  const client = await stack.client('requester');
  const ours = stack.lab.effects.since().filter(({ caller }) => caller.startsWith('groundskeeper'));
  expect(ours.length).toBeGreaterThan(0);
  expect(unaccounted(ours, await custodyEntries(client))).toEqual([]);
});
