/** Stopping: before the machine was touched nothing of it remains, afterwards the machine is brought to its end. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Approval } from '../../src/core/approval.ts';
import {
  approve,
  blockedDrain,
  ended,
  flash,
  isCordoned,
  pinned,
  planFlash,
  planSite,
  reached,
  reconfigure,
  siteOf,
} from '../support/rollout.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';

let stack: Stack;

beforeAll(async () => {
  stack = await startStack({ addressBase: '127.53', sites: 3, workers: 3, speed: 60 });
});
afterAll(() => stack?.close());

async function cancel(operation: string): Promise<void> {
  await (await stack.client('requester')).callTool('cancelOperation', { operation });
}

/** By the one who voted for it. */
async function takeBack(operation: string): Promise<Approval> {
  const voter = await stack.client('approver');
  const approval = (await voter.approvals('approved')).find(each => each.operation === operation);
  expect(approval?.execution).toBe('executing');
  const decision = { reason: 'second thoughts', passphrase: stack.passphrase('approver') };
  return voter.decide(approval?.id ?? '', 'revoke', decision);
}

function site(index: number) {
  const found = stack.lab.sites[index];
  if (!found) throw new Error(`the lab has no site ${index}`);
  return found;
}

it('during a drain: the cordon is taken back, nothing is flashed, and nobody says drained', async () => {
  const { node, unpin } = await pinned(site(0));
  const operation = await approve(stack, await planFlash(stack, node));
  await blockedDrain(stack, operation);
  await cancel(operation);
  const { state, nodes } = await ended(stack, operation);
  expect([state, nodes[0]?.state, nodes[0]?.message]).toEqual([
    'cancelled',
    'cancelled',
    expect.not.stringContaining('pods evicted and gone'),
  ]);
  expect([reached(stack, node), isCordoned(stack, node)]).toEqual([['cordon', 'uncordon'], false]);
  unpin();
});

it('by taking the approval back after the image was handed over: that node settles, also through a kill, the next one is never touched', async () => {
  const { full, ...planned } = await planSite(stack, 'chicago');
  const [[canary = '', ...more] = [], ...later] = full.waves;
  expect([more, later.length > 0]).toEqual([[], true]);
  const operation = await approve(stack, planned);
  await eventually('the canary to be flashing', async () => reached(stack, canary).find(word => word === 'flash'));
  const { state: given, closing } = await takeBack(operation);
  expect([given, closing?.reason]).toEqual(['revoked', 'second thoughts']);
  await stack.kill();
  await stack.start();
  const { state, reason, nodes } = await ended(stack, operation);
  expect([state, reason]).toEqual(['cancelled', expect.stringContaining('took the approval back')]);
  expect(nodes.find(each => each.node === canary)?.state).toBe('done');
  expect([reached(stack, canary), isCordoned(stack, canary)]).toEqual([
    ['cordon', 'flash', 'reset', 'uncordon'],
    false,
  ]);
  for (const node of later.flat()) {
    expect(reached(stack, node)).toEqual([]);
    expect(nodes.find(each => each.node === node)?.state).toBe('skipped');
  }
});

it('leaves a node cordoned that somebody else cordoned, after an update that succeeded', async () => {
  const node = 'sea-w-1';
  const planned = await planFlash(stack, node);
  siteOf(stack, node).cluster.store.update('nodes', { name: node }, draft => {
    draft.spec.unschedulable = true;
  });
  expect((await ended(stack, await approve(stack, planned))).state).toBe('done');
  expect([reached(stack, node), isCordoned(stack, node)]).toEqual([['flash', 'reset'], true]);
  siteOf(stack, node).cluster.store.update('nodes', { name: node }, draft => {
    draft.spec.unschedulable = false;
  });
});

it('by taking the approver the right to approve, while a drain waits: no further eviction, no flash, uncordoned', async () => {
  const { node, unpin } = await pinned(site(2));
  const operation = await approve(stack, await planFlash(stack, node));
  await blockedDrain(stack, operation);
  const flashed = reached(stack, node).length;
  await reconfigure(stack, ({ people }) => {
    for (const person of people) if (person.name === stack.config.people[1].name) person.groups = ['readers'];
  });
  unpin();
  const { state, reason } = await ended(stack, operation);
  expect([state, reason]).toEqual(['halted', expect.stringContaining('1 approval from operators')]);
  expect([reached(stack, node).slice(flashed), isCordoned(stack, node)]).toEqual([['uncordon'], false]);
  await reconfigure(stack, ({ people }) => {
    for (const person of people) person.groups = ['operators'];
  });
});

it('by a budget that allows no eviction: at the end of its time the drain gives up and the node is as before', async () => {
  await reconfigure(stack, ({ rollout }) => {
    rollout.drainTimeout = '4s';
  });
  const { node, unpin } = await pinned(site(0));
  const before = reached(stack, node).length;
  const { state, nodes } = await flash(stack, node);
  expect([state, nodes[0]?.state]).toEqual(['halted', 'failed']);
  expect(nodes[0]?.message).toContain('media/single');
  expect([reached(stack, node).slice(before), isCordoned(stack, node)]).toEqual([['cordon', 'uncordon'], false]);
  unpin();
});
