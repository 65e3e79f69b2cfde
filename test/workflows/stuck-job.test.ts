/**
 * An update job that stands still: Dell gives such a job up in its own words (JCP052), and every further one too, until its
 * BMC restarts. The service recognises it, and asks people for that restart, once.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ChangeAnswer } from '../../src/core/change.ts';
import { changes, custodyEntries, unaccounted } from '../support/audit.ts';
import { ended, flash, isCordoned, reached } from '../support/rollout.ts';
import { type Stack, startStack } from '../support/stack.ts';

let stack: Stack;

beforeAll(async () => {
  stack = await startStack({ addressBase: '127.110', workers: 2, machines: ['dell'], speed: 200 });
});
afterAll(() => stack?.close());

const restarts = (node: string) =>
  changes(stack.lab.effects.since()).filter(({ name, path }) => name === node && path.endsWith('Manager.Reset')).length;

/** What the program itself has asked people for and waits for. */
async function asked(node: string): Promise<{ approval: string; act: unknown; warnings: string[] }[]> {
  const client = await stack.client('approver');
  const pending = (await client.approvals('pending')).filter(({ requester }) => requester === 'groundskeeper');
  const plans = await Promise.all(
    pending.map(async ({ id, plan }) => ({
      approval: id,
      plan: (await client.callTool('getPlan', { plan })).output.plan as {
        bmcChange?: unknown;
        warnings: string[];
        targets: { node: string }[];
      },
    })),
  );
  return plans
    .filter(({ plan }) => plan.targets.some(target => target.node === node))
    .map(({ approval, plan }) => ({ approval, act: plan.bmcChange, warnings: plan.warnings }));
}

async function uncordon(node: string): Promise<void> {
  const asker = await stack.client('requester');
  const { operation } = (await asker.callTool('uncordonNode', { node })).output as unknown as ChangeAnswer;
  expect((await ended(stack, operation ?? '')).state).toBe('done');
}

it('that its BMC gave up is freed by one restart of it, which another person approves', async () => {
  const node = 'bos-w-1';
  const { faults, firmware } = stack.lab.node(node).server;
  const stall = { kind: 'update-stalls', stage: 'download', until: 'bmc-reset', giveUpMs: 100_000 } as const;
  faults.set(stall);
  const stuck = await flash(stack, node);
  expect([stuck.state, stuck.nodes[0]?.message]).toEqual([
    'halted',
    expect.stringMatching(/made no progress, and its BMC gave it up.*an operator is asked to approve it, apr-/),
  ]);
  expect([reached(stack, node), isCordoned(stack, node), restarts(node)]).toEqual([
    ['cordon', 'flash', 'explain'],
    true,
    0,
  ]);
  const [request, ...more] = await asked(node);
  expect(request).toMatchObject({
    act: { act: 'reset-bmc', recover: true },
    warnings: expect.arrayContaining([expect.stringMatching(/by Groundskeeper itself.*made no progress/)]),
  });
  expect(more).toEqual([]);

  const voter = await stack.client('approver');
  const passphrase = stack.passphrase('approver');
  const vote = { vote: 'approve', reason: 'free it', passphrase } as const;
  const { operation } = await voter.vote(request?.approval ?? '', vote);
  expect((await ended(stack, operation ?? '')).state).toBe('done');
  expect([restarts(node), faults.get('update-stalls')]).toEqual([1, undefined]);

  // Stuck again at once: then a restart was not the cure, and a person has to look.
  await uncordon(node);
  faults.set(stall);
  const again = await flash(stack, node);
  expect(again.nodes[0]?.message).toContain('restarted for this within a day, so nobody was asked again');
  expect(await asked(node)).toEqual([]);

  faults.clear('update-stalls');
  await uncordon(node);
  expect((await flash(stack, node)).state).toBe('done');
  expect(firmware.active).toBe(stack.lab.images[0]?.version);
});

it('that stands still for the stall limit is told from one that works', async () => {
  const node = 'bos-w-2';
  stack.lab.node(node).server.faults.set({ kind: 'update-stalls', stage: 'download', until: 'bmc-reset' });
  const { state, nodes } = await flash(stack, node);
  expect([state, nodes[0]?.message]).toEqual(['halted', expect.stringMatching(/stands still at 0 %.*apr-/)]);
  expect([reached(stack, node), isCordoned(stack, node)]).toEqual([['cordon', 'flash', 'explain'], true]);
  expect(await asked(node)).toHaveLength(1);
});

it('leaves no write without its record', async () => {
  const entries = await custodyEntries(await stack.client('requester'));
  expect(unaccounted(stack.lab.effects.since(), entries)).toEqual([]);
});
