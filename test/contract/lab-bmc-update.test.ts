import { afterEach, describe, expect, test } from 'vitest';
import { bmcProfiles } from '../../src/lab/bmc/profiles/catalog.ts';
import type { LabVendor } from '../../src/lab/bmc/profiles/profile.ts';
import { makeImage } from '../../src/lab/images.ts';
import { eventually, type ImageServer, startImageServer, startTestBmc, type TestBmc } from '../support/lab-bmc.ts';

const simpleUpdate = '/redfish/v1/UpdateService/Actions/UpdateService.SimpleUpdate';
const onReset = { '@Redfish.OperationApplyTime': 'OnReset' };
const jobs = '/redfish/v1/Managers/iDRAC.Embedded.1/Oem/Dell/Jobs';
const stops: (() => Promise<void>)[] = [];

type Bench = TestBmc & { images: ImageServer; image: string; oldBios: string; newBios: string; system: string };

async function start(vendor: Exclude<LabVendor, 'generic'>, address: string, speed = 600): Promise<Bench> {
  const { model, firmware, systemId } = bmcProfiles[vendor];
  const header = { vendor, models: [model], component: 'bios' as const, version: firmware.newBios };
  const bmc = await startTestBmc({ vendor, address, speed });
  const images = await startImageServer({
    '/bios.bin': makeImage(header),
    '/other-model.bin': makeImage({ ...header, models: ['Another Machine'] }),
    '/garbage.bin': Buffer.concat([makeImage(header).subarray(0, 60_000), Buffer.from('garbage')]),
  });
  stops.push(bmc.stop, images.stop);
  return {
    ...bmc,
    images,
    image: `${images.url}/bios.bin`,
    oldBios: firmware.bios,
    newBios: firmware.newBios,
    system: `/redfish/v1/Systems/${systemId}`,
  };
}

afterEach(() => Promise.all(stops.splice(0).map(stop => stop())));

async function update(bench: Bench, body: Record<string, unknown>): Promise<{ task: string; location: string }> {
  const accepted = await bench.send('POST', simpleUpdate, { body });
  expect(accepted.status).toBe(202);
  return { task: String(accepted.body['@odata.id']), location: String(accepted.headers.location) };
}

async function taskReaches(bench: Bench, uri: string, state: string) {
  return eventually(`${uri} to be ${state}`, async () => {
    const task = await bench.get(uri);
    return task.TaskState === state ? task : undefined;
  });
}

async function reset(bench: Bench, type = 'ForceRestart'): Promise<void> {
  const answer = await bench.send('POST', `${bench.system}/Actions/ComputerSystem.Reset`, {
    body: { ResetType: type },
  });
  expect(answer.status).toBe(204);
}

async function inventory(bench: Bench): Promise<Record<string, string>> {
  const uri = '/redfish/v1/UpdateService/FirmwareInventory';
  const { Members: members } = await bench.get(uri);
  const bodies = await Promise.all((members ?? []).map(member => bench.get(String(member['@odata.id']))));
  return Object.fromEntries(
    bodies.map(body => [`${body.Id}|${body.Name}|${body.Status?.State}`, String(body.Version)]),
  );
}

describe('a Dell update', () => {
  test('waits for a reset, flashes inside POST, and keeps its job after the task is deleted', async () => {
    const bench = await start('dell', '127.31.2.1');
    const { oldBios, newBios } = bench;
    const { task } = await update(bench, { ImageURI: bench.image, TransferProtocol: 'HTTP', ...onReset });
    await taskReaches(bench, task, 'Pending');
    const job = `${jobs}/${task.split('/').at(-1)}`;
    expect((await bench.get(job)).JobState).toBe('Scheduled');
    expect(bench.host.phase).toBe('os');
    expect(bench.images.fetches).toEqual([{ path: '/bios.bin', from: '127.31.2.1' }]);
    expect(await inventory(bench)).toMatchObject({
      [`Installed-159-${oldBios}__BIOS.Setup.1-1|BIOS|Enabled`]: oldBios,
      [`Available-159-${newBios}__BIOS.Setup.1-1|BIOS|Enabled`]: newBios,
    });
    await reset(bench);
    await eventually('the job to run', async () => (await bench.get(job)).JobState === 'Running');
    expect(bench.host.phase).toBe('post');
    await eventually('the job to complete', async () => (await bench.get(job)).JobState === 'Completed');
    await eventually('the OS', () => bench.host.phase === 'os');
    expect(bench.host.bricked).toBeUndefined();
    const after = await inventory(bench);
    expect(after[`Installed-159-${newBios}__BIOS.Setup.1-1|BIOS|Enabled`]).toBe(newBios);
    expect(after[`Previous-159-${oldBios}__BIOS.Setup.1-1|BIOS|Enabled`]).toBe(oldBios);
    expect((await bench.get(bench.system)).BiosVersion).toBe(newBios);
    await eventually('the task to be deleted', async () => (await bench.send('GET', task)).status === 404);
    expect((await bench.get(job)).JobState).toBe('Completed');
  });

  test('reboots the host by itself when no apply time is sent', async () => {
    const bench = await start('dell', '127.31.2.2');
    const before = bench.host.bootId;
    await update(bench, { ImageURI: bench.image, TransferProtocol: 'HTTP' });
    await eventually('another boot', () => bench.host.phase === 'os' && bench.host.bootId !== before);
    expect(bench.bmc.firmware.active).toBe(bench.newBios);
  });

  test('answers 409 to a power state that is there already', async () => {
    const bench = await start('dell', '127.31.2.3');
    const on = await bench.send('POST', `${bench.system}/Actions/ComputerSystem.Reset`, { body: { ResetType: 'On' } });
    expect(on.status).toBe(409);
  });
});

