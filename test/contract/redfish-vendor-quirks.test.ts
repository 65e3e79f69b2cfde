/** What one maker's machines do and no other's, played by the lab, against the production client. */
import { afterEach, describe, expect, test } from 'vitest';
import { openBmcs } from '../../src/adapters/redfish/open-bmcs.ts';
import type { Bmc, Fact, UpdateRequest } from '../../src/core/bmc.ts';
import { factValue } from '../../src/core/bmc.ts';
import { FleetError } from '../../src/core/errors.ts';
import { bmcProfiles, type LabMachine } from '../../src/lab/bmc/profiles/catalog.ts';
import { makeImage } from '../../src/lab/images.ts';
import { testGrant } from '../support/grant.ts';
import { imageFile } from '../support/image-file.ts';
import { account, eventually, startImageServer, startTestBmc, type TestBmc } from '../support/lab-bmc.ts';
import { memoryLedger } from '../support/session-ledger.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

let host = 0;
async function bench(machine: LabMachine, bmcVersion?: string): Promise<{ lab: TestBmc; bmc: Bmc }> {
  const lab = await startTestBmc({ vendor: machine, address: `127.72.1.${++host}`, bmcVersion });
  const { url, spki } = lab.bmc;
  const bmcs = openBmcs({
    bmcs: [{ node: 'node', url, spki, ...account }],
    ledger: memoryLedger(),
    timeouts: { retryMs: 20 },
  });
  closing.push(lab.stop, () => bmcs.closeAll().catch(() => undefined));
  return { lab, bmc: bmcs.of('node') };
}

/** A BIOS image for the machine, and where it can be fetched. */
async function biosFor({ lab }: { lab: TestBmc }) {
  const { vendor, model, firmware } = lab.bmc.profile;
  const bytes = makeImage({ vendor, models: [model], component: 'bios', version: firmware.newBios });
  const images = await startImageServer({ '/bios.bin': bytes });
  closing.push(images.stop);
  const imageUri = `${images.url}/bios.bin`;
  const request: UpdateRequest = { imageUri, protocol: 'HTTP', component: 'bios', image: imageFile(bytes) };
  return { request, images };
}

async function accepted(bmc: Bmc, request: UpdateRequest): Promise<string> {
  const outcome = await bmc.startUpdate(testGrant, request);
  if (outcome.outcome !== 'accepted' || outcome.task === undefined) throw new Error(JSON.stringify(outcome));
  return outcome.task;
}

const reaches = (bmc: Bmc, task: string, state: string) =>
  eventually(`${task} to be ${state}`, async () => (await bmc.task(task)).state === state);
const listed = <T>(fact: Fact<T[]>): T[] => factValue(fact) ?? [];
/** Beside log-ins, as the lab received them. */
const writes = (lab: TestBmc) => lab.effects.since().filter(({ path }) => !path.includes('/SessionService'));

describe('an iDRAC', () => {
  test('whose /Thermal fails now and then shows the same sensors as if nothing were', async () => {
    const { lab, bmc } = await bench('dell');
    const uris = async () => {
      const { temperatures, fans } = await bmc.sample();
      return [...listed(temperatures), ...listed(fans)].map(({ uri }) => uri);
    };
    const well = await uris();
    lab.bmc.faults.set({ kind: 'resource-fails', path: '/Thermal', every: 2 });
    for (let look = 0; look < 4; look++) expect(await uris()).toEqual(well);
  });

  test.each(['Thermal', 'ThermalSubsystem'])(
    'whose /%s is broken shows every temperature and fan all the same',
    async resource => {
      const { lab, bmc } = await bench('dell');
      lab.bmc.faults.set({ kind: 'resource-fails', path: `/${resource}`, every: 1 });
      const { temperatures: known, fans: knownFans } = lab.bmc.profile;
      for (const { temperatures, fans } of [await bmc.health(), await bmc.sample()]) {
        expect(listed(temperatures).map(each => each.name)).toEqual(known.map(({ name }) => name));
        expect(listed(fans)).toHaveLength(knownFans.length);
        for (const each of [...listed(temperatures), ...listed(fans)]) expect(each.reading).toHaveProperty('value');
      }
    },
  );

  test('takes no second change of BIOS settings while a job holds the first: it is refused, and asked once', async () => {
    const { lab, bmc } = await bench('dell');
    const set = (value: string) => bmc.change(testGrant, { act: 'set-bios', attributes: { LogicalProc: value } });
    const { task = '' } = await set('Disabled');
    expect((await bmc.task(task)).state).toBe('awaiting-reset');
    const refused = await set('Enabled').catch(FleetError.from);
    expect(refused).toMatchObject({
      code: 'bmc_refused',
      retry: 'never',
      untrusted: expect.stringContaining('job is scheduled already'),
    });
    expect(writes(lab).map(({ status }) => status)).toEqual([202, 400]);
    lab.host.restart();
    await reaches(bmc, task, 'completed');
    expect((await bmc.bios()).active.LogicalProc).toBe('Disabled');
  });

  test('of the tenth kind has no /redfish/v1/Dell: queue and virtual media are found by links', async () => {
    const { lab, bmc } = await bench('idrac10');
    expect((await lab.send('GET', '/redfish/v1/Dell')).status).toBe(404);
    const { request } = await biosFor({ lab });
    const task = await accepted(bmc, request);
    await reaches(bmc, task, 'awaiting-reset');
    await bmc.reset(testGrant, 'ForceRestart');
    await eventually('the task to be deleted', async () => (await lab.send('GET', task)).status === 404);
    expect((await bmc.task(task)).state).toBe('completed');
    expect((await bmc.media()).map(({ uri }) => uri)).toEqual([
      expect.stringContaining('/Systems/'),
      expect.stringContaining('/Systems/'),
    ]);
  });
});

