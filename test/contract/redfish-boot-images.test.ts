/** Servers started from images with the production client: virtual media and HTTP boot, as each machine of the lab wants them. */
import { afterEach, describe, expect, test } from 'vitest';
import { openBmcs } from '../../src/adapters/redfish/open-bmcs.ts';
import type { BmcChange } from '../../src/core/bmc-change.ts';
import { FleetError } from '../../src/core/errors.ts';
import { bmcProfiles, type LabMachine, labMachines } from '../../src/lab/bmc/profiles/catalog.ts';
import type { Host } from '../../src/lab/host.ts';
import { capturesPresent, readCapture, serveCapture } from '../support/capture-server.ts';
import { type ClientBench, clientBench } from '../support/client-bench.ts';
import { testGrant } from '../support/grant.ts';
import { eventually, startImageServer, type TestBmc } from '../support/lab-bmc.ts';
import { memoryLedger } from '../support/session-ledger.ts';

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

async function bench(machine: LabMachine, net: number): Promise<ClientBench & { image: string }> {
  const opened = await clientBench(machine, `127.133.${net}.${labMachines.indexOf(machine) + 1}`, 3000);
  const images = await startImageServer({ '/os.iso': Buffer.from('an installer') });
  undo.push(opened.close, images.stop);
  return { ...opened, image: `${images.url}/os.iso` };
}

/** What the next start runs. */
async function started(host: Host) {
  const before = host.lastBoot;
  host.restart();
  return eventually('the start', () => (host.lastBoot === before ? undefined : host.lastBoot));
}

/** Beside log-ins, as the lab received them. */
function received({ effects }: TestBmc) {
  return effects.since().filter(({ path }) => !path.includes('/SessionService'));
}

async function refusal(work: Promise<unknown>): Promise<FleetError> {
  return work.then(() => expect.fail('was not refused'), FleetError.from);
}

const withMedia = labMachines.filter(machine => bmcProfiles[machine].acts.virtualMedia !== undefined);

describe.each(withMedia)('virtual media of %s', machine => {
  test('take an image, which the server starts from once, and give it back', async () => {
    const { lab, bmc, image } = await bench(machine, 1);
    const slots = await bmc.media();
    expect(slots.length).toBeGreaterThan(0);
    expect(slots.every(slot => !slot.inserted && slot.image === undefined)).toBe(true);
    const insert: BmcChange = { act: 'insert-media', image };
    const { path } = await bmc.changeTarget(insert);
    await bmc.change(testGrant, insert);
    expect(received(lab).map(each => [each.path, each.status])).toEqual([[path, 204]]);
    expect((await bmc.media()).map(slot => slot.image)).toEqual([image, ...slots.slice(1).map(() => undefined)]);
    await bmc.change(testGrant, { act: 'boot-once', from: 'cd' });
    expect(await started(lab.host)).toMatchObject({ runs: 'image', image });
    await bmc.change(testGrant, { act: 'eject-media', image });
    expect((await bmc.media()).some(slot => slot.inserted)).toBe(false);
    expect((await started(lab.host)).runs).toBe('disk');
    expect(received(lab).every(({ status }) => status < 300)).toBe(true);
  });

  test('that hold nothing of ours give nothing back', async () => {
    const { lab, bmc, image } = await bench(machine, 2);
    expect(await refusal(bmc.change(testGrant, { act: 'eject-media', image }))).toMatchObject({ code: 'bmc_refused' });
    expect(received(lab)).toEqual([]);
  });
});

test('an image that somebody else put in stays in, and ours goes beside it', async () => {
  const { lab, bmc, image } = await bench('idrac10', 3);
  const others = `${image}?other`;
  const media = '/redfish/v1/Systems/System.Embedded.1/VirtualMedia';
  const images = await startImageServer({ '/theirs.iso': Buffer.from('theirs') });
  undo.push(images.stop);
  const theirs = `${images.url}/theirs.iso`;
  await lab.send('POST', `${media}/1/Actions/VirtualMedia.InsertMedia`, { body: { Image: theirs } });
  await bmc.change(testGrant, { act: 'insert-media', image });
  expect((await bmc.media()).map(slot => slot.image)).toEqual([theirs, image]);
  expect(await refusal(bmc.change(testGrant, { act: 'insert-media', image: others }))).toMatchObject({
    message: expect.stringContaining('empty slot'),
  });
  await bmc.change(testGrant, { act: 'eject-media', image });
  expect((await bmc.media()).map(slot => slot.image)).toEqual([theirs, undefined]);
});

test('an OpenBMC without virtual media is asked for nothing', async () => {
  const { lab, bmc, image } = await bench('openbmc', 4);
  expect(await bmc.media()).toEqual([]);
  expect(await refusal(bmc.change(testGrant, { act: 'insert-media', image }))).toMatchObject({ code: 'bmc_refused' });
  expect(received(lab)).toEqual([]);
});

