/**
 * A BMC is restarted once and proved to be back, whether or not it says when it started; a job that is stuck is freed by
 * it, and one that works is not touched.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChangeAnswer } from '../../src/core/change.ts';
import { hasEnded, type Operation } from '../../src/core/operation.ts';
import { bmcProfiles, type LabMachine, labMachines } from '../../src/lab/bmc/profiles/catalog.ts';
import { changes, custodyEntries, unaccounted } from '../support/audit.ts';
import { updateByHand } from '../support/hand-update.ts';
import { approve, ended, reconfigure } from '../support/rollout.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';

let stack: Stack;

beforeAll(async () => {
  stack = await startStack({ addressBase: '127.130', workers: labMachines.length, machines: labMachines, speed: 60 });
});
afterAll(() => stack?.close());

/** Of worker n, the machine n modulo their number. */
function nodeOf(machine: LabMachine): string {
  return `bos-w-${labMachines.indexOf(machine) || labMachines.length}`;
}

async function asked(machine: LabMachine, more = {}): Promise<ChangeAnswer> {
  const asker = await stack.client('requester');
  const input = { node: nodeOf(machine), ...more, dryRun: true };
  return (await asker.callTool('resetBmc', input)).output as unknown as ChangeAnswer;
}

async function restart(machine: LabMachine, more = {}): Promise<string> {
  return approve(stack, await asked(machine, more));
}

async function restarted(machine: LabMachine, more = {}): Promise<Operation> {
  return ended(stack, await restart(machine, more));
}

function resets(machine: LabMachine): number[] {
  return changes(stack.lab.effects.since()).flatMap(({ kind, name, path, status }) =>
    kind === 'bmc' && name === nodeOf(machine) && path.endsWith('Manager.Reset') ? [status] : [],
  );
}

/** Waits until the operation has looked at the job of this machine at least twice, or has ended. */
async function watched(operation: string, machine: LabMachine): Promise<void> {
  const client = await stack.client('requester');
  const news = () => client.operationEvents(operation, { after: 0, waitMs: 0 });
  const begun = await eventually('it to be watched', async () =>
    (await news()).events.find(({ step }) => step === 'stuck'),
  );
  const { received } = stack.lab.node(nodeOf(machine)).server;
  await eventually('two looks', async () => {
    if (hasEnded((await news()).operation.state)) return true;
    const jobs = received().filter(({ path, at }) => /\/Jobs\/JID_\d+$/.test(path) && at >= Date.parse(begun.time));
    // Three reads, so that the first look is over for sure.
    return jobs.length >= 3 ? true : undefined;
  });
}

function outcome({ state, nodes }: Operation): unknown[] {
  return [state, nodes[0]?.message];
}

/** What proves it, by what this machine says of itself. */
function proof(machine: LabMachine): unknown {
  return expect.stringMatching(bmcProfiles[machine].manager.lastReset ? /^the BMC started at/ : /^the BMC was away/);
}

// One after the other in each rack, which takes minutes on a busy machine.
it('on every machine of the lab, as those that say nothing of their last start', { timeout: 600_000 }, async () => {
  expect(labMachines.filter(machine => !bmcProfiles[machine].manager.lastReset)).toEqual([
    'hpe',
    'ilo6',
    'lenovo',
    'ami',
    'ilo7',
    'x11',
    'dmtf',
  ]);
  const all = await Promise.all(labMachines.map(async machine => [machine, await restarted(machine)] as const));
  for (const [machine, operation] of all) {
    expect([machine, ...outcome(operation)]).toEqual([machine, 'done', proof(machine)]);
    expect([machine, resets(machine)]).toEqual([machine, [204]]);
    expect(stack.lab.node(nodeOf(machine)).host.phase).toBe('os');
  }
});

describe('when its answer is lost', () => {
  it.each(['dell', 'lenovo'] as const)('%s is looked at until it shows, and is not restarted again', async machine => {
    stack.lab.node(nodeOf(machine)).server.faults.set({ kind: 'drop-after-post' });
    expect(outcome(await restarted(machine))).toEqual(['done', proof(machine)]);
    expect(resets(machine)).toEqual([204, 0]);
  });
});

it('by a service that dies over it: the next one finds a BMC that is away, and waits for what it says', async () => {
  const { server } = stack.lab.node(nodeOf('idrac10'));
  const before = resets('idrac10').length;
  const operation = await restart('idrac10');
  await eventually('the request', async () => (resets('idrac10').length > before ? true : undefined));
  server.faults.set({ kind: 'bmc-down', mode: 'refused' });
  await stack.kill();
  await stack.start();
  const startedAt = Date.now();
  await eventually('the service to have looked in vain', async () =>
    Date.now() - startedAt > 3_000 ? true : undefined,
  );
  server.faults.clear('bmc-down');
  expect(outcome(await ended(stack, operation))).toEqual(['done', proof('idrac10')]);
  expect(resets('idrac10')).toHaveLength(before + 1);
});

describe('a job that is stuck', () => {
  it('keeps its BMC from being restarted, until somebody says that this is to free it', async () => {
    const node = nodeOf('dell');
    stack.lab.node(node).server.faults.set({ kind: 'update-stalls', stage: 'download', until: 'bmc-reset' });
    const byHand = await updateByHand(stack, node);
    await byHand.jobIs('Downloading');
    const before = resets('dell').length;
    expect(outcome(await restarted('dell'))).toEqual(['halted', expect.stringContaining('is applying an update')]);
    expect(resets('dell')).toHaveLength(before);
    expect(outcome(await restarted('dell', { recover: true }))).toEqual(['done', proof('dell')]);
    expect(resets('dell')).toHaveLength(before + 1);
    await byHand.jobIs('Scheduled');
    await byHand.close();
  });

  it('is one that stands still: a BMC whose job gets on is not restarted, whatever is said', async () => {
    await reconfigure(stack, ({ rollout }) => {
      rollout.stallLimit = '10m'; // what is held here must not pass for stuck
    });
    const node = nodeOf('idrac10');
    const byHand = await updateByHand(stack, node);
    await byHand.jobIs('Scheduled');
    const { server, host } = stack.lab.node(node);
    // The job is at work until somebody has watched it, however long that takes to ask for.
    server.faults.set({ kind: 'update-stalls', stage: 'flash' });
    host.restart();
    await byHand.jobIs('Running');
    const before = resets('idrac10').length;
    const operation = await restart('idrac10', { recover: true });
    await watched(operation, 'idrac10');
    server.faults.clear('update-stalls');
    expect(outcome(await ended(stack, operation))).toEqual(['halted', expect.stringContaining('makes progress')]);
    expect(resets('idrac10')).toHaveLength(before);
    await byHand.close();
  });
});

it.each(['hpe', 'supermicro'] as const)('is not believed of %s when nothing comes of it', async machine => {
  await reconfigure(stack, ({ rollout }) => {
    rollout.rebootTimeout = '4s';
  });
  stack.lab.node(nodeOf(machine)).server.faults.set({ kind: 'bmc-reset-ignored' });
  const answer = await restarted(machine);
  expect(outcome(answer)).toEqual(['halted', expect.stringContaining('was not seen to be away')]);
});

it('leaves no write without its record', async () => {
  const client = await stack.client('requester');
  // The updates here were begun by hand, with the same account.
  const ours = stack.lab.effects
    .since()
    .filter(({ caller, path }) => caller.startsWith('groundskeeper') && !path.endsWith('SimpleUpdate'));
  expect(ours.length).toBeGreaterThan(labMachines.length);
  expect(unaccounted(ours, await custodyEntries(client))).toEqual([]);
});
