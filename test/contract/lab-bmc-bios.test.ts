/** BIOS settings of the lab: what waits, when it comes into force, and what each vendor makes difficult about it. */
import { afterEach, describe, expect, test } from 'vitest';
import { bmcProfiles, type LabMachine, labMachines } from '../../src/lab/bmc/profiles/catalog.ts';
import { eventually, startTestBmc, type TestBmc } from '../support/lab-bmc.ts';
import { valueAt } from '../support/value-at.ts';

const dellBios = '/redfish/v1/Systems/System.Embedded.1/Bios';
const dellJobs = '/redfish/v1/Managers/iDRAC.Embedded.1/Oem/Dell/Jobs';
const onReset = { '@Redfish.SettingsApplyTime': { ApplyTime: 'OnReset' } };
const stops: (() => Promise<void>)[] = [];

afterEach(() => Promise.all(stops.splice(0).map(stop => stop())));

async function start(vendor: LabMachine, address: string, speed = 3000): Promise<TestBmc> {
  const bmc = await startTestBmc({ vendor, address, speed });
  stops.push(bmc.stop);
  return bmc;
}

/** Finds the settings by links from the system. */
async function find(bmc: TestBmc, vendor: LabMachine) {
  const system = await bmc.get(`/redfish/v1/Systems/${bmcProfiles[vendor].systemId}`);
  const bios = String(valueAt(system, 'Bios', '@odata.id'));
  const body = await bmc.get(bios);
  return { bios, body, settings: String(valueAt(body, '@Redfish.Settings', 'SettingsObject', '@odata.id')) };
}

async function attributesAt(bmc: TestBmc, uri: string): Promise<Record<string, unknown>> {
  return valueAt(await bmc.get(uri), 'Attributes') as Record<string, unknown>;
}

async function registryOf(bmc: TestBmc, id: unknown): Promise<Record<string, unknown>[]> {
  const files = (await bmc.get('/redfish/v1/Registries')).Members ?? [];
  for (const { '@odata.id': uri } of files) {
    const file = await bmc.get(String(uri));
    if (valueAt(file, 'Registry') !== id) continue;
    const registry = await bmc.get(String(valueAt(file, 'Location', 0, 'Uri')));
    return valueAt(registry, 'RegistryEntries', 'Attributes') as Record<string, unknown>[];
  }
  throw new Error(`no registry ${id}`);
}

async function restart(bmc: TestBmc): Promise<void> {
  const before = bmc.host.bootId;
  bmc.host.restart();
  await eventually('the boot', () => bmc.host.bootId !== before);
}

const settable = labMachines.filter(machine => bmcProfiles[machine].acts.bios.settings !== undefined);

describe.each(settable)('BIOS settings of %s', vendor => {
  test('wait until the host was reset, and are in force then', async () => {
    const bmc = await start(vendor, '127.31.22.1');
    const { bios, body, settings } = await find(bmc, vendor);
    const entries = await registryOf(bmc, valueAt(body, 'AttributeRegistry'));
    const before = await attributesAt(bmc, bios);
    expect(entries.map(entry => entry.AttributeName).sort()).toEqual(Object.keys(before).sort());
    const { name, wanted } = choice(entries, before);
    const changed = await bmc.send('PATCH', settings, { body: { Attributes: { [name]: wanted }, ...onReset } });
    expect(changed.status).toBeLessThan(300);
    expect((await attributesAt(bmc, settings))[name]).toBe(wanted);
    expect((await attributesAt(bmc, bios))[name]).toBe(before[name]);
    await restart(bmc);
    expect((await attributesAt(bmc, bios))[name]).toBe(wanted);
    const left = await attributesAt(bmc, settings);
    expect(bmcProfiles[vendor].acts.bios.pending === 'all' ? left[name] : Object.keys(left)).toEqual(
      bmcProfiles[vendor].acts.bios.pending === 'all' ? wanted : [],
    );
  });

  test('refuse what the registry rules out, all of it at once', async () => {
    const bmc = await start(vendor, '127.31.22.2');
    const { bios, body, settings } = await find(bmc, vendor);
    const before = await attributesAt(bmc, bios);
    for (const entry of await registryOf(bmc, valueAt(body, 'AttributeRegistry'))) {
      const name = String(entry.AttributeName);
      const wrong = entry.ReadOnly === true ? before[name] : outside(entry);
      const answer = await bmc.send('PATCH', settings, { body: { Attributes: { [name]: wrong } } });
      expect([name, answer.status]).toEqual([name, 400]);
    }
    const unknown = await bmc.send('PATCH', settings, { body: { Attributes: { ...before, Turbo: 'Max' } } });
    expect(unknown.status).toBe(400);
    expect(await attributesAt(bmc, settings)).toEqual(bmcProfiles[vendor].acts.bios.pending === 'all' ? before : {});
    expect((await bmc.send('PATCH', bios, { body: { Attributes: {} } })).status).toBe(405);
  });

  test('go back to the defaults by ResetBios', async () => {
    const bmc = await start(vendor, '127.31.22.3');
    const { bios, body, settings } = await find(bmc, vendor);
    const before = await attributesAt(bmc, bios);
    const { name, wanted } = choice(await registryOf(bmc, valueAt(body, 'AttributeRegistry')), before);
    await bmc.send('PATCH', settings, { body: { Attributes: { [name]: wanted }, ...onReset } });
    await restart(bmc);
    const changed = { ...before, [name]: wanted };
    expect(await attributesAt(bmc, bios)).toEqual(changed);
    const action = String(valueAt(await bmc.get(bios), 'Actions', '#Bios.ResetBios', 'target'));
    expect((await bmc.send('POST', action, { body: {} })).status).toBe(204);
    expect(valueAt(await bmc.get(bios), 'ResetBiosToDefaultsPending')).toBe(true);
    expect(await attributesAt(bmc, bios)).toEqual(changed);
    await restart(bmc);
    expect(await attributesAt(bmc, bios)).toEqual(before);
  });
});

