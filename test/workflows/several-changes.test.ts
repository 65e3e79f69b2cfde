/**
 * Several changes of one node in one drain: BMC, BIOS by its stepping stones, NIC, drives, BIOS settings, one after the other. Whatever ends
 * it between two of them, what is done and what is not is known; and what was done can be taken back by another plan.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Plan } from '../../src/core/plan.ts';
import { showChanges } from '../../src/core/planned-change.ts';
import { bmcProfiles } from '../../src/lab/bmc/profiles/catalog.ts';
import { planCard } from '../../src/planning/plan-card.ts';
import { custodyEntries, unaccounted } from '../support/audit.ts';
import { catalogued } from '../support/bmc-image.ts';
import { approve, ended, isCordoned, reached, reconfigure } from '../support/rollout.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';

let stack: Stack;

const { dell, hpe } = bmcProfiles;
const newBmc = '7.00.00.00';
const stone = 'U46 v1.90 (03/01/2023)';
const newNic = { dell: '22.31.13.70', hpe: '14.35.4030' };
const newDrives = { dell: '2.1.5', hpe: 'HPD3' };
const sasDrives = 'ST2400MM0129';
const biosSettings = '/redfish/v1/Systems/System.Embedded.1/Bios/Settings';

/** Workers take their machines in turn, beginning with the second. */
const nodes = {
  stones: 'bos-w-1',
  partial: 'bos-w-3',
  replaced: 'bos-w-5',
  rebuilding: 'bos-w-7',
  all: 'bos-w-2',
  killed: 'bos-w-4',
  cancelled: 'bos-w-6',
  failed: 'bos-w-8',
};

beforeAll(async () => {
  stack = await startStack({ addressBase: '127.141', workers: 8, machines: ['dell', 'hpe'], speed: 400 });
  const more = [
    await catalogued(stack, 'dell', { id: 'dell-bmc', component: 'bmc', version: newBmc }),
    await catalogued(stack, 'dell', { id: 'dell-bios-before', component: 'bios', version: dell.firmware.bios }),
    await catalogued(stack, 'hpe', { id: 'hpe-stone', component: 'bios', version: stone }),
    await catalogued(stack, 'dell', { id: 'dell-nic', component: 'nic', version: newNic.dell }),
    await catalogued(stack, 'hpe', { id: 'hpe-nic', component: 'nic', version: newNic.hpe }),
    await catalogued(stack, 'dell', {
      id: 'dell-drives',
      component: 'drive',
      version: newDrives.dell,
      drives: ['MZQL23T8HCLS'],
    }),
    await catalogued(stack, 'hpe', {
      id: 'hpe-drives',
      component: 'drive',
      version: newDrives.hpe,
      drives: [sasDrives],
    }),
  ];
  await reconfigure(stack, document => {
    document.firmware = [
      ...document.firmware.map(image => (image.version === hpe.firmware.newBios ? { ...image, needs: stone } : image)),
      ...more,
    ];
    for (const baseline of document.baselines) {
      baseline.images.push('dell-bmc', 'dell-nic', 'hpe-nic', 'dell-drives', 'hpe-drives');
      baseline.bios = [{ models: [dell.model], attributes: { LogicalProc: 'Disabled' } }];
    }
    Object.assign(document.rollout, { pollInterval: '50ms', soak: '0s' });
    for (const { budget } of document.sites.flatMap(site => site.clusters)) budget.maxUnavailable = 6;
  });
  const { store } = stack.lab.sites[0]?.cluster ?? {};
  for (const { metadata } of store?.list('poddisruptionbudgets') ?? [])
    store?.remove('poddisruptionbudgets', { namespace: metadata.namespace, name: metadata.name });
});
afterAll(() => stack?.close());

async function planned(
  tool: string,
  input: object,
): Promise<{ plan: string; digest: string; full: Plan; told: string }> {
  const asker = await stack.client('requester');
  const { output } = await asker.callTool(tool, { ...input, deleteEmptyDir: true });
  const { plan: full, digest } = output as unknown as { plan: Plan; digest: string };
  return { plan: full.id, digest, full, told: showChanges(full.targets[0]?.changes ?? []) };
}

const rollout = (node: string, components?: string[]) =>
  planned('planFirmwareRollout', { site: 'boston', nodes: [node], ...(components ? { components } : {}) });

const each = ['flash', 'reset'];
const revisions = (node: string) =>
  stack.lab
    .node(node)
    .server.drives.drives()
    .map(({ revision }) => revision);

const firmware = (node: string) => stack.lab.node(node).server.firmware;

