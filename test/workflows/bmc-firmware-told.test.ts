/**
 * The firmware of BMCs that do not bring it into force by themselves, each in its vendor's manner: Lenovo's restarts when it is
 * told to, AMI's when it was told to with the image, and NVIDIA's runs it once the whole tray lost its power, host off.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ChangeAnswer } from '../../src/core/change.ts';
import type { Operation } from '../../src/core/operation.ts';
import type { Plan } from '../../src/core/plan.ts';
import { changes, custodyEntries, unaccounted } from '../support/audit.ts';
import { bmcImage } from '../support/bmc-image.ts';
import { approve, ended, isCordoned, reached, reconfigure } from '../support/rollout.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';

let stack: Stack;

const machines = ['lenovo', 'ami', 'nvidia'] as const;
type Machine = (typeof machines)[number];

const versions: Record<Machine, string> = { lenovo: '42W-3.10', ami: '12.84.20', nvidia: 'GB200Nvl-25.02-3' };

/** Workers take their machines in turn, beginning with the second. */
const nodes: Record<Machine, string> = { ami: 'bos-w-1', nvidia: 'bos-w-2', lenovo: 'bos-w-3' };
/** Its flash ends as any, and changes nothing. */
const unchanged = 'bos-w-5';
/** A Lenovo whose task is gone while the image may still be written. */
const silent = 'bos-w-6';

/** Of four nodes at once. */
let plans: Record<string, ChangeAnswer>;
let ends: Record<string, Operation>;
let boots: Record<string, string>;

beforeAll(async () => {
  stack = await startStack({ addressBase: '127.167', workers: 6, machines, speed: 600 });
  const images = await Promise.all(machines.map(machine => bmcImage(stack, machine, versions[machine])));
  await reconfigure(stack, document => {
    document.firmware = [...document.firmware, ...images];
    // What BMCs of these vendors get to restart by themselves before they are told to.
    document.rollout.resetSettle = '1s';
    for (const { clusters } of document.sites) for (const { budget } of clusters) budget.maxUnavailable = 5;
  });
  stack.lab.node(unchanged).server.faults.set({ kind: 'update-completes-unchanged' });
  for (const fault of [{ kind: 'task-purge' }, { kind: 'update-stalls', stage: 'flash' }] as const)
    stack.lab.node(silent).server.faults.set(fault);
  const these = [nodes.lenovo, nodes.ami, unchanged, silent];
  boots = Object.fromEntries(these.map(node => [node, stack.lab.node(node).host.bootId]));
  plans = Object.fromEntries(await Promise.all(these.map(async node => [node, await plan(node)])));
  const started = await Promise.all(these.map(async node => [node, await approve(stack, answerOf(node))] as const));
  ends = Object.fromEntries(
    await Promise.all(started.map(async ([node, operation]) => [node, await ended(stack, operation)])),
  );
});
afterAll(() => stack?.close());

async function plan(node: string): Promise<ChangeAnswer> {
  const asker = await stack.client('requester');
  const input = { node, image: `${stack.lab.node(node).vendor}-bmc`, deleteEmptyDir: true, dryRun: true };
  return (await asker.callTool('flashFirmware', input)).output as unknown as ChangeAnswer;
}

function answerOf(node: string): ChangeAnswer {
  const answer = plans[node];
  if (answer === undefined) throw new Error(`no plan was made for ${node}`);
  return answer;
}

async function stepsOf({ plan: id }: ChangeAnswer): Promise<string[]> {
  const { output } = await (await stack.client('requester')).callTool('getPlan', { plan: id });
  return (output as unknown as { plan: Plan }).plan.steps.map(({ name }) => name);
}

function outcome(operation: Operation | undefined): unknown[] {
  return [operation?.state, operation?.nodes[0]?.message];
}

/** Path and body of what reached the BMC of a node, oldest first. */
function told(node: string): [path: string | undefined, body: unknown][] {
  return changes(stack.lab.effects.since())
    .filter(effect => effect.kind === 'bmc' && effect.name === node)
    .map(({ path, body }) => [path.split('/').at(-1), body]);
}

