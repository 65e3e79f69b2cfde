/** The adapter flashes the lab's BMCs over the wire, each in its vendor's manner; the lab's effect log is the witness. */
import { afterEach, describe, expect, test } from 'vitest';
import { openBmcs } from '../../src/adapters/redfish/open-bmcs.ts';
import { type Bmc, type FirmwareMember, showFact, type UpdateRequest, type UpdateTask } from '../../src/core/bmc.ts';
import { sha256 } from '../../src/core/canonical.ts';
import { FleetError } from '../../src/core/errors.ts';
import { bmcProfiles, type LabMachine, labMachines } from '../../src/lab/bmc/profiles/catalog.ts';
import { makeImage } from '../../src/lab/images.ts';
import { testGrant } from '../support/grant.ts';
import { imageFile } from '../support/image-file.ts';
import { account, eventually, startImageServer, startTestBmc } from '../support/lab-bmc.ts';
import { memoryLedger } from '../support/session-ledger.ts';

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** Machines that are sent their image; all others fetch it. */
const pushed: LabMachine[] = ['lenovo', 'supermicro', 'x11', 'openbmc'];
const handOver = /SimpleUpdate$|UpdateService\/upload$|\/m?fwupdate$|\/update(-multipart)?$/;

async function bench(machine: LabMachine) {
  const { model, firmware, vendor, storage } = bmcProfiles[machine];
  const lab = await startTestBmc({
    vendor: machine,
    address: `127.33.1.${labMachines.indexOf(machine) + 1}`,
    speed: 600,
  });
  const header = { vendor, models: [model], component: 'bios' as const, version: firmware.newBios };
  const drives = {
    component: 'drive' as const,
    version: '9.0.0',
    drives: storage.drives.slice(0, 1).map(each => each.model),
  };
  const files: Record<string, Buffer> = {
    '/bios.bin': makeImage(header),
    '/drives.bin': makeImage({ ...header, ...drives }),
    '/other-model.bin': makeImage({ ...header, models: ['Another Machine'] }),
    '/damaged.bin': Buffer.concat([makeImage(header).subarray(0, 60_000), Buffer.from('damaged')]),
  };
  const images = await startImageServer(files);
  const ledger = memoryLedger();
  const bmcs = openBmcs({
    bmcs: [{ node: 'node', url: lab.bmc.url, ...account, spki: lab.bmc.spki }],
    ledger,
    timeouts: { retryMs: 20 },
  });
  stops.push(lab.stop, images.stop, () => bmcs.closeAll().catch(() => undefined));
  const request = (file = 'bios.bin'): UpdateRequest => ({
    imageUri: `${images.url}/${file}`,
    protocol: 'HTTP',
    component: 'bios',
    image: imageFile(files[`/${file}`] ?? Buffer.alloc(0)),
  });
  const handOvers = () => lab.effects.since().filter(each => handOver.test(each.path));
  return { lab, images, ledger, bmcs, bmc: bmcs.of('node'), request, handOvers, firmware, files };
}

async function activeBios(bmc: Bmc): Promise<string | undefined> {
  const active = (await bmc.firmware()).filter(member => member.component === 'bios' && member.state === 'active');
  expect(active.length).toBeLessThanOrEqual(1);
  // Supermicro shows it behind a date.
  return versionOf(active[0])?.replace(/^BIOS Date: \S+ Ver /, '');
}

function versionOf(member: FirmwareMember | undefined): string | undefined {
  return member !== undefined && 'value' in member.version ? member.version.value : undefined;
}

async function start(bmc: Bmc, request: UpdateRequest): Promise<string> {
  const outcome = await bmc.startUpdate(testGrant, request);
  if (outcome.outcome !== 'accepted' || outcome.task === undefined) throw new Error(JSON.stringify(outcome));
  return outcome.task;
}

const reaches = (bmc: Bmc, uri: string, ...states: UpdateTask['state'][]) =>
  eventually(`${uri} to be ${states.join(' or ')}`, async () => {
    const task = await bmc.task(uri);
    return states.includes(task.state) ? task : undefined;
  });

async function restart(bmc: Bmc): Promise<void> {
  const { type } = await bmc.resetTarget();
  await bmc.reset(testGrant, type);
}

/** Where an image that was taken is only checked, this begins to write it. Answers the task that carries the update from now on. */
async function write(bmc: Bmc, task: string): Promise<string> {
  const { waitsForStart } = await bmc.updateTraits('bios');
  if (!waitsForStart) return task;
  await reaches(bmc, task, 'completed');
  const outcome = await bmc.startWriting(testGrant);
  if (outcome.outcome !== 'accepted' || outcome.task === undefined) throw new Error(JSON.stringify(outcome));
  expect(outcome.task).not.toBe(task);
  return outcome.task;
}

