/** Secure erase with the production client: every drive accounted for, asked once, followed to its end, and read back. */
import { afterEach, describe, expect, test } from 'vitest';
import { openBmcs } from '../../src/adapters/redfish/open-bmcs.ts';
import { FleetError } from '../../src/core/errors.ts';
import { bmcProfiles, type LabMachine, labMachines } from '../../src/lab/bmc/profiles/catalog.ts';
import { capturesPresent, type Resource, readCapture, serveCapture, type Tree } from '../support/capture-server.ts';
import { type ClientBench, clientBench } from '../support/client-bench.ts';
import { testGrant } from '../support/grant.ts';
import { eventually, type TestBmc } from '../support/lab-bmc.ts';
import { memoryLedger } from '../support/session-ledger.ts';
import { valueAt } from '../support/value-at.ts';

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

async function bench(machine: LabMachine, net: number, speed = 200): Promise<ClientBench> {
  const opened = await clientBench(machine, `127.134.${net}.${labMachines.indexOf(machine) + 1}`, speed);
  undo.push(opened.close);
  return opened;
}

function received({ effects }: TestBmc) {
  return effects.since().filter(({ path }) => !path.includes('/SessionService'));
}

const able = labMachines.filter(machine => bmcProfiles[machine].acts.secureErase);

test('dell and nvidia machines erase', () => {
  expect(able).toEqual(['dell', 'idrac10', 'nvidia']);
});

describe.each(able)('%s', machine => {
  test('erases the drive that is meant, once; the task ends, the drive is at nothing, and holds no system', async () => {
    const { lab, bmc } = await bench(machine, 1, 30); // seconds to look at an erase that goes on
    const drives = await bmc.erasableDrives();
    expect(drives.map(each => each.name)).toEqual(bmcProfiles[machine].storage.drives.map(each => each.name));
    expect(drives.every(each => each.erasable && each.busyPercent === undefined && 'value' in each.serial)).toBe(true);
    const [first] = drives;
    const erase = { act: 'erase-drive', drive: first?.uri ?? '' } as const;
    const { path } = await bmc.changeTarget(erase);
    const { task = '' } = await bmc.change(testGrant, erase);
    expect(received(lab).map(each => [each.method, each.path, each.status])).toEqual([['POST', path, 202]]);
    expect((await bmc.task(task)).state).toBe('running');
    const busy = await bmc.erasableDrives();
    expect(busy.map(each => each.busyPercent !== undefined)).toEqual(drives.map(({ uri }) => uri === first?.uri));
    // A second one, while the first goes on, is not even sent.
    await expect(bmc.change(testGrant, erase)).rejects.toMatchObject({ code: 'bmc_refused' });
    expect(received(lab)).toHaveLength(1);
    await eventually('the end', async () => (await bmc.task(task)).state === 'completed');
    const after = await bmc.erasableDrives();
    expect(after).toEqual(drives);
    const before = lab.host.lastBoot;
    lab.host.restart();
    await eventually('the start', () => lab.host.lastBoot !== before);
    expect(lab.host.lastBoot.runs).toBe('nothing');
  });

  test('erases nothing while a drive cannot be read', async () => {
    const { lab, bmc } = await bench(machine, 2);
    const [first] = await bmc.erasableDrives();
    lab.bmc.faults.set({ kind: 'truncated-json' });
    await expect(bmc.change(testGrant, { act: 'erase-drive', drive: first?.uri ?? '' })).rejects.toThrow(FleetError);
    expect(received(lab)).toEqual([]);
  });
});

test.each(labMachines.filter(machine => !able.includes(machine)))('%s is asked for nothing', async machine => {
  const { lab, bmc } = await bench(machine, 3);
  const drives = await bmc.erasableDrives();
  expect(drives.length).toBe(bmcProfiles[machine].storage.drives.length);
  for (const { uri, erasable } of drives) {
    expect(erasable).toBe(false);
    await expect(bmc.change(testGrant, { act: 'erase-drive', drive: uri })).rejects.toMatchObject({
      code: 'bmc_refused',
    });
  }
  expect(received(lab)).toEqual([]);
});

test('a drive that is none of this server is not erased', async () => {
  const { lab, bmc } = await bench('dell', 4);
  const drive = '/redfish/v1/Systems/Other/Storage/1/Drives/1';
  await expect(bmc.change(testGrant, { act: 'erase-drive', drive })).rejects.toMatchObject({ code: 'bmc_refused' });
  expect(received(lab)).toEqual([]);
});

/** Ids of drives with the action, by the machine's own documents; one drive may be under several addresses. */
function offering(tree: Tree): string[] {
  const offers = (body: Resource) => valueAt(body, 'Actions', '#Drive.SecureErase', 'target') !== undefined;
  const ids = [...tree].flatMap(([uri, body]) =>
    String(body['@odata.type']).startsWith('#Drive.') && offers(body) ? [idOf(uri)] : [],
  );
  return [...new Set(ids)].toSorted();
}

function idOf(uri: string): string {
  return uri.toLowerCase().split('/').at(-1) ?? '';
}

const captures = [
  'dell-r750-idrac9-6.00.30',
  'hpe-dl360gen10plus-ilo5-3.11',
  'hpe-dl380a-gen12-ilo7-1.13',
  'lenovo-sr670v2-xcc-2.83',
  'nvidia-gb200nvl-openbmc',
  'supermicro-sys821ge-x13-11.01',
];
const reason = 'the captures are kept outside this repository, in ../shared/redfish, and are not here';
test.skipIf(!capturesPresent).each(captures)(
  `%s offers what its documents offer${capturesPresent ? '' : ` (skipped: ${reason})`}`,
  async machine => {
    const tree = readCapture(machine);
    const { url, username, password, spki, close } = await serveCapture(tree);
    undo.push(close);
    const bmcs = openBmcs({
      bmcs: [{ node: 'node', url, username, password, spki }],
      ledger: memoryLedger(),
      timeouts: { retryMs: 5 },
    });
    undo.push(() => bmcs.closeAll());
    const drives = await bmcs.of('node').erasableDrives();
    expect(drives.length).toBeGreaterThan(0);
    const offered = drives.filter(each => each.erasable).map(each => idOf(each.uri));
    expect(offered.toSorted()).toEqual(offering(tree));
  },
);