/** Begins BMC and BIOS on a node, and answers once the first of them runs. */
async function midway(node: string): Promise<string> {
  const operation = await approve(stack, await rollout(node, ['bmc', 'bios']));
  await eventually('the BMC to run its image', async () => (firmware(node).bmc === newBmc ? true : undefined));
  return operation;
}

describe.concurrent('several changes in one drain', () => {
  it('bring a server its BMC, its BIOS and its settings, each proved before the next; and go back by a plan of their own', async () => {
    const node = nodes.all;
    const { full, told, ...plan } = await rollout(node);
    const { active: from } = firmware(node);
    expect(told).toBe(
      `BMC ${dell.firmware.bmc}→${newBmc}, BIOS ${from}→${dell.firmware.newBios}, NIC ${dell.firmware.nic}→${newNic.dell}, 3 drives MZQL23T8HCLS 2.1.3→${newDrives.dell}, LogicalProc Enabled → Disabled`,
    );
    expect(JSON.stringify(planCard(full, plan.digest))).toContain(told);
    const operation = await approve(stack, plan);
    const end = await ended(stack, operation);
    expect([end.state, end.nodes[0]?.message]).toEqual([
      'done',
      expect.stringMatching(
        `^active bmc is ${newBmc}.*; active bios is ${dell.firmware.newBios}; active nic is ${newNic.dell}; 3 of 3 drives run ${newDrives.dell}; in force: LogicalProc = Disabled$`,
      ),
    ]);
    expect(firmware(node)).toMatchObject({ bmc: newBmc, active: dell.firmware.newBios, nic: newNic.dell });
    expect(revisions(node)).toEqual(Array(3).fill(newDrives.dell));
    const inOrder = ['cordon', 'flash', ...each, ...each, ...each, biosSettings, 'reset', 'uncordon'];
    expect([reached(stack, node), isCordoned(stack, node)]).toEqual([inOrder, false]);

    const back = await planned('planRollback', { operation });
    expect(back.told).toBe(`LogicalProc Disabled → Enabled, BIOS ${dell.firmware.newBios}→${from}`);
    expect(back.full.targets[0]?.changes?.[1]).toMatchObject({ image: 'dell-bios-before', downgrade: true });
    expect(back.full.warnings).toContainEqual(`${node}: bmc stays: the catalogue has no image of ${dell.firmware.bmc}`);
    expect((await ended(stack, await approve(stack, back))).state).toBe('done');
    expect(firmware(node)).toMatchObject({ bmc: newBmc, active: from });
    expect(reached(stack, node)).toEqual([...inOrder, 'cordon', biosSettings, 'reset', 'flash', 'reset', 'uncordon']);
  });

  it('take a server by its stepping stones, and it runs each before the next', async () => {
    const node = nodes.stones;
    const { active: from } = firmware(node);
    const { told, ...plan } = await rollout(node);
    expect(told).toBe(
      `BIOS ${from}→${stone}→${hpe.firmware.newBios}, NIC ${hpe.firmware.nic}→${newNic.hpe}, 4 drives ${sasDrives} HPD2→${newDrives.hpe}`,
    );
    expect((await ended(stack, await approve(stack, plan))).state).toBe('done');
    expect(firmware(node)).toMatchObject({ previous: stone, active: hpe.firmware.newBios, nic: newNic.hpe });
    expect(revisions(node)).toEqual(Array(4).fill(newDrives.hpe));
    expect(reached(stack, node)).toEqual(['cordon', ...each, ...each, ...each, ...each, 'uncordon']);
  });

  it('name the drives of the model that an image is for; one that keeps its version is told, and is no success', async () => {
    const node = nodes.partial;
    const { server } = stack.lab.node(node);
    server.drives.replace(2, { serial: 'OTHER', model: 'MB004000', revision: 'HPG1' });
    server.faults.set({ kind: 'drive-keeps-firmware', drive: 3 });
    const { told, full, ...plan } = await rollout(node, ['drive']);
    expect(told).toBe(`3 drives ${sasDrives} HPD2→${newDrives.hpe}`);
    const {
      state,
      nodes: [part],
    } = await ended(stack, await approve(stack, plan));
    const kept = server.drives.drives()[2];
    expect([state, part?.state, part?.message]).toEqual([
      'halted',
      'failed',
      expect.stringContaining(`2 of 3 drives run HPD3: ${kept?.name} (${kept?.serial}) runs HPD2`),
    ]);
    const sent = stack.lab.effects.since().find(({ name, path }) => name === node && path.includes('SimpleUpdate'));
    const targets = [2556, 2558, 2559].map(bay => `/redfish/v1/Chassis/DE00A000/Drives/${bay}`);
    expect(sent?.body).toMatchObject({ Targets: targets });
    expect(revisions(node)).toEqual(['HPD3', 'HPG1', 'HPD2', 'HPD3']);
    expect([reached(stack, node), isCordoned(stack, node)]).toEqual([['cordon', ...each, 'explain'], true]);
  });

  it('write to no drive that is another than was planned, or beside one that expects to fail, and the node is not even drained', async () => {
    const node = nodes.replaced;
    const { server } = stack.lab.node(node);
    const message = async (plan: { plan: string; digest: string }) =>
      (await ended(stack, await approve(stack, plan))).nodes[0]?.message;
    const planned = await rollout(node, ['nic', 'drive']);
    server.drives.replace(1, { serial: 'BRANDNEW' });
    expect(await message(planned)).toMatch(/no drive is written to: .*Bay 1 \(\w+\) is not there any more/);
    const again = await rollout(node, ['drive']);
    server.faults.set({ kind: 'drive-predictive', drive: 4 });
    expect(await message(again)).toMatch(/no drive is written to: .*Bay 4 /);
    expect(reached(stack, node)).toEqual([]);
  });

  it('write to no drive while an array is put together again, whatever else was done; nor is that planned', async () => {
    const node = nodes.rebuilding;
    const { faults } = stack.lab.node(node).server;
    const operation = await approve(stack, await rollout(node, ['nic', 'drive']));
    await eventually('the NIC to run its image', async () => (firmware(node).nic === newNic.hpe ? true : undefined));
    faults.set({ kind: 'array-rebuilding' });
    expect((await ended(stack, operation)).nodes[0]?.message).toMatch(
      /no drive is written to: volume LogicalDrive 1 is being worked on; done: NIC .*; not done: drives HPD3/,
    );
    expect(reached(stack, node)).toEqual(['cordon', ...each, 'explain']);
    await expect(rollout(node, ['drive'])).rejects.toThrow('drives: volume LogicalDrive 1 is being worked on');
  });

  it('a cancel between two changes gives the node back, and says what is done', async () => {
    const node = nodes.cancelled;
    const operation = await midway(node);
    await (await stack.client('requester')).callTool('cancelOperation', { operation });
    const {
      state,
      nodes: [part],
    } = await ended(stack, operation);
    expect([state, part?.state, part?.message]).toEqual([
      'cancelled',
      'cancelled',
      expect.stringContaining(`cancelled after BMC ${newBmc}; BIOS ${dell.firmware.newBios} not begun`),
    ]);
    expect([reached(stack, node), isCordoned(stack, node)]).toEqual([['cordon', 'flash', 'uncordon'], false]);
  });

  it('a failure of the second leaves the node cordoned, and says what is done and what is not', async () => {
    const node = nodes.failed;
    const operation = await midway(node);
    stack.lab.node(node).server.faults.set({ kind: 'reject-update' });
    const {
      state,
      nodes: [part],
    } = await ended(stack, operation);
    expect([state, part?.state, part?.message]).toEqual([
      'halted',
      'failed',
      expect.stringMatching(`refused.*; done: BMC ${newBmc}; not done: BIOS ${dell.firmware.newBios}`),
    ]);
    expect([reached(stack, node), isCordoned(stack, node)]).toEqual([['cordon', 'flash', 'flash', 'explain'], true]);
    const note = stack.lab.sites[0]?.cluster.store.get('nodes', { name: node })?.metadata.annotations;
    expect(JSON.stringify(note)).toContain(`done: BMC ${newBmc}`);
  });
});