describe('an HPE update', () => {
  test('completes first, runs from the next reset, and its monitor is gone', async () => {
    const bench = await start('hpe', '127.31.2.4');
    const { oldBios, newBios } = bench;
    const { task, location } = await update(bench, { ImageURI: bench.image });
    expect((await bench.send('GET', location)).status).toBe(202);
    await taskReaches(bench, task, 'Completed');
    expect((await bench.send('GET', location)).status).toBe(404);
    expect(await inventory(bench)).toMatchObject({ '2|System ROM|Enabled': oldBios });
    await reset(bench, 'GracefulRestart');
    await eventually('the OS', () => bench.host.phase === 'os');
    expect(await inventory(bench)).toMatchObject({
      '2|System ROM|Enabled': newBios,
      '4|Redundant System ROM|Enabled': oldBios,
    });
  });
});

describe('an OpenBMC update', () => {
  test('leaves the new image as a spare until the next reset makes it active', async () => {
    const bench = await start('openbmc', '127.31.2.5');
    const { oldBios, newBios } = bench;
    const { '@odata.id': task = '' } = (await sendBytes(bench, openBmcImage)).body;
    const during = await bench.get(task);
    expect(during.TaskState).toBe('Running');
    await taskReaches(bench, task, 'Completed');
    const staged = await inventory(bench);
    expect(staged['bios_active|Software Inventory|Enabled']).toBe(oldBios);
    expect(Object.entries(staged).find(([, version]) => version === newBios)?.[0]).toContain('StandbySpare');
    await reset(bench);
    await eventually('the OS', () => bench.host.phase === 'os');
    expect((await inventory(bench))['bios_active|Software Inventory|Enabled']).toBe(newBios);
  });
});

const openBmcImage = makeImage({
  vendor: 'openbmc',
  models: [bmcProfiles.openbmc.model],
  component: 'bios',
  version: bmcProfiles.openbmc.firmware.newBios,
});

function sendBytes(bench: Bench, raw: Buffer) {
  return bench.send('POST', '/redfish/v1/UpdateService/update', {
    raw,
    headers: { 'Content-Type': 'application/octet-stream' },
  });
}

function sendForm(bench: Bench, targets: string[]) {
  const parameters = JSON.stringify({ Targets: targets });
  const part = (disposition: string) => `--mark\r\nContent-Disposition: form-data; ${disposition}\r\n\r\n`;
  return bench.send('POST', '/redfish/v1/UpdateService/update', {
    raw: Buffer.concat([
      Buffer.from(`${part('name="UpdateParameters"')}${parameters}\r\n${part('name="UpdateFile"; filename="x"')}`),
      openBmcImage,
      Buffer.from('\r\n--mark--\r\n'),
    ]),
    headers: { 'Content-Type': 'multipart/form-data; boundary=mark' },
  });
}

