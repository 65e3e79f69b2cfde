/** Taints: ours and nobody else's, and the one that gives a node up only when its machine is proved to be off. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChangeAnswer } from '../../src/core/change.ts';
import { FleetError } from '../../src/core/errors.ts';
import type { Operation } from '../../src/core/operation.ts';
import { custodyEntries, unaccounted } from '../support/audit.ts';
import { approve, ended, siteOf } from '../support/rollout.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';

let stack: Stack;

beforeAll(async () => {
  stack = await startStack({ addressBase: '127.58', workers: 3, speed: 60 });
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

it('leaves no write without its record', async () => {
  const client = await stack.client('requester');
  expect(unaccounted(stack.lab.effects.since(), await custodyEntries(client))).toEqual([]);
});
