/**
 * A restore rehearsed: a backup taken while a rollout drains is put back after the machine was flashed. The restored
 * service believes that it has still to flash; nothing at all may reach a machine until a person has looked.
 */
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from '../../src/surfaces/cli/client.ts';
import { changes } from '../support/audit.ts';
import { refusal } from '../support/guard.ts';
import { copiedDatabase, restoreDatabase } from '../support/postgres.ts';
import {
  approve,
  blockedDrain,
  ended,
  type Planned,
  pinned,
  planFlash,
  reached,
  reconfigure,
  siteOf,
} from '../support/rollout.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';

let stack: Stack;
let node: string;
let operation: string;
let backup: Awaited<ReturnType<typeof copiedDatabase>>;
let asker: Client;

beforeAll(async () => {
  stack = await startStack({ addressBase: '127.174', workers: 2, speed: 600 });
  await reconfigure(stack, document => {
    const anchors = [{ file: join(dirname(stack.config.file), 'anchor') }];
    Object.assign(document, { custody: { anchors } });
  });
  const [site] = stack.lab.sites;
  if (!site) throw new Error('the lab has no site');
  const pin = await pinned(site);
  node = pin.node;
  operation = await approve(stack, await planFlash(stack, node));
  await blockedDrain(stack, operation);
  await stack.kill();
  backup = await copiedDatabase(stack.databaseUrl);
  await stack.start();
  pin.unpin();
  expect((await ended(stack, operation)).state).toBe('done');
  await stack.kill();
  await restoreDatabase(stack.databaseUrl, backup.url);
  await stack.start();
  asker = await stack.client('requester');
});
afterAll(async () => {
  await backup?.drop();
  await stack?.close();
});

describe('a database that is restored to the middle of a rollout', () => {
  it('starts frozen and says why: nothing reaches a machine or a cluster', async () => {
    const before = changes(stack.lab.effects.since()).length;
    expect((await asker.custodyStatus()).standstill).toMatchObject({
      state: 'frozen',
      reason: expect.stringMatching(/earlier state/),
    });
    const { output } = await asker.callTool('getFleetOverview', {});
    expect(output.custody).toEqual([expect.stringMatching(/Nothing has an effect/)]);
    expect((await asker.operationEvents(operation, { after: 0, waitMs: 0 })).operation.state).toBe('running');
    const other = workerBeside(node);
    const { plan, digest } = await planFlash(stack, other);
    const { output: answer } = await asker.callTool('startPlan', { plan, digest });
    expect(answer).toMatchObject({ status: 'denied', reasons: [expect.stringMatching(/stands still/)] });
    expect(changes(stack.lab.effects.since())).toHaveLength(before);
  });

  it('is reconciled by a person who is there, and by nobody else', async () => {
    const reason = 'looked at the machine: it was flashed';
    const wrong = await refusal(asker.reconcileCustody({ reason, passphrase: 'wrong' }));
    expect(wrong.code).toBe('unauthenticated');
    const done = await asker.reconcileCustody({ reason, passphrase: stack.passphrase('requester') });
    expect(done).toMatchObject({ halted: [operation] });
    expect((await asker.operationEvents(operation, { after: 0, waitMs: 0 })).operation.state).toBe('halted');
    expect((await asker.custodyStatus()).standstill).toEqual({ state: 'none' });
  });

  it('then takes new plans, and the old one has flashed once', async () => {
    const other = workerBeside(node);
    const { output } = await asker.callTool('cordonNode', { node: other, dryRun: true });
    const cordon = await approve(stack, output as unknown as Planned);
    expect((await ended(stack, cordon)).state).toBe('done');
    expect(reached(stack, other)).toContain('cordon');
    expect(reached(stack, node).filter(word => word === 'flash')).toHaveLength(1);
    await eventually('the anchor to show the log again', async () => {
      const [anchor] = (await asker.custodyStatus()).anchors;
      return anchor && !anchor.failing && anchor.size > 0 ? anchor : undefined;
    });
  });
});

function workerBeside(name: string): string {
  const found = siteOf(stack, name).nodes.find(each => each.role === 'worker' && each.name !== name);
  if (!found) throw new Error('one worker only');
  return found.name;
}