it('a service that dies in the middle of the second change sends nothing twice', async () => {
  const node = nodes.killed;
  const operation = await midway(node);
  const { faults } = stack.lab.node(node).server;
  faults.set({ kind: 'update-stalls', stage: 'download' });
  await eventually('the second image', async () =>
    reached(stack, node).filter(word => word === 'flash').length === 2 ? true : undefined,
  );
  await stack.kill();
  faults.clear('update-stalls');
  await stack.start();
  expect((await ended(stack, operation)).state).toBe('done');
  expect([reached(stack, node), isCordoned(stack, node)]).toEqual([
    ['cordon', 'flash', 'flash', 'reset', 'uncordon'],
    false,
  ]);
  expect(firmware(node)).toMatchObject({ bmc: newBmc, active: dell.firmware.newBios });

  const entries = await custodyEntries(await stack.client('requester'));
  const steps = entries.flatMap(entry => (entry.type === 'effect.intent' ? [entry.step] : []));
  expect(steps.filter(step => new RegExp(`^${node}/\\d.*(flash|reset)$`).test(step))).toEqual(
    ['1-bmc/flash', '2-bios/flash', '2-bios/reset'].map(step => `${node}/${step}`),
  );
  expect(unaccounted(stack.lab.effects.since(), entries)).toEqual([]);
});
