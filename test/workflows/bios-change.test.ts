/** BIOS settings from plan to proof, on every kind of machine: set once on an empty node, in force by the BIOS's own word, or told. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FleetError } from '../../src/core/errors.ts';
import type { Plan } from '../../src/core/plan.ts';
import { bmcProfiles, type LabMachine } from '../../src/lab/bmc/profiles/catalog.ts';
import { planCard } from '../../src/planning/plan-card.ts';
import { changes, custodyEntries, unaccounted } from '../support/audit.ts';
import { byHand } from '../support/by-hand.ts';
import { approve, blockedDrain, ended, isCordoned, type Planned, pinned, reached, siteOf } from '../support/rollout.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';
import { valueAt } from '../support/value-at.ts';

let stack: Stack;

beforeAll(async () => {
  // The first machine becomes the first control-plane node, and no worker.
  stack = await startStack({
    addressBase: '127.131',
    workers: machines.length,
    machines: ['openbmc', ...machines],
    speed: 60,
  });
});
afterAll(() => stack?.close());

function nodeOf(machine: LabMachine): string {
  return machine === 'openbmc' ? 'bos-cp-1' : `bos-w-${machines.indexOf(machine) + 1}`;
}

type Settable = Exclude<LabMachine, 'openbmc'>;

/** From and to, in the words of each vendor. */
const settings: Record<Settable, [name: string, from: unknown, to: unknown]> = {
  dell: ['LogicalProc', 'Enabled', 'Disabled'],
  idrac10: ['AcPwrRcvryUserDelay', 120, 240],
  hpe: ['ProcHyperthreading', 'Enabled', 'Disabled'],
  ilo6: ['ServerAssetTag', '', 'rack 7'],
  lenovo: ['Processors_HyperThreading', 'Enable', 'Disable'],
  supermicro: ['Hyper_Threading_ALL__00B5', 'Enable', 'Disable'],
  ami: ['SETUP006', 3, 10],
  nvidia: ['DisableChannelSparing', false, true],
  ilo7: ['WorkloadProfile', 'GeneralPowerEfficientCompute', 'Custom'],
  x11: ['SR_IOVSupport_0046', 'Enabled', 'Disabled'],
  dmtf: ['ProcCoreDisable', 0, 4],
};
const machines = Object.keys(settings) as Settable[];

function settingsPath(machine: Settable): string {
  const { systemId, acts } = bmcProfiles[machine];
  return `/redfish/v1/Systems/${systemId}/${acts.bios.id}/${acts.bios.settings}`;
}

async function plan(machine: LabMachine, ...wanted: string[]): Promise<Planned & { full: Plan }> {
  const asker = await stack.client('requester');
  const input = { node: nodeOf(machine), settings: wanted, deleteEmptyDir: true };
  const { output } = await asker.callTool('planBiosChange', input);
  const { plan: full, digest } = output as unknown as { plan: Plan; digest: string };
  return { plan: full.id, digest, full };
}

async function change(machine: LabMachine, ...wanted: string[]) {
  const { state, nodes } = await ended(stack, await approve(stack, await plan(machine, ...wanted)));
  return [state, nodes[0]?.message];
}

/** Bodies that the settings object received, refused ones too. */
function sent(machine: Settable): unknown[] {
  return changes(stack.lab.effects.since()).flatMap(({ name, path, body }) =>
    name === nodeOf(machine) && path === settingsPath(machine) ? [body] : [],
  );
}

/** In force, by the BIOS itself. */
async function inForce(machine: Settable, attribute: string): Promise<unknown> {
  const { ask, close } = await byHand(stack, nodeOf(machine));
  const { systemId, acts } = bmcProfiles[machine];
  const bios: unknown = JSON.parse(await ask(`/Systems/${systemId}/${acts.bios.id}`));
  await close();
  return valueAt(bios, 'Attributes', attribute);
}

