/**
 * Flashes whose end nobody sees, or that end a machine: a task that is gone says nothing, so no host is restarted while its BMC
 * may be writing; a dead machine is left to people, asked for nothing twice, and no other is begun.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChangeAnswer } from '../../src/core/change.ts';
import type { OperationEvent } from '../../src/core/operation.ts';
import { bmcProfiles, type LabMachine } from '../../src/lab/bmc/profiles/catalog.ts';
import { custodyEntries, unaccounted } from '../support/audit.ts';
import { bmcImage } from '../support/bmc-image.ts';
import {
  approve,
  ended,
  flash,
  isCordoned,
  type Planned,
  planFlash,
  reached,
  reconfigure,
} from '../support/rollout.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';

let stack: Stack;

const machines = ['hpe', 'dell', 'ami', 'openbmc'] as const satisfies LabMachine[];

beforeAll(async () => {
  stack = await startStack({ addressBase: '127.83', workers: 8, machines, speed: 200 });
  const image = await bmcImage(stack, 'openbmc', '2.18.0');
  await reconfigure(stack, document => {
    document.firmware = [...document.firmware, image];
    // A flash that is held must not pass for one that is stuck.
    Object.assign(document.rollout, { stallLimit: '10m', rebootTimeout: '10s', pollInterval: '100ms' });
    // What stays cordoned here takes from it.
    for (const { budget } of document.sites.flatMap(site => site.clusters)) budget.maxUnavailable = 6;
  });
});
afterAll(() => stack?.close());

/** The workers of one maker. */
function workers(vendor: (typeof machines)[number]): [string, string] {
  const all = stack.lab.sites.flatMap(site => site.nodes).filter(node => node.role === 'worker');
  const [first, second] = all.filter(node => node.vendor === vendor).map(({ name }) => name);
  if (first === undefined || second === undefined) throw new Error(`fewer than two workers of ${vendor}`);
  return [first, second];
}

/** Waits for news of an operation. */
async function said(operation: string, isIt: (event: OperationEvent) => boolean): Promise<void> {
  const client = await stack.client('requester');
  await eventually('what it says', async () =>
    (await client.operationEvents(operation, { after: 0, waitMs: 0 })).events.find(isIt),
  );
}

const labNode = (node: string) => stack.lab.node(node);

describe.concurrent('a task that is gone while the image is written', () => {
  it('of an iLO is followed by its own word, and the host restarts once it rests', async () => {
    const [node] = workers('hpe');
    const { server, host } = labNode(node);
    server.faults.set({ kind: 'task-purge' });
    server.faults.set({ kind: 'update-stalls', stage: 'flash' });
    const operation = await approve(stack, await planFlash(stack, node));
    await said(operation, ({ step, message }) => step === '1-bios/transfer' && message.includes('works on it'));
    expect(reached(stack, node)).toEqual(['cordon', 'flash']);
    server.faults.clear('update-stalls');
    expect((await ended(stack, operation)).state).toBe('done');
    expect([reached(stack, node), host.bricked]).toEqual([['cordon', 'flash', 'reset', 'uncordon'], undefined]);
    expect(server.firmware.active).toBe(bmcProfiles.hpe.firmware.newBios);
  });

  it('of a BMC that says nothing else leaves the node cordoned and its host alone, for a person', async () => {
    const [node] = workers('ami');
    const { server, host } = labNode(node);
    server.faults.set({ kind: 'task-purge' });
    server.faults.set({ kind: 'update-stalls', stage: 'flash' });
    const { state, nodes } = await flash(stack, node);
    expect([state, nodes[0]?.state, nodes[0]?.message]).toEqual([
      'halted',
      'ambiguous',
      expect.stringMatching(/no task is left to follow, and it may still be writing/),
    ]);
    expect([reached(stack, node), isCordoned(stack, node)]).toEqual([['cordon', 'flash', 'explain'], true]);
    expect([host.bricked, host.phase]).toEqual([undefined, 'os']);
  });
});

describe.concurrent('a flash that kills', () => {
  it('the host ends its node for a person, after one restart, and the rollout begins no other', async () => {
    const [first, second] = workers('dell');
    for (const node of [first, second]) labNode(node).server.faults.set({ kind: 'brick' });
    const asker = await stack.client('requester');
    const { output } = await asker.callTool('planFirmwareRollout', {
      site: stack.lab.sites[0]?.name,
      nodes: [first, second],
      deleteEmptyDir: true,
    });
    const { plan, digest } = output as unknown as { plan: { id: string; waves: string[][] }; digest: string };
    const end = await ended(stack, await approve(stack, { plan: plan.id, digest } satisfies Planned));
    const [dead = '', spared = ''] = plan.waves.flat();
    expect([end.state, end.reason]).toEqual(['halted', expect.stringContaining(dead)]);
    expect(labNode(dead).host.bricked).toMatch(/wrote an image that does not start/);
    expect([reached(stack, dead), isCordoned(stack, dead)]).toEqual([['cordon', 'flash', 'reset', 'explain'], true]);
    expect([reached(stack, spared), isCordoned(stack, spared)]).toEqual([[], false]);
  });

  it('the BMC leaves its node cordoned, and nothing is sent again', async () => {
    const [node] = workers('openbmc');
    const { faults } = labNode(node).server;
    faults.set({ kind: 'brick' });
    // Until the end of its task is seen: what dies before is waited for as long as an update may take.
    faults.set({ kind: 'bmc-reset-ignored' });
    const asker = await stack.client('requester');
    const input = { node, image: 'openbmc-bmc', deleteEmptyDir: true, dryRun: true };
    const planned = (await asker.callTool('flashFirmware', input)).output as unknown as ChangeAnswer;
    const operation = await approve(stack, planned);
    await said(operation, ({ step, status }) => step === '1-bmc/transfer' && status === 'ok');
    faults.clear('bmc-reset-ignored');
    const { state, nodes } = await ended(stack, operation);
    expect([state, nodes[0]?.state]).toEqual(['halted', 'failed']);
    expect([reached(stack, node), isCordoned(stack, node)]).toEqual([['cordon', 'flash', 'explain'], true]);
    expect(labNode(node).host.phase).toBe('os');
  });
});

it('leaves no write without its record', async () => {
  const entries = await custodyEntries(await stack.client('requester'));
  expect(unaccounted(stack.lab.effects.since(), entries)).toEqual([]);
});
