import { afterEach, describe, expect, test } from 'vitest';
import { bmcProfiles } from '../../src/lab/bmc/profiles/catalog.ts';
import type { LabVendor } from '../../src/lab/bmc/profiles/profile.ts';
import { makeImage } from '../../src/lab/images.ts';
import { eventually, startImageServer, startTestBmc, type TestBmc } from '../support/lab-bmc.ts';

const simpleUpdate = '/redfish/v1/UpdateService/Actions/UpdateService.SimpleUpdate';
const dellSystem = '/redfish/v1/Systems/System.Embedded.1';
const stops: (() => Promise<void>)[] = [];

afterEach(() => Promise.all(stops.splice(0).map(stop => stop())));

async function start(vendor: Exclude<LabVendor, 'generic'>, address: string, speed = 600): Promise<TestBmc> {
  const bmc = await startTestBmc({ vendor, address, speed });
  stops.push(bmc.stop);
  return bmc;
}

async function imageFor(vendor: Exclude<LabVendor, 'generic'>): Promise<string> {
  const { model, firmware } = bmcProfiles[vendor];
  const header = { vendor, models: [model], component: 'bios' as const, version: firmware.newBios };
  const images = await startImageServer({ '/bios.bin': makeImage(header) });
  stops.push(images.stop);
  return `${images.url}/bios.bin`;
}

async function update(bmc: TestBmc, imageUri: string, extra: Record<string, unknown> = {}) {
  const accepted = await bmc.send('POST', simpleUpdate, { body: { ImageURI: imageUri, ...extra } });
  expect(accepted.status).toBe(202);
  const state = async () => String((await bmc.get(String(accepted.body['@odata.id']))).TaskState);
  return { state };
}

describe('a failing fan', () => {
  test('stops, the others speed up, the CPUs get hot, the log says so, and all of it goes back', async () => {
    const bmc = await start('dell', '127.31.5.1', 6000);
    const read = async () => {
      const thermal = await bmc.get('/redfish/v1/Chassis/System.Embedded.1/Thermal');
      const fans = (thermal.Fans ?? []).map(fan => ({ rpm: Number(fan.Reading), health: String(fan.Status?.Health) }));
      return { fans, cpu: Number(thermal.Temperatures?.[1]?.ReadingCelsius) };
    };
    const before = await read();
    expect(before.fans.every(fan => fan.health === 'OK' && fan.rpm > 8000)).toBe(true);
    bmc.bmc.faults.set({ kind: 'fan-failing', fan: 2 });
    const hot = await eventually('heat', async () => {
      const now = await read();
      return now.cpu > before.cpu + 25 ? now : undefined;
    });
    expect(hot.fans[1]).toEqual({ rpm: 0, health: 'Critical' });
    expect(hot.fans[0]?.rpm).toBeGreaterThan(9500);
    expect((await bmc.get(dellSystem)).Status?.Health).toBe('Critical');
    const sel = await bmc.get('/redfish/v1/Managers/iDRAC.Embedded.1/LogServices/Sel/Entries');
    expect(sel.Members?.[0]).toMatchObject({ MessageId: 'FAN0001', Severity: 'Critical' });
    bmc.bmc.faults.clear();
    await eventually('cooling', async () => (await read()).cpu < before.cpu + 4);
    expect((await bmc.get(dellSystem)).Status?.Health).toBe('OK');
  });

  test('shows in ThermalSubsystem and Sensors of an OpenBMC', async () => {
    const bmc = await start('openbmc', '127.31.5.2', 6000);
    bmc.bmc.faults.set({ kind: 'fan-failing' });
    const fan = '/redfish/v1/Chassis/chassis/ThermalSubsystem/Fans/fan0';
    await eventually('the fan to stop', async () => (await bmc.get(fan)).SpeedPercent?.SpeedRPM === 0);
    expect((await bmc.get('/redfish/v1/Chassis/chassis/Sensors/fan0')).Status?.Health).toBe('Critical');
    expect((await bmc.send('GET', '/redfish/v1/Chassis/chassis/Thermal')).status).toBe(404);
  });
});

describe('rising ECC errors', () => {
  test('count up in MemoryMetrics of one DIMM of a Dell, and stay after the fault', async () => {
    const bmc = await start('dell', '127.31.5.3', 6000);
    const count = async (dimm: string) => {
      const metrics = await bmc.get(`${dellSystem}/Memory/DIMM.Socket.${dimm}/MemoryMetrics`);
      return Number(metrics.LifeTime?.CorrectableECCErrorCount);
    };
    const other = await count('A2');
    bmc.bmc.faults.set({ kind: 'ecc-rising', dimm: 1 });
    await eventually('errors', async () => (await count('A1')) > 200);
    bmc.bmc.faults.clear('ecc-rising');
    const rest = await count('A1');
    expect(await count('A1')).toBe(rest);
    expect(await count('A2')).toBe(other);
    const sel = await bmc.get('/redfish/v1/Managers/iDRAC.Embedded.1/LogServices/Sel/Entries?$top=5');
    expect(sel.Members?.some(entry => String(entry.Message).includes('DIMM A1'))).toBe(true);
  });

  test('show only in health and log of an HPE', async () => {
    const bmc = await start('hpe', '127.31.5.4', 6000);
    bmc.bmc.faults.set({ kind: 'ecc-rising', dimm: 1 });
    const dimm = '/redfish/v1/Systems/1/Memory/proc1dimm1';
    await eventually('the DIMM to degrade', async () => (await bmc.get(dimm)).Status?.Health === 'Warning');
    expect((await bmc.get(dimm)).Metrics).toBeUndefined();
    const log = await bmc.get('/redfish/v1/Systems/1/LogServices/IML/Entries');
    expect(log.Members?.at(-1)).toMatchObject({ Severity: 'Warning' });
  });
});

