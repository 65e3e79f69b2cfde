/**
 * Updates of the vendors whose way is their own: AMI fetches, Lenovo and OpenBMC are sent their image, and Supermicro is sent
 * it, checks it, and writes it once it is told to. Each through the whole workflow, with lost answers and a service that dies on the way.
 */
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ChangeAnswer } from '../../src/core/change.ts';
import { bmcProfiles } from '../../src/lab/bmc/profiles/catalog.ts';
import { custodyEntries, unaccounted } from '../support/audit.ts';
import { approve, ended, flash, isCordoned, planFlash, reached, reconfigure } from '../support/rollout.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';

let stack: Stack;

// Workers take their machines in turn, beginning with the second. Odd ones are in one rack, even ones in the other, and operations
// take turns in a rack: what is to go side by side is spread over both.
const machines = ['ami', 'openbmc', 'ami', 'supermicro', 'lenovo', 'ami', 'supermicro', 'ami', 'openbmc'] as const;
const nodes = {
  ami: 'bos-w-2',
  lenovo: 'bos-w-4',
  supermicro: 'bos-w-6',
  openbmc: 'bos-w-8',
  silent: 'bos-w-1',
  held: 'bos-w-3',
} as const;

beforeAll(async () => {
  stack = await startStack({ addressBase: '127.109', controlPlanes: 1, workers: 8, machines, speed: 400 });
});
afterAll(() => stack?.close());

const oneOfEach = ['cordon', 'flash', 'reset', 'uncordon'];
const withStart = ['cordon', 'flash', 'write', 'reset', 'uncordon'];

function faultsOf(node: string) {
  return stack.lab.node(node).server.faults;
}

/** By the one who voted for it. */
async function takeBack(operation: string): Promise<void> {
  const voter = await stack.client('approver');
  const approval = (await voter.approvals('approved')).find(each => each.operation === operation);
  await voter.decide(approval?.id ?? '', 'revoke', {
    reason: 'second thoughts',
    passphrase: stack.passphrase('approver'),
  });
}

async function findings(operation: string): Promise<string[]> {
  const entries = await custodyEntries(await stack.client('requester'));
  return entries.flatMap(entry =>
    entry.type === 'effect.reconciled' && entry.operation === operation ? [`${entry.finding}: ${entry.evidence}`] : [],
  );
}

/** Whether an attempt to flash is announced and has no end. */
async function openFlash(operation: string): Promise<true | undefined> {
  const client = new pg.Client({ connectionString: stack.databaseUrl });
  await client.connect();
  const sql = `select from effect where operation = $1 and step like '%/flash' and state = 'open'`;
  const { rowCount } = await client.query(sql, [operation]).finally(() => client.end());
  return rowCount === 1 ? true : undefined;
}

describe.concurrent('side by side', () => {
  it('of AMI and Supermicro go from what runs to what the catalogue wants', async () => {
    const these = ['ami', 'supermicro'] as const;
    const before = these.map(machine => stack.lab.node(nodes[machine]).host.bootId);
    const ends = await Promise.all(these.map(machine => flash(stack, nodes[machine])));
    for (const [index, machine] of these.entries()) {
      const node = nodes[machine];
      const { server, host } = stack.lab.node(node);
      expect(ends[index]).toMatchObject({
        state: 'done',
        nodes: [{ message: expect.stringContaining('active bios is') }],
      });
      expect(server.firmware).toMatchObject({
        active: bmcProfiles[machine].firmware.newBios,
        previous: bmcProfiles[machine].firmware.bios,
      });
      expect(host.bootId).not.toBe(before[index]);
      const steps = machine === 'supermicro' ? withStart : oneOfEach;
      expect([reached(stack, node), isCordoned(stack, node)]).toEqual([steps, false]);
    }
  });

  it('the task that began says that it came; where nothing says so, it waits for a person and is not sent again', async () => {
    const { lenovo, silent } = nodes;
    faultsOf(lenovo).set({ kind: 'drop-after-post' });
    faultsOf(silent).set({ kind: 'drop-after-post' });
    faultsOf(silent).set({ kind: 'update-stalls', stage: 'download' });
    faultsOf(silent).set({ kind: 'task-purge' });
    // Planned before either is away: an earlier one may still be on its way back.
    const plans = [await planFlash(stack, silent), await planFlash(stack, lenovo)] as const;
    const [unheard, told] = [await approve(stack, plans[0]), await approve(stack, plans[1])];

    expect((await ended(stack, told)).state).toBe('done');
    expect([reached(stack, lenovo), isCordoned(stack, lenovo)]).toEqual([oneOfEach, false]);
    expect(stack.lab.node(lenovo).server.firmware.active).toBe(bmcProfiles.lenovo.firmware.newBios);
    expect(await findings(told)).toEqual([expect.stringMatching(/^happened: the BMC has a task/)]);

    expect((await ended(stack, unheard)).nodes.map(({ state }) => state)).toEqual(['ambiguous']);
    expect([reached(stack, silent), isCordoned(stack, silent)]).toEqual([['cordon', 'flash', 'explain'], true]);
    expect(await findings(unheard)).toEqual([expect.stringMatching(/^ambiguous: no new task and no version change/)]);
  });
});

