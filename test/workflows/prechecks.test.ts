/** What keeps an update from beginning: weak power, an image nobody could fetch, a version that is not on the way. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChangeAnswer } from '../../src/core/change.ts';
import type { Plan } from '../../src/core/plan.ts';
import { showChanges } from '../../src/core/planned-change.ts';
import { bmcProfiles } from '../../src/lab/bmc/profiles/catalog.ts';
import { catalogued } from '../support/bmc-image.ts';
import { approve, ended, firmwareOf, reached, reconfigure } from '../support/rollout.ts';
import { type Stack, startStack } from '../support/stack.ts';

let stack: Stack;

const { firmware } = bmcProfiles.dell;
const stone = '1.10.0';

beforeAll(async () => {
  stack = await startStack({ addressBase: '127.135', workers: 3, machines: ['dell'], speed: 400 });
  const bios = (id: string, version: string) => catalogued(stack, 'dell', { id, component: 'bios', version });
  const older = await Promise.all([bios('older', firmware.earlierBios), bios('stone', stone)]);
  await reconfigure(stack, document => {
    document.firmware = [...document.firmware.map(image => ({ ...image, needs: stone })), ...older];
  });
});
afterAll(() => stack?.close());

async function planned(node: string, image: string, more = {}): Promise<ChangeAnswer> {
  const asker = await stack.client('requester');
  const input = { node, image, deleteEmptyDir: true, dryRun: true, ...more };
  return (await asker.callTool('flashFirmware', input)).output as unknown as ChangeAnswer;
}

async function planOf(node: string): Promise<{ plan: Plan; digest: string }> {
  const asker = await stack.client('requester');
  const input = { site: 'boston', nodes: [node], deleteEmptyDir: true };
  return (await asker.callTool('planFirmwareRollout', input)).output as unknown as { plan: Plan; digest: string };
}

it('goes back only where somebody asked for it, and says so to who approves', async () => {
  const node = 'bos-w-2';
  await expect(planned(node, 'older')).rejects.toMatchObject({ message: expect.stringContaining('bios is ahead') });
  const back = await planned(node, 'older', { downgrade: true });
  const voter = await stack.client('approver');
  const { plan } = (await voter.callTool('getPlan', { plan: back.plan })).output as unknown as { plan: Plan };
  expect(plan.warnings).toContainEqual(expect.stringContaining('goes back: bios'));
  expect(firmwareOf(plan.targets[0])[0]?.downgrade).toBe(true);
  expect((await ended(stack, await approve(stack, back))).state).toBe('done');
  expect(stack.lab.node(node).server.firmware.active).toBe(firmware.earlierBios);
});

it('goes by a stepping stone where the catalogue demands one', async () => {
  const { plan } = await planOf('bos-w-3');
  expect(showChanges(plan.targets[0]?.changes ?? [])).toBe(`BIOS ${firmware.bios}→${stone}→${firmware.newBios}`);
});

describe('an update is not begun', () => {
  const node = 'bos-w-1';

  async function refused(): Promise<unknown[]> {
    const { plan, digest } = await planOf(node);
    const { state, nodes } = await ended(stack, await approve(stack, { plan: plan.id, digest }));
    expect(reached(stack, node)).toEqual([]);
    return [state, nodes[0]?.message];
  }

  it('on a server that has lost a power supply', async () => {
    const { faults } = stack.lab.node(node).server;
    faults.set({ kind: 'psu-failed', psu: 2 });
    expect(await refused()).toEqual(['halted', expect.stringMatching(/power supply .* is not well/)]);
    faults.clear('psu-failed');
  });

  it('where the image listener cannot be reached at the address that BMCs are told', async () => {
    await reconfigure(stack, ({ sites: [site] }) => {
      if (site) site.imageListener.advertise = 'http://127.135.1.250:8080';
    });
    expect(await refused()).toEqual(['halted', expect.stringContaining('it does not answer')]);
  });
});