describe.each(machines)('%s', machine => {
  const [attribute, from, to] = settings[machine];
  const node = nodeOf(machine);

  it('gets a setting on an empty node, in one request and one restart, and shows it before it takes pods again', async () => {
    const planned = await plan(machine, `${attribute}=${to}`);
    expect(planned.full.targets[0]?.changes).toMatchObject([{ settings: [{ attribute, from, to }] }]);
    const { state, nodes } = await ended(stack, await approve(stack, planned));
    expect([state, nodes[0]?.message]).toEqual(['done', `in force: ${attribute} = ${to}`]);
    expect(reached(stack, node)).toEqual(['cordon', settingsPath(machine), 'reset', 'uncordon']);
    const { jobs, applyTimes } = bmcProfiles[machine].acts.bios;
    const when = jobs || applyTimes ? { '@Redfish.SettingsApplyTime': { ApplyTime: 'OnReset' } } : {};
    expect(sent(machine)).toEqual([{ Attributes: { [attribute]: to }, ...when }]);
    expect(await inForce(machine, attribute)).toBe(to);
    expect(isCordoned(stack, node)).toBe(false);
  });
});

it('is read on the card that people approve', async () => {
  const { full, digest } = await plan('dell', 'LogicalProc=Enabled', 'SriovGlobalEnable=Enabled');
  const text = JSON.stringify(planCard(full, digest));
  expect(text).toContain('LogicalProc Disabled → Enabled, SriovGlobalEnable Disabled → Enabled');
  expect(text).toContain('going back is another plan');
});

describe('nothing is planned', () => {
  const refused = (machine: LabMachine, ...wanted: string[]) =>
    plan(machine, ...wanted).then(
      () => 'planned',
      thrown => FleetError.from(thrown),
    );

  it('of a name or value that the server does not have: what it has is said', async () => {
    const wrong = await refused('dell', 'LogicalProcs=Disabled', 'SysProfile=Fast', 'SystemBiosVersion=9');
    expect(wrong).toMatchObject({ code: 'invalid_input' });
    const { message } = wrong as FleetError;
    expect(message).toContain('did you mean LogicalProc?');
    expect(message).toContain('SysProfile takes PerfPerWattOptimizedDapc, PerfPerWattOptimizedOs');
    expect(message).toContain('SystemBiosVersion is read-only');
  });

  it('of what another setting keeps from having effect, or of where a server fetches from', async () => {
    expect(await refused('supermicro', 'WatchDogTimeout_0021=10')).toMatchObject({
      message: expect.stringContaining('while WatchDogFunction_0033 is Disabled'),
    });
    expect(await refused('hpe', 'UrlBootFile=http://127.0.0.1/a.efi')).toMatchObject({
      message: expect.stringContaining('part of an HTTP boot'),
    });
  });

  it('where the settings are so already, or the BMC lets nothing be set', async () => {
    const [attribute, , to] = settings.lenovo;
    expect(await refused('lenovo', `${attribute}=${to}`)).toMatchObject({ code: 'precondition_failed' });
    expect(await refused('openbmc', 'Anything=1')).toMatchObject({ code: 'bmc_refused' });
  });
});

describe('what the BIOS drops in silence', () => {
  it.each(['dell', 'ilo6'] as const)(
    '%s: is told, although the BMC took it, and the node stays cordoned',
    async machine => {
      const [attribute, , to] = settings[machine];
      const back = machine === 'dell' ? 'Enabled' : 'rack 8';
      stack.lab.node(nodeOf(machine)).server.faults.set({ kind: 'bios-drops-settings' });
      const [state, message] = await change(machine, `${attribute}=${back}`);
      expect([state, message]).toEqual([
        'halted',
        expect.stringContaining(`did not take what its BMC had accepted: ${attribute} is ${to}, wanted ${back}`),
      ]);
      expect(await inForce(machine, attribute)).toBe(to);
      expect(isCordoned(stack, nodeOf(machine))).toBe(true);
      stack.lab.node(nodeOf(machine)).server.faults.clear('bios-drops-settings');
      const { store } = siteOf(stack, nodeOf(machine)).cluster;
      store.update('nodes', { name: nodeOf(machine) }, draft => {
        draft.spec.unschedulable = false;
      });
    },
  );
});