describe('between the image that a BMC has checked and the word to write it', () => {
  const node = nodes.held;

  // What stops it may take its time; a transfer that is held must not pass for one that is stuck.
  beforeAll(() =>
    reconfigure(stack, ({ rollout, sites }) => {
      Object.assign(rollout, { stallLimit: '10m' });
      for (const { budget } of sites.flatMap(({ clusters }) => clusters)) budget.maxUnavailable = 3; // one is cordoned for good
    }),
  );

  const stops: [name: string, stop: (operation: string) => Promise<unknown>][] = [
    ['cancel', async operation => (await stack.client('requester')).callTool('cancelOperation', { operation })],
    ['withdrawal of the approval', takeBack],
    ['freeze', async () => (await stack.client('requester')).callTool('freezeChanges', { reason: 'smoke' })],
  ];

  it.each(stops)('a %s stops it: nothing is written, and the node is given back', async (_name, stop) => {
    const { server } = stack.lab.node(node);
    const [running, before] = [server.firmware.active, reached(stack, node).length];
    server.faults.set({ kind: 'update-stalls', stage: 'download' });
    const operation = await approve(stack, await planFlash(stack, node));
    await eventually('the transfer to be followed', async () => {
      const { events } = await (await stack.client('requester')).operationEvents(operation, { after: 0, waitMs: 0 });
      return events.find(({ step }) => step === '1-bios/transfer');
    });
    await stop(operation);
    server.faults.clear('update-stalls');
    const { state, nodes: parts } = await ended(stack, operation);
    expect([state, parts[0]?.message]).toEqual(['cancelled', expect.stringContaining('keeps the image unwritten')]);
    expect([reached(stack, node).slice(before), isCordoned(stack, node)]).toEqual([
      ['cordon', 'flash', 'uncordon'],
      false,
    ]);
    expect([server.firmware.active, server.firmware.staged]).toEqual([running, undefined]);
  });

  // Until then it takes no other image.
  afterEach(async () => {
    const client = await stack.client('approver');
    const { freezes } = (await client.callTool('getFleetOverview', {})).output as { freezes: { id: string }[] };
    const over = { reason: 'over', passphrase: stack.passphrase('approver') };
    for (const { id } of freezes) await client.unfreeze(id, over);
    const { output } = await (await stack.client('requester')).callTool('resetBmc', { node, dryRun: true });
    expect((await ended(stack, await approve(stack, output as unknown as ChangeAnswer))).state).toBe('done');
  });
});

describe('a service that dies', () => {
  const { held, openbmc } = nodes;
  let before: number;
  let sent: string;
  let announced: string;

  // One death for both: between the image and the word to write it on one node, between the intent and the image on the other.
  beforeAll(async () => {
    before = reached(stack, held).length;
    faultsOf(held).set({ kind: 'update-stalls', stage: 'download' });
    sent = await approve(stack, await planFlash(stack, held));
    announced = await approve(stack, await planFlash(stack, openbmc));
    await eventually('the node to be cordoned', async () => (isCordoned(stack, openbmc) ? true : undefined));
    faultsOf(openbmc).set({ kind: 'slow', ms: 400 }); // what is read right before an image is sent takes seconds now
    const isSent = async () => reached(stack, held).slice(before).includes('flash') || undefined;
    await Promise.all([
      eventually('the image to be there', isSent),
      eventually('the intent to send it', () => openFlash(announced)),
    ]);
    await stack.kill();
    faultsOf(held).clear('update-stalls');
    faultsOf(openbmc).clear('slow');
    expect(reached(stack, held).slice(before)).toEqual(['cordon', 'flash']);
    expect(stack.lab.node(held).server.firmware.staged).toBeUndefined();
    expect(reached(stack, openbmc)).toEqual(['cordon']);
    await stack.start();
  });

  it('between the image and the word to write it sends neither twice', async () => {
    expect((await ended(stack, sent)).state).toBe('done');
    expect([reached(stack, held).slice(before), isCordoned(stack, held)]).toEqual([withStart, false]);
    expect(stack.lab.node(held).server.firmware.active).toBe(bmcProfiles.supermicro.firmware.newBios);
  });

  it('before the image that it announced leaves it to the next one, which sends it once', async () => {
    expect((await ended(stack, announced)).state).toBe('done');
    expect([reached(stack, openbmc), isCordoned(stack, openbmc)]).toEqual([oneOfEach, false]);
    expect(await findings(announced)).toEqual(['not-happened: it was never sent']);
  });
});

it('leaves no write without its record', async () => {
  const entries = await custodyEntries(await stack.client('requester'));
  expect(unaccounted(stack.lab.effects.since(), entries)).toEqual([]);
});