describe('an image that is sent to an OpenBMC', () => {
  const manager = '/redfish/v1/Managers/bmc';

  test('in a form has to name one target', async () => {
    const bench = await start('openbmc', '127.31.2.6');
    for (const targets of [[], ['/redfish/v1/Systems/system/Bios'], [manager, manager]]) {
      expect([targets, (await sendForm(bench, targets)).status]).toEqual([targets, 400]);
    }
    expect((await sendForm(bench, [manager])).status).toBe(202);
  });

  test('is taken as bare bytes alone by an old build, for which a form is a bad image', async () => {
    const bench = await start('openbmc', '127.31.2.7');
    const service = () => bench.get('/redfish/v1/UpdateService');
    expect(await service()).toHaveProperty('MultipartHttpPushUri');
    bench.bmc.faults.set({ kind: 'push-bytes-only' });
    expect(await service()).not.toHaveProperty('MultipartHttpPushUri');
    const { '@odata.id': task = '' } = (await sendForm(bench, [manager])).body;
    await taskReaches(bench, task, 'Exception');
    expect((await sendBytes(bench, openBmcImage)).status).toBe(202);
  });

  test('is fetched by none: there is no SimpleUpdate', async () => {
    const bench = await start('openbmc', '127.31.2.8');
    expect((await bench.send('POST', simpleUpdate, { body: { ImageURI: bench.image } })).status).toBe(404);
  });
});

describe.each(['dell', 'hpe', 'ami'] as const)('any update that is fetched (%s)', vendor => {
  test.each([
    ['for another model', '/other-model.bin', 'not meant for this system'],
    ['of damaged bytes', '/garbage.bin', 'not valid'],
    ['that the server does not have', '/absent.bin', 'answered 404'],
  ])('of an image %s ends in Exception and changes nothing', async (_what, path, message) => {
    const bench = await start(vendor, '127.31.3.1', 60);
    const { task } = await update(bench, {
      ImageURI: `${bench.images.url}${path}`,
      ...(vendor === 'dell' ? onReset : {}),
    });
    const ended = await taskReaches(bench, task, 'Exception');
    expect(JSON.stringify(ended.Messages)).toContain(message);
    expect(bench.bmc.firmware.active).toBe(bench.oldBios);
    expect(bench.images.fetches).toHaveLength(1);
  });

  test('waits for an image server that is not there yet, as one task', async () => {
    const bench = await start(vendor, '127.31.3.2');
    const { port, stop } = await startImageServer({});
    await stop();
    const { task } = await update(bench, { ImageURI: `http://127.0.0.1:${port}/late.bin` });
    expect((await bench.get(task)).TaskState).toBe('Running');
    const { model } = bmcProfiles[vendor];
    const image = makeImage({ vendor, models: [model], component: 'bios', version: bench.newBios });
    const images = await startImageServer({ '/late.bin': image }, port);
    stops.push(images.stop);
    await eventually('the fetch', () => images.fetches.length === 1);
    expect((await bench.get('/redfish/v1/TaskService/Tasks')).Members).toHaveLength(1);
  });

  test('refuses a second one while the first goes on', async () => {
    const bench = await start(vendor, '127.31.3.3', 60);
    const body = { ImageURI: bench.image, ...(vendor === 'dell' ? onReset : {}) };
    await update(bench, body);
    const refused = await bench.send('POST', simpleUpdate, { body });
    expect(refused.status).toBe(bmcProfiles[vendor].update.busy.status);
    expect((await bench.get('/redfish/v1/TaskService/Tasks')).Members).toHaveLength(1);
  });

  test('leaves a machine that never boots again when it is reset while the image travels', async () => {
    const bench = await start(vendor, '127.31.3.4', 60_000);
    bench.bmc.faults.set({ kind: 'update-stalls' });
    await update(bench, { ImageURI: bench.image, ...(vendor === 'dell' ? onReset : {}) });
    await reset(bench);
    expect(bench.host.bricked).toMatch(/^reset during the download/);
    await bench.clock.sleep(10 * 60_000);
    expect(bench.host.phase).toBe('post');
    expect((await bench.get(bench.system)).Status?.Health).toBe('Critical');
  });

  test('needs an address, a protocol that is allowed, and targets that exist', async () => {
    const bench = await start(vendor, '127.31.3.5');
    const bodies = [
      {},
      { ImageURI: 'ftp://127.0.0.1/x' },
      { ImageURI: bench.image, TransferProtocol: 'NFS' },
      { ImageURI: bench.image, TransferProtocol: 'HTTPS' },
      { ImageURI: bench.image, Targets: ['/redfish/v1/Nowhere'] },
      { ImageURI: bench.image, '@Redfish.OperationApplyTime': 'Sometime' },
    ];
    for (const body of bodies) expect((await bench.send('POST', simpleUpdate, { body })).status).toBe(400);
    expect(bench.images.fetches).toHaveLength(0);
  });
});

test('a reset during the flash inside POST damages a Dell', async () => {
  const bench = await start('dell', '127.31.4.1', 60);
  await update(bench, { ImageURI: bench.image, ...onReset });
  await eventually('the job to wait', () => bench.bmc.firmware.staged);
  await reset(bench);
  await reset(bench);
  expect(bench.host.bricked).toMatch(/^reset during the flash/);
});