describe('update faults', () => {
  test.each(['dell', 'hpe', 'ami'] as const)('%s: completes and the version is as before', async vendor => {
    const bmc = await start(vendor, '127.31.5.5', 600);
    const { bios, newBios } = bmcProfiles[vendor].firmware;
    bmc.bmc.faults.set({ kind: 'update-completes-unchanged' });
    const before = bmc.host.bootId;
    // A Dell reboots by itself here.
    const { state } = await update(bmc, await imageFor(vendor));
    if (vendor === 'dell') await eventually('the boot', () => bmc.host.bootId !== before);
    else {
      await eventually('completion', async () => (await state()) === 'Completed');
      bmc.host.restart();
      await eventually('the boot', () => bmc.host.bootId !== before);
    }
    expect(bmc.bmc.firmware.active).toBe(bios);
    expect(bmc.bmc.firmware.active).not.toBe(newBios);
    expect(bmc.host.bricked).toBeUndefined();
  });

  test('stalls until cleared', async () => {
    const bmc = await start('ami', '127.31.5.6', 6000);
    bmc.bmc.faults.set({ kind: 'update-stalls', stage: 'flash' });
    const { state } = await update(bmc, await imageFor('ami'));
    await bmc.clock.sleep(30 * 60_000);
    expect(await state()).toBe('Running');
    bmc.bmc.faults.clear('update-stalls');
    await eventually('completion', async () => (await state()) === 'Completed');
  });

  test('fails in the flash', async () => {
    const bmc = await start('hpe', '127.31.5.7', 6000);
    bmc.bmc.faults.set({ kind: 'update-fails', stage: 'flash' });
    const { state } = await update(bmc, await imageFor('hpe'));
    await eventually('failure', async () => (await state()) === 'Exception');
    expect(bmc.bmc.firmware.staged).toBeUndefined();
  });

  test('rejects an update with extended info and starts no task', async () => {
    const bmc = await start('hpe', '127.31.5.8');
    bmc.bmc.faults.set({ kind: 'reject-update' });
    const refused = await bmc.send('POST', simpleUpdate, { body: { ImageURI: 'http://127.0.0.1:1/x' } });
    expect(refused.status).toBe(400);
    expect(refused.body.error?.['@Message.ExtendedInfo']).toHaveLength(1);
    expect((await bmc.get('/redfish/v1/TaskService/Tasks')).Members).toHaveLength(0);
  });
});

describe('faults of the wire', () => {
  test('down: connections are refused, and accepted again after', async () => {
    const bmc = await start('dell', '127.31.5.9');
    bmc.bmc.faults.set({ kind: 'bmc-down' });
    await expect(bmc.get('/redfish/v1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    bmc.bmc.faults.clear('bmc-down');
    expect((await bmc.send('GET', '/redfish/v1')).status).toBe(200);
  });

  test('hanging: a request gets no answer until the fault ends', async () => {
    const bmc = await start('dell', '127.31.5.10');
    bmc.bmc.faults.set({ kind: 'bmc-down', mode: 'hang' });
    const hanging = bmc.send('GET', '/redfish/v1').then(
      () => 'answered',
      () => 'dropped',
    );
    const waited = bmc.clock.sleep(2 * 60_000).then(() => 'waiting');
    expect(await Promise.race([hanging, waited])).toBe('waiting');
    bmc.bmc.faults.clear();
    expect(await hanging).toBe('dropped');
    expect((await bmc.send('GET', '/redfish/v1')).status).toBe(200);
  });

  test('slow: every answer is late', async () => {
    const bmc = await start('dell', '127.31.5.11');
    bmc.bmc.faults.set({ kind: 'slow', ms: 150 });
    const begun = performance.now();
    await bmc.get('/redfish/v1');
    expect(performance.now() - begun).toBeGreaterThan(145);
  });

  test('drop after POST: the reset happens, the answer does not, once', async () => {
    const bmc = await start('dell', '127.31.5.12');
    bmc.bmc.faults.set({ kind: 'drop-after-post' });
    const login = { UserName: 'operator', Password: 'correct horse' };
    expect((await bmc.send('POST', '/redfish/v1/SessionService/Sessions', { body: login })).status).toBe(201);
    const path = `${dellSystem}/Actions/ComputerSystem.Reset`;
    await expect(bmc.send('POST', path, { body: { ResetType: 'ForceRestart' } })).rejects.toThrow();
    expect(bmc.host.phase).toBe('post');
    expect(bmc.effects.since().at(-1)).toMatchObject({ path, status: 0 });
    expect(bmc.bmc.faults.list()).toEqual([]);
  });

  test('HTML: reads are a page with status 200, and a write is not performed', async () => {
    const bmc = await start('dell', '127.31.5.13');
    bmc.bmc.faults.set({ kind: 'html' });
    const page = await bmc.send('GET', '/redfish/v1/Systems');
    expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html']);
    const path = `${dellSystem}/Actions/ComputerSystem.Reset`;
    expect((await bmc.send('POST', path, { body: { ResetType: 'ForceRestart' } })).status).toBe(503);
    expect(bmc.host.phase).toBe('os');
  });

  test('what is no fault of the list is refused', async () => {
    const bmc = await start('dell', '127.31.5.14');
    const unknownFault = JSON.parse('{"kind":"gremlins"}');
    expect(() => bmc.bmc.faults.set(unknownFault)).toThrow();
    expect(bmc.bmc.faults.list()).toEqual([]);
  });
});
