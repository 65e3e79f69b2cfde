/**
 * BIOS settings that somebody left on a BMC come into force with whatever starts the host next. So nothing starts it unseen: a
 * plan shows them, and they are applied only where it was told that they may be.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChangeAnswer } from '../../src/core/change.ts';
import type { Plan } from '../../src/core/plan.ts';
import { planCard } from '../../src/planning/plan-card.ts';
import { byHand } from '../support/by-hand.ts';
import { approve, ended, planFlash, reached } from '../support/rollout.ts';
import { type Stack, startStack } from '../support/stack.ts';

let stack: Stack;

/** Workers take their machines in turn, beginning with the second. */
const machines = ['hpe', 'ami', 'dell'] as const;
const nodes = { ami: 'bos-w-1', dell: 'bos-w-2', hpe: 'bos-w-3', otherAmi: 'bos-w-4', otherHpe: 'bos-w-6' };
const places = {
  hpe: ['/Systems/1/Bios/Settings', { ProcHyperthreading: 'Disabled' }],
  ami: ['/Systems/Self/Bios/SD', { SETUP006: 10 }],
  dell: ['/Systems/System.Embedded.1/Bios/Settings', { LogicalProc: 'Disabled' }],
} as const;

beforeAll(async () => {
  stack = await startStack({ addressBase: '127.169', workers: 6, machines, speed: 400 });
});
afterAll(() => stack?.close());

/** Somebody sets it on the BMC, and leaves it there. */
async function leave(machine: keyof typeof places, node: string): Promise<void> {
  const [path, attributes] = places[machine];
  const { ask, close } = await byHand(stack, node);
  await ask(path, { Attributes: attributes }, 'PATCH');
  expect(await ask(path)).toContain(JSON.stringify(attributes).slice(1, -1));
  await close();
}

async function inForce(machine: keyof typeof places, node: string): Promise<string> {
  const { ask, close } = await byHand(stack, node);
  const text = await ask(places[machine][0].replace(/\/[^/]+$/, ''));
  await close();
  return text;
}

async function plan(tool: 'setNodePower' | 'resetBmc', input: object): Promise<ChangeAnswer> {
  const asker = await stack.client('requester');
  return (await asker.callTool(tool, { ...input, dryRun: true })).output as unknown as ChangeAnswer;
}

const restart = (node: string, more = {}) =>
  plan('setNodePower', { node, power: 'restart', deleteEmptyDir: true, ...more });

async function planned({ plan: id }: ChangeAnswer): Promise<Plan> {
  const { output } = await (await stack.client('requester')).callTool('getPlan', { plan: id });
  return (output as unknown as { plan: Plan }).plan;
}

describe.each([
  ['hpe', nodes.hpe, 'ProcHyperthreading Enabled → Disabled', '"ProcHyperthreading":"Disabled"'],
  ['ami', nodes.ami, 'SETUP006 3 → 10', '"SETUP006":10'],
] as const)('settings that wait on %s', (machine, node, shown, after) => {
  it('refuse a plan to restart; one that was told so shows them, and applies them', async () => {
    await leave(machine, node);
    await expect(restart(node)).rejects.toMatchObject({
      code: 'precondition_failed',
      message: expect.stringContaining(shown),
      hint: expect.stringContaining('--apply-waiting'),
    });
    const answer = await restart(node, { applyWaiting: true });
    const full = await planned(answer);
    expect(JSON.stringify(planCard(full, answer.digest))).toContain(shown);
    expect(full.irreversible.join()).toContain('a setting may keep the server from starting');
    expect((await ended(stack, await approve(stack, answer))).state).toBe('done');
    expect(await inForce(machine, node)).toContain(after);
  });
});

it('settings that came after the plan stop it before its cordon, also where it was told that others may be applied', async () => {
  const node = nodes.otherAmi;
  const answer = await restart(node, { applyWaiting: true });
  await leave('ami', node);
  const { nodes: parts } = await ended(stack, await approve(stack, answer));
  expect(parts[0]?.message).toMatch(/would apply BIOS settings that this plan does not name.*SETUP006 3 → 10/);
  expect(reached(stack, node).filter(what => !what.includes('/Bios/'))).toEqual([]);
});

it('a BIOS update that needs a restart is not begun while they wait', async () => {
  const node = nodes.otherHpe;
  const answer = await planFlash(stack, node);
  await leave('hpe', node);
  const { nodes: parts } = await ended(stack, await approve(stack, answer));
  expect(parts[0]?.message).toContain('would apply BIOS settings that this plan does not name');
  expect(reached(stack, node).filter(what => !what.includes('/Bios/'))).toEqual([]);
});

it('a restart of a BMC on which they wait is planned with a warning', async () => {
  const { warnings } = await planned(await plan('resetBmc', { node: nodes.otherHpe }));
  expect(warnings.join()).toMatch(/its restart may lose them: ProcHyperthreading/);
});

it('those that need a job, as on Dell, come into force with no restart, and refuse none', async () => {
  await leave('dell', nodes.dell);
  const full = await planned(await restart(nodes.dell));
  expect(full.warnings.join()).not.toContain('LogicalProc');
});