test.each<[LabMachine, string[]]>([
  ['hpe', ['9.0.0', 'HPD2', '9.0.0', 'HPD2']],
  ['dell', ['9.0.0', '9.0.0', '9.0.0']],
])(
  'on %s, an image for drives goes to those that are named, and on Dell to all of its model',
  async (vendor, after) => {
    const { bmc, lab, request, handOvers } = await bench(vendor);
    const { drives } = await bmc.storage();
    const named = 'value' in drives ? [0, 2].map(index => drives.value[index]?.uri ?? '') : [];
    const { activation } = await bmc.updateTraits('drive');
    const task = await start(bmc, { ...request('drives.bin'), component: 'drive', drives: named });
    await reaches(bmc, task, activation === 'reset-while-pending' ? 'awaiting-reset' : 'completed');
    await restart(bmc);
    const versions = async () => {
      const read = (await bmc.storage()).drives;
      return 'value' in read ? read.value.map(({ firmware }) => showFact(firmware)) : [];
    };
    await eventually('the drives to run it', async () => JSON.stringify(await versions()) === JSON.stringify(after));
    await eventually('the host to run again', () => lab.host.phase === 'os');
    const { Targets: sent } = (handOvers()[0]?.body ?? {}) as { Targets?: string[] };
    expect(sent).toEqual(vendor === 'hpe' ? named : undefined);
  },
);

test('an image for drives that names none of them is not sent', async () => {
  const { bmc, request, handOvers } = await bench('hpe');
  const sent = bmc.startUpdate(testGrant, { ...request('drives.bin'), component: 'drive', drives: [] });
  await expect(sent).rejects.toMatchObject({ code: 'internal' });
  expect(handOvers()).toEqual([]);
});

/** NVIDIA's says nowhere which BIOS runs, so none is ever sent to it. */
const updatable = labMachines.filter(machine => !['nvidia', 'dmtf'].includes(machine));

describe.each(updatable)('a BIOS update on %s', vendor => {
  test('goes from the old active version to the new one, and leaves no session behind', async () => {
    const { bmc, bmcs, lab, images, ledger, request, firmware, files } = await bench(vendor);
    expect((await bmc.identity()).vendor).toBe(bmcProfiles[vendor].vendor);
    expect(await activeBios(bmc)).toBe(firmware.bios);
    const { activation } = await bmc.updateTraits('bios');

    const task = await write(bmc, await start(bmc, request()));
    const ready = await reaches(bmc, task, activation === 'reset-while-pending' ? 'awaiting-reset' : 'completed');
    expect(ready.uri).toBe(task);
    expect(images.fetches).toHaveLength(pushed.includes(vendor) ? 0 : 1);
    expect(await activeBios(bmc)).toBe(firmware.bios);

    await restart(bmc);
    await eventually('the new version to be the active one', async () => (await activeBios(bmc)) === firmware.newBios);
    await eventually('the host to run again', () => lab.host.phase === 'os');
    if (activation === 'reset-while-pending') await reaches(bmc, task, 'completed');
    for (const each of await bmc.tasks()) expect(each.state).toBe('completed');

    await bmcs.closeAll();
    expect(lab.bmc.sessions()).toEqual([]);
    expect(ledger.entries).toEqual([]);
    const writes = lab.effects.since().filter(each => !each.path.includes('/SessionService/'));
    const written = bmcProfiles[vendor].vendor === 'supermicro' ? [expect.stringMatching(/StartUpdate$/)] : [];
    expect(writes.map(each => each.path)).toEqual([
      expect.stringMatching(handOver),
      ...written,
      expect.stringMatching(/Reset$/),
    ]);
    if (pushed.includes(vendor)) {
      const image = files['/bios.bin'] ?? Buffer.alloc(0);
      const digest = sha256(image).toString('hex');
      expect(writes[0]?.body).toMatchObject({ UpdateFile: { size: image.length, sha256: digest } });
    }
    const type = ['dell', 'idrac10', 'ami'].includes(vendor) ? 'ForceRestart' : 'GracefulRestart';
    expect(writes.at(-1)?.body).toEqual({ ResetType: type });
  });

  test('a second update while one runs is refused', async () => {
    const { bmc, lab, request } = await bench(vendor);
    lab.bmc.faults.set({ kind: 'update-stalls', stage: 'download' });
    await start(bmc, request());
    expect(await bmc.startUpdate(testGrant, request())).toMatchObject({ outcome: 'refused' });
    expect((await bmc.tasks()).map(each => each.state)).not.toContain('completed');
  });

  test.each(['other-model.bin', 'damaged.bin'])('the image %s fails, and the version stays', async file => {
    const { bmc, request, firmware } = await bench(vendor);
    await reaches(bmc, await start(bmc, request(file)), 'failed');
    expect(await activeBios(bmc)).toBe(firmware.bios);
  });

  test('that is told as completed and changed nothing shows the old version as the active one', async () => {
    const { bmc, lab, request, firmware } = await bench(vendor);
    lab.bmc.faults.set({ kind: 'update-completes-unchanged' });
    const { activation } = await bmc.updateTraits('bios');
    const task = await write(bmc, await start(bmc, request()));
    await reaches(bmc, task, activation === 'reset-while-pending' ? 'awaiting-reset' : 'completed');
    const before = lab.host.bootId;
    await restart(bmc);
    await eventually('the host to run again', () => lab.host.bootId !== before && lab.host.phase === 'os');
    expect(await activeBios(bmc)).toBe(firmware.bios);
  });

  test('a rejected request is refused with the BMC’s own words', async () => {
    const { bmc, lab, images, request } = await bench(vendor);
    lab.bmc.faults.set({ kind: 'reject-update' });
    const outcome = await bmc.startUpdate(testGrant, request());
    expect(outcome).toMatchObject({
      outcome: 'refused',
      status: 400,
      reason: expect.stringMatching(/ImageURI|UpdateFile/),
    });
    expect(images.fetches).toEqual([]);
  });

  test('a lost answer is ambiguous; what happened is found by reading', async () => {
    const { bmc, lab, request, handOvers } = await bench(vendor);
    await bmc.updateTarget('bios');
    lab.bmc.faults.set({ kind: 'update-stalls', stage: 'download' });
    lab.bmc.faults.set({ kind: 'drop-after-post' });
    const thrown = await bmc.startUpdate(testGrant, request()).catch(error => error);
    expect(thrown).toBeInstanceOf(FleetError);
    expect(thrown).toMatchObject({ code: 'ambiguous', retry: 'ask' });
    expect(await bmc.tasks()).toHaveLength(1);
    expect(handOvers()).toHaveLength(1);
  });
});

