/** What the lab's BMCs can be told about the next boot, and what the host then really starts from. */
import { afterEach, describe, expect, test } from 'vitest';
import { bmcProfiles, type LabMachine, labMachines } from '../../src/lab/bmc/profiles/catalog.ts';
import { eventually, startImageServer, startTestBmc, type TestBmc } from '../support/lab-bmc.ts';
import { valueAt } from '../support/value-at.ts';

const stops: (() => Promise<void>)[] = [];

afterEach(() => Promise.all(stops.splice(0).map(stop => stop())));

async function start(vendor: LabMachine, address: string, speed = 3000): Promise<TestBmc> {
  const bmc = await startTestBmc({ vendor, address, speed });
  stops.push(bmc.stop);
  return bmc;
}

function systemOf(vendor: LabMachine): string {
  return `/redfish/v1/Systems/${bmcProfiles[vendor].systemId}`;
}

/** Where this vendor takes a boot override. */
function placeOf(vendor: LabMachine): string {
  const { settings } = bmcProfiles[vendor].acts.boot;
  return settings?.only ? `${systemOf(vendor)}/${settings.id}` : systemOf(vendor);
}

async function override(bmc: TestBmc, vendor: LabMachine, boot: Record<string, unknown>): Promise<number> {
  return (await bmc.send('PATCH', placeOf(vendor), { body: { Boot: boot } })).status;
}

async function shown(bmc: TestBmc, vendor: LabMachine, at = systemOf(vendor)) {
  const body = await bmc.get(at);
  return [valueAt(body, 'Boot', 'BootSourceOverrideEnabled'), valueAt(body, 'Boot', 'BootSourceOverrideTarget')];
}

/** Resets the host and waits for what comes of it. */
async function restart(bmc: TestBmc, vendor: LabMachine) {
  const before = bmc.host.lastBoot;
  const reset = `${systemOf(vendor)}/Actions/ComputerSystem.Reset`;
  expect((await bmc.send('POST', reset, { body: { ResetType: 'ForceRestart' } })).status).toBe(204);
  return eventually('the boot', () => (bmc.host.lastBoot === before ? undefined : bmc.host.lastBoot));
}