const overHttp = labMachines.filter(machine => bmcProfiles[machine].acts.boot.targets.includes('UefiHttp'));

describe.each(overHttp)('HTTP boot of %s', machine => {
  test('fetches from where it was told, in UEFI mode, once', async () => {
    const { lab, bmc, image } = await bench(machine, 5);
    await bmc.change(testGrant, { act: 'http-boot', uri: image });
    await bmc.change(testGrant, { act: 'boot-once', from: 'http' });
    expect(await started(lab.host)).toEqual({ asked: 'UefiHttp', runs: 'image', image });
    expect((await started(lab.host)).runs).toBe('disk');
    const through =
      bmcProfiles[machine].acts.boot.http.attribute === undefined ? /Systems\/\w+(\/SD)?$/ : /bios\/settings$/i;
    expect(received(lab).map(({ status }) => status < 300)).toEqual([true, true]);
    expect(received(lab)[0]?.path).toMatch(through);
  });
});

test.each(labMachines.filter(machine => !overHttp.includes(machine)))(
  '%s boots nothing over HTTP, and is asked for nothing',
  async machine => {
    const { lab, bmc, image } = await bench(machine, 6);
    expect(await refusal(bmc.change(testGrant, { act: 'http-boot', uri: image }))).toMatchObject({
      code: 'bmc_refused',
    });
    expect(await refusal(bmc.change(testGrant, { act: 'boot-once', from: 'http' }))).toMatchObject({
      code: 'bmc_refused',
    });
    expect(received(lab)).toEqual([]);
  },
);

/** What would be sent to each real machine; nothing where it offers nothing, or every slot is taken. */
const requests: Record<string, { declared?: string; insert?: string; http?: string }> = {
  'dell-r750-idrac9-6.00.30': {
    insert: 'POST /redfish/v1/Systems/System.Embedded.1/VirtualMedia/1/Actions/VirtualMedia.InsertMedia',
    http: 'PATCH /redfish/v1/Systems/System.Embedded.1/Bios/Settings',
  },
  'dmtf-rackmount1-2025.4': {},
  'gigabyte-h262-megarac-12.84': {
    insert: 'POST /redfish/v1/Managers/Self/VirtualMedia/CD1/Actions/VirtualMedia.InsertMedia',
    http: 'PATCH /redfish/v1/Systems/Self',
  },
  'hpe-cray-ex425': { declared: '/redfish/v1/Systems/Node1' },
  'hpe-dl360gen10plus-ilo5-3.11': {
    insert: 'POST /redfish/v1/Managers/1/VirtualMedia/2/Actions/VirtualMedia.InsertMedia',
    http: 'PATCH /redfish/v1/systems/1/bios/settings/',
  },
  'hpe-dl380a-gen12-ilo7-1.13': {
    insert: 'POST /redfish/v1/Managers/1/VirtualMedia/2/Actions/VirtualMedia.InsertMedia',
    http: 'PATCH /redfish/v1/systems/1/bios/settings/',
  },
  'intel-s2600bpb-1.93': {},
  'lenovo-sr670v2-xcc-2.83': { insert: 'PATCH /redfish/v1/Systems/1/VirtualMedia/EXT1' },
  'nvidia-gb200nvl-openbmc': {
    insert: 'POST /redfish/v1/Managers/BMC_0/VirtualMedia/USB2/Actions/VirtualMedia.InsertMedia',
  },
  'openbmc-stock-2.15': {},
  'supermicro-sys821ge-x13-11.01': {
    insert: 'POST /redfish/v1/Managers/1/VirtualMedia/VirtualMedia1/Actions/VirtualMedia.InsertMedia',
    http: 'PATCH /redfish/v1/Systems/1',
  },
};

const reason = 'the captures are kept outside this repository, in ../shared/redfish, and are not here';
describe.skipIf(!capturesPresent)(`real machines${capturesPresent ? '' : ` (skipped: ${reason})`}`, () => {
  test.each(Object.entries(requests))('%s', async (machine, { declared, insert, http }) => {
    const { url, username, password, spki, close } = await serveCapture(readCapture(machine));
    undo.push(close);
    const bmcs = openBmcs({
      bmcs: [{ node: 'node', url, username, password, spki, systemUri: declared }],
      ledger: memoryLedger(),
      timeouts: { retryMs: 5 },
    });
    undo.push(() => bmcs.closeAll());
    const asked = (change: BmcChange) =>
      bmcs
        .of('node')
        .changeTarget(change)
        .then(
          ({ method, path }) => `${method} ${path}`,
          thrown => FleetError.from(thrown).code,
        );
    expect(await asked({ act: 'insert-media', image: 'http://127.0.0.1/os.iso' })).toBe(insert ?? 'bmc_refused');
    expect(await asked({ act: 'http-boot', uri: 'http://127.0.0.1/os.efi' })).toBe(http ?? 'bmc_refused');
  });
});
