/** One node's failure stops the others of its wave wherever stopping is safe. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Plan } from '../../src/core/plan.ts';
import { approve, blockedDrain, ended, isCordoned, pinned, reached, reconfigure } from '../support/rollout.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';

let stack: Stack;

beforeAll(async () => {
  stack = await startStack({ addressBase: '127.56' });
});
afterAll(() => stack?.close());

it('a node that drains beside one that failed takes its cordon back and is not flashed', async () => {
  const [site] = stack.lab.sites;
  if (!site) throw new Error('the lab has no site');
  const { store } = site.cluster;
  for (const { metadata } of store.list('poddisruptionbudgets'))
    store.remove('poddisruptionbudgets', { namespace: metadata.namespace, name: metadata.name });
  await reconfigure(stack, document => Object.assign(document.rollout, { canary: 2 }));
  const { node: waiting } = await pinned(site);
  const mate = site.nodes.find(node => node.role === 'worker' && node.zone !== stack.lab.node(waiting).zone);
  if (!mate) throw new Error('no worker in the other rack');
  mate.server.faults.set({ kind: 'reject-update' });

  const asker = await stack.client('requester');
  const { output } = await asker.callTool('planFirmwareRollout', {
    site: site.name,
    nodes: [waiting, mate.name],
    deleteEmptyDir: true,
  });
  const { plan, digest } = output as unknown as { plan: Plan; digest: string };
  expect(plan.waves.map(wave => [...wave].sort())).toEqual([[waiting, mate.name].sort()]);
  const id = await approve(stack, { plan: plan.id, digest });
  await blockedDrain(stack, id);
  await eventually('the other node to be refused', async () =>
    reached(stack, mate.name).find(word => word === 'flash'),
  );

  const operation = await ended(stack, id);
  expect([operation.state, operation.reason]).toEqual(['halted', expect.stringContaining(mate.name)]);
  const states = Object.fromEntries(operation.nodes.map(({ node, state, message }) => [node, [state, message]]));
  expect(states[mate.name]?.[0]).toBe('failed');
  expect(states[waiting]).toEqual(['cancelled', expect.stringContaining(`${mate.name} is failed`)]);
  expect([reached(stack, waiting), isCordoned(stack, waiting)]).toEqual([['cordon', 'uncordon'], false]);
});