test('a machine that could not prove its version gets no update', async () => {
  const { bmc, request, handOvers } = await bench('nvidia');
  await expect(bmc.startUpdate(testGrant, request())).rejects.toMatchObject({
    code: 'bmc_refused',
    message: expect.stringContaining('does not show which BIOS runs'),
  });
  expect(handOvers()).toEqual([]);
});

test('an OpenBMC whose build knows no form is sent the bare bytes', async () => {
  const { bmc, lab, request, handOvers, firmware } = await bench('openbmc');
  lab.bmc.faults.set({ kind: 'push-bytes-only' });
  await reaches(bmc, await start(bmc, request()), 'completed');
  expect(handOvers().map(({ body }) => Object.keys(body as object))).toEqual([['UpdateFile']]);
  await restart(bmc);
  await eventually('the new version to be the active one', async () => (await activeBios(bmc)) === firmware.newBios);
});

test('an OpenBMC that would keep bare bytes until somebody restarts it is sent no image of its own', async () => {
  const { bmc, lab, request, handOvers } = await bench('openbmc');
  lab.bmc.faults.set({ kind: 'push-bytes-only' });
  await expect(bmc.startUpdate(testGrant, { ...request(), component: 'bmc' })).rejects.toMatchObject({
    code: 'bmc_refused',
    message: expect.stringContaining('nothing was sent'),
  });
  expect(handOvers()).toEqual([]);
});

test('a BMC that was left set to give bare bytes to other parts is sent none', async () => {
  const { bmc, lab, request, handOvers } = await bench('openbmc');
  const only = ['/redfish/v1/UpdateService/FirmwareInventory/psu0'];
  lab.bmc.faults.set({ kind: 'push-bytes-only', only });
  await expect(bmc.startUpdate(testGrant, request())).rejects.toMatchObject({
    code: 'bmc_refused',
    message: expect.stringContaining('to 1 parts alone; nothing was sent'),
  });
  expect(handOvers()).toEqual([]);
});

