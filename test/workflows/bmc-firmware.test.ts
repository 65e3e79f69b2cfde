/**
 * The firmware of the BMC itself: it restarts by itself after the flash, and the host runs on. It counts as updated once it
 * reads well several times in a row and its active image is the wanted one; the node is drained all the same.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChangeAnswer } from '../../src/core/change.ts';
import type { Operation } from '../../src/core/operation.ts';
import { custodyEntries, unaccounted } from '../support/audit.ts';
import { bmcImage } from '../support/bmc-image.ts';
import { approve, ended, isCordoned, reached, reconfigure } from '../support/rollout.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';

let stack: Stack;

const machines = ['dell', 'hpe', 'openbmc', 'supermicro'] as const;
type Machine = (typeof machines)[number];

/** What each catalogue says, as its vendor's download page does, and what runs then. */
const versions: Record<Machine, string> = {
  dell: '7.00.60.00',
  hpe: '3.11',
  openbmc: '2.18.0',
  supermicro: '01.03.12',
};

beforeAll(async () => {
  stack = await startStack({ addressBase: '127.137', workers: 7, machines, speed: 200 });
  const images = await Promise.all(machines.map(machine => bmcImage(stack, machine, versions[machine])));
  await reconfigure(stack, document => {
    document.firmware = [...document.firmware, ...images];
  });
});
afterAll(() => stack?.close());

/** Of worker n, the machine n modulo their number. */
function nodeOf(machine: Machine, turn = 0): string {
  return `bos-w-${(machines.indexOf(machine) || machines.length) + turn * machines.length}`;
}

async function start(machine: Machine, node = nodeOf(machine)): Promise<string> {
  const asker = await stack.client('requester');
  const input = { node, image: `${machine}-bmc`, deleteEmptyDir: true, dryRun: true };
  return approve(stack, (await asker.callTool('flashFirmware', input)).output as unknown as ChangeAnswer);
}

function outcome({ state, nodes }: Operation): unknown[] {
  return [state, nodes[0]?.message];
}

const stepsOf = (machine: Machine) =>
  machine === 'supermicro' ? ['cordon', 'flash', 'write', 'uncordon'] : ['cordon', 'flash', 'uncordon'];

it.each([
  ['hpe', 'openbmc'],
  ['supermicro', 'dell'],
] as const)('%s and %s run the new one, after a drain and without a restart of the host', async (...pair) => {
  const before = pair.map(machine => stack.lab.node(nodeOf(machine)).host.bootId);
  const operations = await Promise.all(pair.map(machine => start(machine)));
  const ends = await Promise.all(operations.map(operation => ended(stack, operation)));
  const client = await stack.client('requester');
  for (const [index, machine] of pair.entries()) {
    const node = nodeOf(machine);
    const { server, host } = stack.lab.node(node);
    expect(ends[index] && outcome(ends[index])).toEqual(['done', expect.stringContaining('active bmc is')]);
    expect(server.firmware.bmc).toBe(versions[machine]);
    expect([reached(stack, node), isCordoned(stack, node)]).toEqual([stepsOf(machine), false]);
    expect([host.bootId, host.bricked]).toEqual([before[index], undefined]);
    const { events } = await client.operationEvents(operations[index] ?? '', { after: 0, waitMs: 0 });
    const done = events.filter(({ status }) => status === 'ok').map(({ step }) => step);
    expect(done).toEqual(expect.arrayContaining(['drain', '1-bmc/verify', '1-bmc/ran on']));
    expect(done).not.toContain('1-bmc/reset');
  }
});

/** How often the whole inventory of a BMC was asked for. */
function inventoryReads(node: string): number {
  return stack.lab
    .node(node)
    .server.received()
    .filter(({ path }) => path.endsWith('/FirmwareInventory')).length;
}

it('the old version proves nothing until the BMC restarts; a service that dies then waits for what it says after', async () => {
  const node = nodeOf('openbmc', 1);
  const { server } = stack.lab.node(node);
  server.faults.set({ kind: 'bmc-reset-ignored' });
  const operation = await start('openbmc', node);
  const client = await stack.client('requester');
  await eventually('the version to be looked at', async () => {
    const { operation: seen } = await client.operationEvents(operation, { after: 0, waitMs: 0 });
    return seen.nodes[0]?.step === '1-bmc/verify' ? true : undefined;
  });
  const before = inventoryReads(node);
  await eventually('more than enough reads', async () => (inventoryReads(node) > before + 6 ? true : undefined));
  expect(isCordoned(stack, node)).toBe(true);
  server.faults.clear('bmc-reset-ignored');
  await eventually('the BMC to run it', async () => (server.firmware.bmc === versions.openbmc ? true : undefined));
  server.faults.set({ kind: 'bmc-down', mode: 'refused' });
  await stack.kill();
  const atKill = inventoryReads(node);
  await stack.start();
  expect(isCordoned(stack, node)).toBe(true);
  server.faults.clear('bmc-down');
  expect(outcome(await ended(stack, operation))).toEqual(['done', expect.stringContaining('active bmc is 2.18.0')]);
  expect(inventoryReads(node) - atKill).toBeGreaterThanOrEqual(3);
  expect(reached(stack, node)).toEqual(stepsOf('openbmc'));
});

describe('what is not proved', () => {
  it('leaves the node cordoned: the BMC restarted, and runs what it ran before', async () => {
    const node = nodeOf('supermicro', 1);
    const { server } = stack.lab.node(node);
    server.faults.set({ kind: 'update-completes-unchanged' });
    const end = await ended(stack, await start('supermicro', node));
    expect(outcome(end)).toEqual(['halted', expect.stringMatching(/restarted and still runs 01.01.06/)]);
    expect([reached(stack, node), isCordoned(stack, node)]).toEqual([['cordon', 'flash', 'write', 'explain'], true]);
  });
});

it('leaves no write without its record', async () => {
  const entries = await custodyEntries(await stack.client('requester'));
  expect(unaccounted(stack.lab.effects.since(), entries)).toEqual([]);
});