describe('an iLO', () => {
  test.each(['hpe', 'ilo7'] as const)('(%s) whose HttpPushUri is a web page fetches its image', async machine => {
    const { lab, bmc } = await bench(machine);
    const service = await lab.get('/redfish/v1/UpdateService');
    expect(service).toMatchObject({ HttpPushUri: '/cgi-bin/uploadFile' });
    expect(service).not.toHaveProperty('MultipartHttpPushUri');
    const { request, images } = await biosFor({ lab });
    await reaches(bmc, await accepted(bmc, request), 'completed');
    expect(images.fetches).toHaveLength(1);
    expect(writes(lab).map(({ path }) => path)).toEqual([expect.stringMatching(/SimpleUpdate$/)]);
  });

  test('that deletes the task of a flash says itself that it goes on, and how it ends', async () => {
    const { lab, bmc } = await bench('hpe');
    const { request } = await biosFor({ lab });
    lab.bmc.faults.set({ kind: 'update-stalls', stage: 'flash' });
    const task = await accepted(bmc, request);
    lab.bmc.faults.set({ kind: 'task-purge' });
    expect((await lab.send('GET', task)).status).toBe(404);
    expect((await bmc.task(task)).state).toBe('running');
    expect((await bmc.tasks()).map(({ state }) => state)).toEqual(['running']);
    lab.bmc.faults.clear('update-stalls');
    await reaches(bmc, task, 'completed');
    expect(await bmc.tasks()).toEqual([]);
    expect(lab.bmc.firmware.active).toBe(bmcProfiles.hpe.firmware.bios);
  });

  test('that names no task is followed by its own word', async () => {
    const { lab, bmc } = await bench('hpe');
    const { request } = await biosFor({ lab });
    lab.bmc.faults.set({ kind: 'task-unnamed' });
    lab.bmc.faults.set({ kind: 'update-stalls', stage: 'flash' });
    const task = await accepted(bmc, request);
    expect(task).toBe('/redfish/v1/UpdateService');
    expect((await bmc.task(task)).state).toBe('running');
    lab.bmc.faults.clear('update-stalls');
    await reaches(bmc, task, 'completed');
  });

  test('whose flash fails says so, task or not', async () => {
    const { lab, bmc } = await bench('hpe');
    const { request } = await biosFor({ lab });
    lab.bmc.faults.set({ kind: 'task-purge' });
    lab.bmc.faults.set({ kind: 'update-fails', stage: 'flash' });
    await reaches(bmc, await accepted(bmc, request), 'failed');
  });
});

describe('a Supermicro', () => {
  test.each([
    ['01.01.06', 'a message of the body'],
    ['01.05.03', 'the body itself'],
  ])('with BMC %s names its task in %s, and in no Location', async version => {
    const { lab, bmc } = await bench('supermicro', version);
    const { request } = await biosFor({ lab });
    await reaches(bmc, await accepted(bmc, request), 'completed');
    expect((await bmc.tasks()).map(({ state }) => state)).toEqual(['completed']);
  });

  test('in update mode, with an image that was never written, takes no other until it restarts', async () => {
    const { lab, bmc } = await bench('supermicro');
    const { request } = await biosFor({ lab });
    await reaches(bmc, await accepted(bmc, request), 'completed');
    expect(await bmc.startUpdate(testGrant, request)).toMatchObject({
      outcome: 'refused',
      why: 'update-mode',
      messageIds: ['SMC.1.0.OemFirmwareAlreadyInUpdateMode'],
    });
    await bmc.change(testGrant, { act: 'reset-bmc' });
    await eventually('it to be away', async () => !(await bmc.answers()));
    await eventually('it to be back', () => bmc.identity().catch(() => undefined));
    await reaches(bmc, await accepted(bmc, request), 'completed');
  });
});

describe('what a BMC has no licence for', () => {
  test.each(['supermicro', 'dell', 'hpe', 'lenovo'] as const)(
    '%s: an update and virtual media are refused as that, once each, and no log-in is blamed',
    async machine => {
      const { lab, bmc } = await bench(machine);
      const { request, images } = await biosFor({ lab });
      await bmc.power();
      lab.bmc.faults.set({ kind: 'unlicensed' });
      expect(await bmc.startUpdate(testGrant, request)).toMatchObject({
        outcome: 'refused',
        status: 403,
        why: 'unlicensed',
      });
      const insert = { act: 'insert-media', image: request.imageUri } as const;
      expect(await bmc.change(testGrant, insert).catch(FleetError.from)).toMatchObject({
        code: 'bmc_refused',
        retry: 'never',
        message: expect.stringContaining('no licence'),
      });
      expect(writes(lab).map(({ status }) => status)).toEqual([403, 403]);
      expect(images.fetches).toEqual([]);
      expect(await bmc.power()).toEqual({ value: 'on' });
      expect(lab.bmc.logIns()).toEqual({ good: 1, bad: 0 });
    },
  );
});