describe('a boot override', () => {
  test.each(labMachines)('%s: for once is used up by the next boot', async vendor => {
    const bmc = await start(vendor, '127.31.20.1');
    const bootId = bmc.host.bootId;
    const once = { BootSourceOverrideEnabled: 'Once', BootSourceOverrideTarget: 'Pxe' };
    expect(await override(bmc, vendor, once)).toBe(204);
    expect(await shown(bmc, vendor, placeOf(vendor))).toEqual(['Once', 'Pxe']);
    expect(await restart(bmc, vendor)).toEqual({ asked: 'Pxe', runs: 'disk' });
    expect(bmc.host.bootId).not.toBe(bootId);
    expect(await shown(bmc, vendor)).toEqual(['Disabled', 'None']);
    expect(await shown(bmc, vendor, placeOf(vendor))).toEqual(['Disabled', 'None']);
    expect(await restart(bmc, vendor)).toEqual({ asked: 'None', runs: 'disk' });
  });

  test('until further notice stays', async () => {
    const bmc = await start('dell', '127.31.20.2');
    await override(bmc, 'dell', { BootSourceOverrideEnabled: 'Continuous', BootSourceOverrideTarget: 'Hdd' });
    expect((await restart(bmc, 'dell')).asked).toBe('Hdd');
    expect(await shown(bmc, 'dell')).toEqual(['Continuous', 'Hdd']);
  });

  test('into the setup leaves the host there until it is reset', async () => {
    const bmc = await start('openbmc', '127.31.20.3');
    await override(bmc, 'openbmc', { BootSourceOverrideEnabled: 'Once', BootSourceOverrideTarget: 'BiosSetup' });
    expect((await restart(bmc, 'openbmc')).runs).toBe('setup');
    expect(bmc.host.phase).toBe('post');
    expect((await restart(bmc, 'openbmc')).runs).toBe('disk');
    expect(bmc.host.phase).toBe('os');
  });

  test('with a value that the vendor has not is refused, and nothing of the request is done', async () => {
    const bmc = await start('lenovo', '127.31.20.4');
    const wrong = { BootSourceOverrideEnabled: 'Continuous', BootSourceOverrideTarget: 'Cd' };
    const answer = await bmc.send('PATCH', systemOf('lenovo'), { body: { AssetTag: 'X1', Boot: wrong } });
    expect(answer.status).toBe(400);
    expect(answer.body.error?.['@Message.ExtendedInfo']?.[0]?.MessageId).toMatch(/PropertyValueNotInList$/);
    expect(await shown(bmc, 'lenovo')).toEqual(['Disabled', 'None']);
    expect((await bmc.get(systemOf('lenovo'))).AssetTag).toBe('');
  });

  test('AMI: the system itself takes none, and shows none before the boot', async () => {
    const bmc = await start('ami', '127.31.20.5');
    const once = { BootSourceOverrideEnabled: 'Once', BootSourceOverrideTarget: 'Cd' };
    expect((await bmc.send('PATCH', systemOf('ami'), { body: { Boot: once } })).status).toBe(400);
    const system = await bmc.get(systemOf('ami'));
    expect(valueAt(system, '@Redfish.Settings', 'SettingsObject', '@odata.id')).toBe(placeOf('ami'));
    expect(await override(bmc, 'ami', once)).toBe(204);
    expect(await shown(bmc, 'ami')).toEqual(['Disabled', 'None']);
  });

  test('Supermicro: goes back to Legacy unless the mode is sent, and then nothing from outside starts', async () => {
    const bmc = await start('supermicro', '127.31.20.6');
    const images = await startImageServer({ '/boot.efi': Buffer.from('image') });
    stops.push(images.stop);
    const uri = `${images.url}/boot.efi`;
    const once = { BootSourceOverrideEnabled: 'Once', BootSourceOverrideTarget: 'UefiHttp', HttpBootUri: uri };
    await override(bmc, 'supermicro', once);
    const system = await bmc.get(systemOf('supermicro'));
    expect(valueAt(system, 'Boot', 'BootSourceOverrideMode')).toBe('Legacy');
    expect(await restart(bmc, 'supermicro')).toEqual({ asked: 'UefiHttp', runs: 'disk' });
    expect(images.fetches).toEqual([]);
    await override(bmc, 'supermicro', { ...once, BootSourceOverrideMode: 'UEFI' });
    expect(await restart(bmc, 'supermicro')).toEqual({ asked: 'UefiHttp', runs: 'image', image: uri });
    expect(images.fetches).toEqual([{ path: '/boot.efi', from: '127.31.20.6' }]);
  });

  test('HPE: is refused during POST', async () => {
    const bmc = await start('hpe', '127.31.20.7', 300);
    bmc.host.restart();
    const boot = { BootSourceOverrideEnabled: 'Once', BootSourceOverrideTarget: 'Pxe' };
    const answer = await bmc.send('PATCH', systemOf('hpe'), { body: { Boot: boot } });
    expect(answer.status).toBe(400);
    expect(answer.body.error?.['@Message.ExtendedInfo']?.[0]?.MessageId).toContain('UnableToModifyDuringSystemPOST');
    await eventually('the OS', () => bmc.host.phase === 'os');
    expect(await override(bmc, 'hpe', boot)).toBe(204);
  });

  test('HPE: HttpBootUri is taken and ignored; the BIOS attribute is where HTTP boot goes', async () => {
    const bmc = await start('hpe', '127.31.20.8');
    const images = await startImageServer({ '/a.efi': Buffer.from('a'), '/b.efi': Buffer.from('b') });
    stops.push(images.stop);
    const once = { BootSourceOverrideEnabled: 'Once', BootSourceOverrideTarget: 'UefiHttp' };
    expect(await override(bmc, 'hpe', { ...once, HttpBootUri: `${images.url}/a.efi` })).toBe(204);
    expect((await restart(bmc, 'hpe')).runs).toBe('disk');
    const attributes = { UrlBootFile: `${images.url}/b.efi` };
    const set = await bmc.send('PATCH', '/redfish/v1/Systems/1/bios/settings', { body: { Attributes: attributes } });
    expect(set.status).toBe(204);
    await override(bmc, 'hpe', once);
    expect(await restart(bmc, 'hpe')).toMatchObject({ runs: 'image', image: `${images.url}/b.efi` });
    expect(images.fetches.map(({ path }) => path)).toEqual(['/b.efi']);
  });
});

describe('the locating light', () => {
  test('has two names that agree, where the vendor has both', async () => {
    const bmc = await start('dell', '127.31.20.9');
    const lights = async () => {
      const system = await bmc.get(systemOf('dell'));
      return [valueAt(system, 'IndicatorLED'), valueAt(system, 'LocationIndicatorActive')];
    };
    expect(await lights()).toEqual(['Off', false]);
    await bmc.send('PATCH', systemOf('dell'), { body: { LocationIndicatorActive: true } });
    expect(await lights()).toEqual(['Blinking', true]);
    await bmc.send('PATCH', systemOf('dell'), { body: { IndicatorLED: 'Off' } });
    expect(await lights()).toEqual(['Off', false]);
    expect((await bmc.send('PATCH', systemOf('dell'), { body: { IndicatorLED: 'Disco' } })).status).toBe(400);
  });

  test('Lenovo: has the older name alone', async () => {
    const bmc = await start('lenovo', '127.31.20.10');
    const system = systemOf('lenovo');
    expect((await bmc.send('PATCH', system, { body: { LocationIndicatorActive: true } })).status).toBe(400);
    expect((await bmc.send('PATCH', system, { body: { IndicatorLED: 'Lit' } })).status).toBe(204);
    expect(valueAt(await bmc.get(system), 'IndicatorLED')).toBe('Lit');
  });
});