describe('when the answer is lost', () => {
  it.each(['idrac10', 'ami'] as const)(
    '%s: the job or the waiting setting is found, and nothing is sent again',
    async machine => {
      const [attribute, from] = settings[machine];
      const before = sent(machine).length;
      stack.lab.node(nodeOf(machine)).server.faults.set({ kind: 'drop-after-post' });
      const wanted = machine === 'ami' ? 'SETUP006=20' : `${attribute}=${from}`;
      expect(await change(machine, wanted)).toEqual(['done', expect.stringContaining('in force')]);
      expect(sent(machine)).toHaveLength(before + 1);
      const statuses = stack.lab.effects.since().filter(({ path }) => path === settingsPath(machine));
      expect(statuses.some(({ name, status }) => name === nodeOf(machine) && status === 0)).toBe(true);
    },
  );
});

it('a service that dies after it sent the setting goes on where it was, and sends and restarts nothing twice', async () => {
  const machine = 'nvidia';
  const before = reached(stack, nodeOf(machine));
  const operation = await approve(stack, await plan(machine, 'DisableChannelSparing=false'));
  await eventually('the request', async () => (sent(machine).length === 2 ? true : undefined));
  await stack.kill();
  await stack.start();
  expect((await ended(stack, operation)).state).toBe('done');
  expect(reached(stack, nodeOf(machine)).slice(before.length)).toEqual([
    'cordon',
    settingsPath(machine),
    'reset',
    'uncordon',
  ]);
  expect(await inForce(machine, 'DisableChannelSparing')).toBe(false);
});

it('what somebody else left waiting for the next start is not brought into force by a plan that does not name it', async () => {
  const { ask, close } = await byHand(stack, nodeOf('hpe'));
  const before = reached(stack, nodeOf('hpe')).length;
  await ask('/Systems/1/bios/settings', { Attributes: { Sriov: 'Disabled' } }, 'PATCH');
  expect(await change('hpe', 'ProcHyperthreading=Enabled')).toEqual([
    'halted',
    expect.stringContaining('BIOS settings wait for its next start that this plan does not name: Sriov'),
  ]);
  expect(reached(stack, nodeOf('hpe')).slice(before)).toEqual(['/redfish/v1/Systems/1/bios/settings']);
  expect(isCordoned(stack, nodeOf('hpe'))).toBe(false);
  await close();
});

it('a change that is cancelled while its drain waits sets nothing, and takes its cordon back', async () => {
  const { node, unpin } = await pinned(siteOf(stack, nodeOf('lenovo')));
  const machine = machines.find(each => nodeOf(each) === node);
  if (machine === undefined) throw new Error(`${node} is no worker`);
  const [attribute, from] = settings[machine];
  const before = sent(machine).length;
  const wanted = machine === 'nvidia' ? 'DisableChannelSparing=true' : `${attribute}=${from}`;
  const operation = await approve(stack, await plan(machine, wanted));
  await blockedDrain(stack, operation);
  await (await stack.client('requester')).callTool('cancelOperation', { operation });
  expect((await ended(stack, operation)).state).toBe('cancelled');
  expect([sent(machine).length, isCordoned(stack, node)]).toEqual([before, false]);
  unpin();
});

it('leaves no write without its record', async () => {
  const client = await stack.client('requester');
  // What was left waiting on the iLO was set by hand, with the same account.
  const ours = stack.lab.effects
    .since()
    .filter(({ caller, body }) => caller.startsWith('groundskeeper') && !JSON.stringify(body).includes('Sriov":"Dis'));
  expect(ours.length).toBeGreaterThan(machines.length * 4);
  expect(unaccounted(ours, await custodyEntries(client))).toEqual([]);
});
