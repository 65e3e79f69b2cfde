/** What is set on a BMC: sent once under a record, proved by what the BMC says afterwards, and not during an update. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChangeAnswer } from '../../src/core/change.ts';
import { FleetError } from '../../src/core/errors.ts';
import type { Operation } from '../../src/core/operation.ts';
import { changes, custodyEntries, unaccounted } from '../support/audit.ts';
import { updateByHand } from '../support/hand-update.ts';
import { missed } from '../support/missed.ts';
import { approve, ended, isCordoned } from '../support/rollout.ts';
import { type Stack, startStack } from '../support/stack.ts';

let stack: Stack;

beforeAll(async () => {
  stack = await startStack({ addressBase: '127.111', sites: 1, workers: 3, speed: 60 });
});
afterAll(() => stack?.close());

const workers = ['bos-w-1', 'bos-w-2', 'bos-w-3'];

async function plan(tool: string, input: Record<string, unknown>): Promise<ChangeAnswer> {
  const asker = await stack.client('requester');
  return (await asker.callTool(tool, { ...input, dryRun: true })).output as unknown as ChangeAnswer;
}

/** By one person alone. */
async function start({ plan: id, digest }: ChangeAnswer): Promise<Operation> {
  const asker = await stack.client('requester');
  const { operation } = (await asker.callTool('startPlan', { plan: id, digest })).output as unknown as ChangeAnswer;
  return ended(stack, operation ?? '');
}

async function status(node: string): Promise<Record<string, unknown>> {
  const asker = await stack.client('requester');
  return (await asker.callTool('getBmcStatus', { node })).output;
}

function sent(node: string): string[] {
  return changes(stack.lab.effects.since()).flatMap(({ kind, name, method, path, status: answer }) =>
    kind === 'bmc' && name === node && answer < 300 && !path.includes('Session') ? [`${method} ${path}`] : [],
  );
}

it.each(workers)('the locating light of %s goes on and off, by one person alone', async node => {
  expect((await status(node)).locatingLight).toBe('off');
  expect((await start(await plan('identifyNode', { node }))).state).toBe('done');
  expect((await status(node)).locatingLight).toBe('on');
  expect((await start(await plan('identifyNode', { node, off: true }))).state).toBe('done');
  expect((await status(node)).locatingLight).toBe('off');
  expect(sent(node)).toHaveLength(2);
});

it.each(workers)('the next start of %s is set, once, and taken back', async node => {
  const { state, nodes } = await ended(
    stack,
    await approve(stack, await plan('setBootOverride', { node, from: 'pxe' })),
  );
  expect([state, nodes[0]?.message]).toEqual(['done', 'the next start is set to pxe']);
  expect((await status(node)).nextStart).toBe('pxe');
  await ended(stack, await approve(stack, await plan('setBootOverride', { node, from: 'none' })));
  expect((await status(node)).nextStart).toBe('none');
});

it('a setting whose answer was lost is found, and not sent again', async () => {
  const node = 'bos-w-1';
  const before = sent(node).length;
  stack.lab.node(node).server.faults.set({ kind: 'drop-after-post' });
  expect((await start(await plan('identifyNode', { node }))).state).toBe('done');
  const lost = stack.lab.effects.since().filter(({ status: answer, name }) => answer === 0 && name === node);
  expect([lost.length, sent(node).length]).toEqual([1, before + 1]);
  expect((await status(node)).locatingLight).toBe('on');
  expect((await start(await plan('identifyNode', { node, off: true }))).state).toBe('done');
});

describe('a BMC', () => {
  it.each(workers)('of %s is restarted and proved to be back, while its server runs on', async node => {
    const { host, server } = stack.lab.node(node);
    const { bootId } = host;
    const operation = await approve(stack, await plan('resetBmc', { node }));
    await missed(stack, server, operation);
    const { state, nodes } = await ended(stack, operation);
    expect([state, nodes[0]?.message]).toEqual(['done', expect.stringMatching(/^the BMC (started at|was away)/)]);
    expect([host.bootId, host.phase]).toEqual([bootId, 'os']);
    expect(sent(node).filter(request => request.endsWith('Manager.Reset'))).toHaveLength(1);
  });

  it('is not restarted while it applies an update, and neither is its server', async () => {
    const node = workers.find(name => stack.lab.node(name).vendor === 'dell') ?? '';
    const { server } = stack.lab.node(node);
    server.faults.set({ kind: 'update-stalls', stage: 'download' });
    const before = sent(node);
    const byHand = await updateByHand(stack, node);
    await byHand.jobIs('Downloading');
    const plans = [
      await plan('resetBmc', { node }),
      await plan('setNodePower', { node, power: 'restart', deleteEmptyDir: true }),
    ];
    for (const answer of plans) {
      const { state, nodes } = await ended(stack, await approve(stack, answer));
      expect([state, nodes[0]?.message]).toEqual(['halted', expect.stringContaining('is applying an update')]);
    }
    expect(sent(node).filter(request => !request.endsWith('SimpleUpdate'))).toEqual(before);
    expect(isCordoned(stack, node)).toBe(false);
    server.faults.clear('update-stalls');
    await byHand.close();
  });
});

it('asks nothing of a BMC for what it does not offer', async () => {
  const refused = await plan('setBootOverride', { node: 'bos-w-1', from: 'tape' }).catch(thrown =>
    FleetError.from(thrown),
  );
  expect(refused).toMatchObject({ code: 'invalid_input' });
});

it('leaves no write without its record', async () => {
  const client = await stack.client('requester');
  // The one update here was begun by hand, with the same account.
  const ours = stack.lab.effects
    .since()
    .filter(({ caller, path }) => caller.startsWith('groundskeeper') && !path.endsWith('SimpleUpdate'));
  expect(ours.length).toBeGreaterThan(0);
  expect(unaccounted(ours, await custodyEntries(client))).toEqual([]);
});
