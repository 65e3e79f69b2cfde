/** What changes between the plan and the request that cannot be taken back is seen in time. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { FirmwareState } from '../../src/lab/bmc/profiles/profile.ts';
import { approve, blockedDrain, ended, isCordoned, pinned, planFlash, reached, siteOf } from '../support/rollout.ts';
import { type Stack, startStack } from '../support/stack.ts';

let stack: Stack;

beforeAll(async () => {
  stack = await startStack({ addressBase: '127.55', sites: 2, workers: 3, speed: 60 });
});
afterAll(() => stack?.close());

/** An operation whose drain waits until `go`. */
async function waiting(index: number) {
  const site = stack.lab.sites[index];
  if (!site) throw new Error(`the lab has no site ${index}`);
  const { node, unpin } = await pinned(site);
  const operation = await approve(stack, await planFlash(stack, node));
  await blockedDrain(stack, operation);
  const go = async () => {
    unpin();
    return ended(stack, operation);
  };
  return { node, go };
}

it('another firmware got onto the machine while it drained: it is not flashed', async () => {
  const { node, go } = await waiting(0);
  const firmware = stack.lab.node(node).server.firmware as FirmwareState;
  firmware.active = '9.9.9';
  const { state, reason } = await go();
  expect([state, reason]).toEqual(['halted', expect.stringContaining('9.9.9')]);
  expect([reached(stack, node), isCordoned(stack, node)]).toEqual([['cordon', 'uncordon'], false]);
});

it('somebody uncordoned the node while it drained: it is not flashed', async () => {
  const { node, go } = await waiting(1);
  siteOf(stack, node).cluster.store.update('nodes', { name: node }, draft => {
    draft.spec.unschedulable = false;
  });
  const { state } = await go();
  expect(state).toBe('halted');
  expect([reached(stack, node).includes('flash'), isCordoned(stack, node)]).toEqual([false, false]);
});
