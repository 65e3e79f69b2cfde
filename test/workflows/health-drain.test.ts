/** A drain that people allowed for failing hardware, and that waits for a budget while the hardware gets well. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Client } from '../../src/surfaces/cli/client.ts';
import { blockedDrain, ended, isCordoned, pinned, siteOf } from '../support/rollout.ts';
import { heal, sicken } from '../support/sick-nodes.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';

let stack: Stack;
let client: Client;

beforeAll(async () => {
  stack = await startStack({
    addressBase: '127.125',
    controlPlanes: 1,
    workers: 3,
    sampleEvery: '200ms',
    healthCordon: { drain: true },
  });
  client = await stack.client('requester');
});
afterAll(() => stack?.close());

async function standing(node: string): Promise<string[]> {
  const { output } = await client.callTool('listFindings', { node });
  const { findings } = output as unknown as { findings: { kind: string; state: string }[] };
  return findings.flatMap(({ kind, state }) => (state === 'open' && kind !== 'firmware-drift' ? [kind] : []));
}

/** Requests to evict pods, as they reached the cluster. */
const evictions = (from: number) => stack.lab.effects.since(from).filter(({ path }) => path.endsWith('/eviction'));

it('evicts nothing more once what the node was cordoned for is over, and leaves it cordoned', async () => {
  const [site] = stack.lab.sites;
  if (!site) return expect.fail('the lab has a site');
  const { node, unpin } = await pinned(site);
  sicken(stack, node, 'drive', 'supply');
  const request = await eventually('people to be asked', async () => (await client.approvals('pending'))[0]);
  const voter = await stack.client('approver');
  const vote = { vote: 'approve', reason: 'go', passphrase: stack.passphrase('approver') } as const;
  const { operation = '' } = await voter.vote(request.id, vote);
  await blockedDrain(stack, operation);
  expect(isCordoned(stack, node)).toBe(true);

  heal(stack, node);
  // Another fault, and not what people were asked about.
  stack.lab.node(node).server.faults.set({ kind: 'inlet-rising', celsius: 24 });
  await eventually('what drive and supply showed to be over, and the warm air to be found', async () => {
    const kinds = await standing(node);
    return kinds.includes('inlet-temperature') && !kinds.some(kind => /drive|power/.test(kind)) ? true : undefined;
  });
  const { state, nodes } = await ended(stack, operation);
  const before = stack.lab.effects.since().length;
  unpin(); // only now: until then a look from before could have let the pod go
  expect([state, nodes[0]?.message]).toEqual(['cancelled', expect.stringMatching(/is over|is well/)]);
  const ofIt = evictions(0).filter(({ path }) => path.includes('/pods/single-'));
  expect(new Set(ofIt.map(({ status }) => status))).toEqual(new Set([429]));
  expect(evictions(before)).toEqual([]);
  expect(isCordoned(stack, node)).toBe(true);
  const here = siteOf(stack, node)
    .cluster.store.list('pods')
    .filter(pod => pod.spec.nodeName === node && pod.metadata.labels?.app === 'single');
  expect(here.map(({ metadata }) => metadata.deletionTimestamp)).toEqual([undefined]);
});