const sentFile = { size: expect.any(Number), sha256: expect.any(String) };

it.each(['lenovo', 'ami'] as const)('that of %s runs the new one, and its host runs on', async machine => {
  const node = nodes[machine];
  const { server, host } = stack.lab.node(node);
  expect(outcome(ends[node])).toEqual(['done', expect.stringContaining('active bmc is')]);
  expect([server.firmware.bmc, server.firmware.stagedBmc]).toEqual([versions[machine], undefined]);
  expect([host.bootId, host.bricked, isCordoned(stack, node)]).toEqual([boots[node], undefined, false]);
});

it('Lenovo’s is told to restart, as its plan said; AMI’s was told with the image', async () => {
  expect((await stepsOf(answerOf(nodes.lenovo))).join(' ')).toContain('transfer restart of the BMC verify ran on');
  expect((await stepsOf(answerOf(nodes.ami))).join(' ')).toContain('transfer verify ran on');
  expect(told(nodes.lenovo)).toEqual([
    ['mfwupdate', { UpdateParameters: { Targets: [] }, UpdateFile: expect.objectContaining(sentFile) }],
    ['Manager.Reset', { ResetType: 'GracefulRestart' }],
  ]);
  expect(told(nodes.ami)).toEqual([
    ['UpdateService.SimpleUpdate', expect.objectContaining({ UpdateComponent: 'BMC', ResetBMC: true })],
  ]);
});

it('one whose task is gone is not told to restart: it may be writing, and a person looks', () => {
  expect(ends[silent]?.nodes[0]).toMatchObject({
    state: 'ambiguous',
    message: expect.stringMatching(/no task is left to follow, and it may still be writing/),
  });
  expect(told(silent).map(([path]) => path)).toEqual(['mfwupdate']);
  expect(isCordoned(stack, silent)).toBe(true);
});

it('NVIDIA’s that runs what it ran before leaves its host off and its node cordoned', () => {
  expect(outcome(ends[unchanged])).toEqual([
    'halted',
    expect.stringMatching(/restarted and still runs GB200Nvl-24\.12-8.*; its host is left off/),
  ]);
  expect([stack.lab.node(unchanged).host.phase, isCordoned(stack, unchanged)]).toEqual(['off', true]);
});

it('NVIDIA’s runs it after a power cycle with its host off; a service that dies after the image sends nothing twice', async () => {
  const node = nodes.nvidia;
  const { server, host } = stack.lab.node(node);
  const before = host.bootId;
  server.faults.set({ kind: 'update-stalls', stage: 'download' });
  const planned = await plan(node);
  expect((await stepsOf(planned)).join(' ')).toContain('transfer off power cycle verify on rejoin uncordon');
  const operation = await approve(stack, planned);
  await eventually('the image to be there', async () => (reached(stack, node).includes('flash') ? true : undefined));
  await stack.kill();
  server.faults.clear('update-stalls');
  await eventually('it to be written', async () => (server.firmware.stagedBmc === versions.nvidia ? true : undefined));
  await stack.start();

  expect(outcome(await ended(stack, operation))).toEqual(['done', expect.stringContaining(versions.nvidia)]);
  expect([server.firmware.bmc, host.phase, isCordoned(stack, node)]).toEqual([versions.nvidia, 'os', false]);
  expect(host.bootId).not.toBe(before);
  expect(told(node)).toEqual([
    ['update-multipart', { UpdateParameters: { Targets: [] }, UpdateFile: expect.objectContaining(sentFile) }],
    ['ComputerSystem.Reset', { ResetType: 'GracefulShutdown' }],
    ['NvidiaChassis.AuxPowerReset', { ResetType: 'AuxPowerCycle' }],
    ['ComputerSystem.Reset', { ResetType: 'On' }],
  ]);
});

it('leaves no write without its record', async () => {
  const entries = await custodyEntries(await stack.client('requester'));
  expect(unaccounted(stack.lab.effects.since(), entries)).toEqual([]);
});
