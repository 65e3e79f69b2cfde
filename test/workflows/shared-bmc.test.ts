/** Two nodes that are declared behind one BMC: who approves an act on one sees the other, and both are counted. */
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ChangeAnswer } from '../../src/core/change.ts';
import type { Plan } from '../../src/core/plan.ts';
import { bmcProfiles } from '../../src/lab/bmc/profiles/catalog.ts';
import { writeImage } from '../../src/lab/images.ts';
import {
  approve,
  blockedDrain,
  ended,
  type LabDocument,
  pinned,
  reached,
  reconfigure,
  siteOf,
} from '../support/rollout.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';

let stack: Stack;

const [node, other, third] = ['bos-w-1', 'bos-w-2', 'bos-w-3'] as const;

beforeAll(async () => {
  stack = await startStack({ addressBase: '127.173', workers: 3, machines: ['openbmc', 'nvidia'], speed: 400 });
  const image = await catalogued();
  await reconfigure(stack, document => {
    const nodes = document.sites.flatMap(({ clusters }) => clusters.flatMap(each => each.nodes));
    const bmcOf = (name: string) => nodes.find(each => each.name === name)?.server as { bmc: object; serial?: string };
    const { bmc } = bmcOf(node);
    bmcOf(node).bmc = { ...bmc, systemUri: `/redfish/v1/Systems/${bmcProfiles.nvidia.systemId}` };
    document.firmware = [...document.firmware, image];
    bmcOf(other).bmc = { ...bmc, systemUri: '/redfish/v1/Systems/second' };
  });
});
afterAll(() => stack?.close());

/** Of the BMC that both are behind. */
async function catalogued(): Promise<LabDocument['firmware'][number]> {
  const { vendor, model } = bmcProfiles.nvidia;
  const file = join(dirname(stack.lab.images[0]?.source.file ?? ''), 'tray.bin');
  const header = { vendor, models: [model], component: 'bmc' as const, version: 'GB200Nvl-25.02-3' };
  return { id: 'tray', ...header, file, sha256: await writeImage(file, header) };
}

async function plan(tool: 'setNodePower' | 'resetBmc', input: object): Promise<ChangeAnswer & { full: Plan }> {
  const asker = await stack.client('requester');
  const answer = (await asker.callTool(tool, { node, ...input, dryRun: true })).output as unknown as ChangeAnswer;
  const { output } = await asker.callTool('getPlan', { plan: answer.plan });
  return { ...answer, full: (output as unknown as { plan: Plan }).plan };
}

const restart = () => plan('setNodePower', { power: 'restart', deleteEmptyDir: true });

it('a restart of the BMC names it in the plan and in what came of it, and takes no capacity', async () => {
  const answer = await plan('resetBmc', {});
  expect(answer.full.warnings).toContain(`the same BMC serves ${other}: nothing reaches them either while it restarts`);
  expect(answer.full.scopes[0]?.blast).toEqual({
    peakUnavailable: 0,
    targets: 2,
    controlPlane: 0,
    quorumLost: false,
    lastOf: [],
  });
  const { state, nodes } = await ended(stack, await approve(stack, answer));
  expect([state, nodes[0]?.message]).toEqual(['done', expect.stringContaining(`it serves ${other} too`)]);
});

it('a restart of its server is counted with it, when it is planned and when it is done', async () => {
  const answer = await restart();
  expect(answer.full.warnings).toContain(`the same BMC serves ${other}: they are counted with this one`);
  expect(answer.full.scopes[0]?.blast).toEqual({
    peakUnavailable: 2,
    targets: 2,
    controlPlane: 0,
    quorumLost: false,
    lastOf: [],
  });
  const { cluster } = siteOf(stack, third);
  cluster.store.update('nodes', { name: third }, draft => {
    draft.spec.unschedulable = true;
  });
  const { state, nodes } = await ended(stack, await approve(stack, answer));
  expect([state, nodes[0]?.message]).toEqual(['halted', expect.stringMatching(/budget/)]);
  expect(reached(stack, node).filter(what => what !== 'reset')).toEqual([]);
  cluster.store.update('nodes', { name: third }, draft => {
    draft.spec.unschedulable = false;
  });
  await eventually('it to be schedulable', async () =>
    cluster.store.get('nodes', { name: third })?.spec.unschedulable ? undefined : true,
  );
  expect((await ended(stack, await approve(stack, await restart()))).state).toBe('done');
});

it('firmware that needs a power cycle of both is not planned: the other would lose its power undrained', async () => {
  const asker = await stack.client('requester');
  const input = { node, image: 'tray', deleteEmptyDir: true, dryRun: true };
  await expect(asker.callTool('flashFirmware', input)).rejects.toMatchObject({
    code: 'precondition_failed',
    message: expect.stringContaining(`would take the power from ${other} too`),
  });
});

it('another operation counts it too and waits: it may go down at any moment', async () => {
  const site = siteOf(stack, node);
  const { store } = site.cluster;
  const close = (unschedulable: boolean) => {
    for (const name of [other, third])
      store.update('nodes', { name }, draft => {
        draft.spec.unschedulable = unschedulable;
      });
  };
  close(true);
  for (const { metadata } of store.list('pods', 'media')) store.remove('pods', { ...metadata, namespace: 'media' });
  const { node: held, unpin } = await pinned(site);
  close(false);
  expect(held).toBe(node);
  const first = await approve(stack, await restart());
  await blockedDrain(stack, first);
  const asker = await stack.client('requester');
  const cordon = (await asker.callTool('cordonNode', { node: third, dryRun: true })).output as unknown as ChangeAnswer;
  const second = await approve(stack, cordon);
  await eventually('the cordon to wait', async () => {
    const { operation } = await asker.operationEvents(second, { after: 0, waitMs: 0 });
    return operation.nodes[0]?.message.includes('with it 3 nodes would be away') || undefined;
  });
  expect(reached(stack, third)).toEqual([]);
  unpin();
  expect([(await ended(stack, first)).state, (await ended(stack, second)).state]).toEqual(['done', 'done']);
});