/** An attribute and a value that it has not now. */
function choice(entries: Record<string, unknown>[], before: Record<string, unknown>): { name: string; wanted: string } {
  for (const { AttributeName: name, Type: type, Value: values } of entries) {
    if (type !== 'Enumeration') continue;
    // Where values are numbered, their labels are what is shown and taken.
    const labels = (values as { ValueDisplayName: string }[]).map(each => each.ValueDisplayName);
    const other = labels.find(label => label !== before[String(name)]);
    if (other !== undefined) return { name: String(name), wanted: other };
  }
  throw new Error('nothing to choose from');
}

/** A value that this entry of a registry does not allow. */
function outside(entry: Record<string, unknown>): unknown {
  if (entry.Type === 'Integer') return Number(entry.UpperBound) + 1;
  if (entry.Type === 'String') return 'x'.repeat(Number(entry.MaxLength) + 1);
  return entry.Type === 'Boolean' ? 'true' : 'NoSuchValue';
}

describe('BIOS settings of an iDRAC', () => {
  const change = { Attributes: { LogicalProc: 'Disabled' } };
  const other = { Attributes: { ProcVirtualization: 'Disabled' } };
  const logicalProc = async (bmc: TestBmc) => (await attributesAt(bmc, dellBios)).LogicalProc;

  test('without an apply time wait for a job, through any number of resets', async () => {
    const bmc = await start('dell', '127.31.22.4');
    expect((await bmc.send('PATCH', `${dellBios}/Settings`, { body: change })).status).toBe(204);
    await restart(bmc);
    expect(await logicalProc(bmc)).toBe('Enabled');
    const job = await bmc.send('POST', dellJobs, { body: { TargetSettingsURI: `${dellBios}/Settings` } });
    expect([job.status, job.headers.location]).toEqual([202, expect.stringContaining('/TaskService/Tasks/JID_')]);
    await restart(bmc);
    expect(await logicalProc(bmc)).toBe('Disabled');
  });

  test('take nothing more while a job is scheduled; deleting it drops the change', async () => {
    const bmc = await start('dell', '127.31.22.5');
    const scheduled = await bmc.send('PATCH', `${dellBios}/Settings`, { body: { ...change, ...onReset } });
    const id = String(scheduled.headers.location).split('/').at(-1);
    expect((await bmc.get(`${dellJobs}/${id}`)).JobState).toBe('Scheduled');
    const second = await bmc.send('PATCH', `${dellBios}/Settings`, { body: { ...other, ...onReset } });
    expect(second.status).toBe(400);
    expect(second.body.error?.['@Message.ExtendedInfo']?.[0]?.MessageId).toBe('IDRAC.2.8.SYS011');
    expect((await bmc.send('DELETE', `${dellJobs}/${id}`)).status).toBe(204);
    expect((await bmc.get(`${dellJobs}/${id}`)).JobState).toBe('Failed');
    expect((await bmc.send('PATCH', `${dellBios}/Settings`, { body: { ...other, ...onReset } })).status).toBe(202);
    await restart(bmc);
    expect(await attributesAt(bmc, dellBios)).toMatchObject({ LogicalProc: 'Enabled', ProcVirtualization: 'Disabled' });
  });

  test('are dropped by ClearPending, unless a job has them', async () => {
    const bmc = await start('dell', '127.31.22.6');
    await bmc.send('PATCH', `${dellBios}/Settings`, { body: change });
    const settings = await bmc.get(`${dellBios}/Settings`);
    const clear = String(valueAt(settings, 'Actions', 'Oem', '#DellManager.ClearPending', 'target'));
    expect((await bmc.send('POST', clear, { body: {} })).status).toBe(204);
    expect(await attributesAt(bmc, `${dellBios}/Settings`)).toEqual({});
    const nothing = await bmc.send('POST', dellJobs, { body: { TargetSettingsURI: `${dellBios}/Settings` } });
    expect(nothing.status).toBe(400);
    await bmc.send('PATCH', `${dellBios}/Settings`, { body: { ...change, ...onReset } });
    expect((await bmc.send('POST', clear, { body: {} })).status).toBe(400);
  });

  test('refuse an apply time that is not announced', async () => {
    const bmc = await start('dell', '127.31.22.7');
    const never = { '@Redfish.SettingsApplyTime': { ApplyTime: 'Never' } };
    expect((await bmc.send('PATCH', `${dellBios}/Settings`, { body: { ...change, ...never } })).status).toBe(400);
    expect(await attributesAt(bmc, `${dellBios}/Settings`)).toEqual({});
  });
});

test('a stock OpenBMC has a Bios that nothing can be set on', async () => {
  const bmc = await start('openbmc', '127.31.22.8');
  const bios = '/redfish/v1/Systems/system/Bios';
  expect(valueAt(await bmc.get(bios), '@Redfish.Settings')).toBeUndefined();
  expect((await bmc.send('PATCH', `${bios}/Settings`, { body: { Attributes: {} } })).status).toBe(404);
});