test('AMI is told what an image is for, and refuses one that is for something else', async () => {
  const { bmc, request, handOvers, firmware } = await bench('ami');
  const task = await start(bmc, { ...request(), component: 'bmc' });
  await reaches(bmc, task, 'failed');
  expect(await activeBios(bmc)).toBe(firmware.bios);
  await start(bmc, request());
  expect(handOvers().map(({ body }) => body)).toEqual([
    expect.objectContaining({ UpdateComponent: 'BMC', ResetBMC: true }),
    expect.not.objectContaining({ ResetBMC: expect.anything() }),
  ]);
});

describe('a power cycle of a whole server', () => {
  test('is refused by the BMC while its host is on', async () => {
    const { bmc, lab } = await bench('nvidia');
    await expect(bmc.change(testGrant, { act: 'power-cycle' })).rejects.toMatchObject({
      code: 'bmc_refused',
      untrusted: expect.stringContaining('powered off'),
    });
    expect([lab.host.phase, lab.bmc.sessions().length]).toEqual(['os', 1]);
  });

  test('is nothing that other vendors offer', async () => {
    const { bmc } = await bench('openbmc');
    await expect(bmc.changeTarget({ act: 'power-cycle' })).rejects.toMatchObject({ code: 'bmc_refused' });
  });
});

test('an image of the BMC goes out with the word to apply it at once', async () => {
  const { bmc, lab, files, request, handOvers } = await bench('openbmc');
  const { model: fits, vendor } = bmcProfiles.openbmc;
  files['/bmc.bin'] = makeImage({ vendor, models: [fits], component: 'bmc', version: '2.18.0' });
  await start(bmc, { ...request('bmc.bin'), component: 'bmc' });
  expect(handOvers()[0]?.body).toMatchObject({
    UpdateParameters: { Targets: ['/redfish/v1/Managers/bmc'], '@Redfish.OperationApplyTime': 'Immediate' },
  });
  await eventually('the BMC to run it', () => lab.bmc.firmware.bmc === '2.18.0');
  expect(lab.host.phase).toBe('os');
});

describe.each(['dell', 'hpe', 'openbmc'] as const)('a sample of %s', vendor => {
  test('health is whole: every sensor has a reading, a health and, for temperatures, a critical threshold', async () => {
    const { bmc, lab } = await bench(vendor);
    const health = await bmc.health();
    const { uuid, serial } = health.identity;
    expect([uuid, serial]).toEqual([{ value: lab.host.uuid }, { value: lab.host.serial }]);
    expect(health.power).toEqual({ value: 'on' });
    expect(health.health).toEqual({ value: 'ok' });
    const temperatures = 'value' in health.temperatures ? health.temperatures.value : [];
    const fans = 'value' in health.fans ? health.fans.value : [];
    expect(temperatures.length).toBe(bmcProfiles[vendor].temperatures.length);
    expect(fans.length).toBe(bmcProfiles[vendor].fans.length);
    for (const sensor of [...temperatures, ...fans]) {
      expect(sensor.reading).toHaveProperty('value');
      expect(sensor.health).toHaveProperty('value');
    }
    for (const sensor of temperatures) expect(sensor.upperCritical).toBeGreaterThan(0);
    expect('value' in health.log ? health.log.value.length : 0).toBeGreaterThan(0);
  });
});

test('on Dell the job tells the end after the task was deleted', async () => {
  const { bmc, lab, request } = await bench('dell');
  const task = await start(bmc, request());
  await reaches(bmc, task, 'awaiting-reset');
  await restart(bmc);
  await eventually('the task to be deleted', async () => (await lab.send('GET', task)).status === 404);
  expect((await bmc.task(task)).state).toBe('completed');
});

test('a task that nobody knows is gone, which says nothing of success', async () => {
  const { bmc } = await bench('hpe');
  expect(await bmc.task('/redfish/v1/TaskService/Tasks/4711')).toMatchObject({ state: 'gone' });
});

test('corrected memory errors on Dell are counted per module', async () => {
  const { bmc, lab } = await bench('dell');
  const counts = async () => {
    const { memory } = await bmc.health();
    const modules = 'value' in memory ? memory.value : [];
    return new Map(modules.map(each => [each.dimm, 'value' in each.corrected ? each.corrected.value : Number.NaN]));
  };
  const before = await counts();
  lab.bmc.faults.set({ kind: 'ecc-rising', dimm: 2, perMinute: 6000 });
  await eventually('one counter to rise by more than 1,000', async () => {
    const risen = [...(await counts())].filter(([dimm, count]) => count - (before.get(dimm) ?? 0) > 1_000);
    expect(risen.length).toBeLessThanOrEqual(1);
    return risen.length === 1;
  });
});
