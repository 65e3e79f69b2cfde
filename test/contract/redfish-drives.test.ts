/** What real machines tell of their drives' firmware: by the drive itself, by the inventory, and by what is built on them. */
import { describe, expect, test } from 'vitest';
import { type Bmc, factValue, showFact, unknown } from '../../src/core/bmc.ts';
import type { Storage } from '../../src/core/hardware.ts';
import { storageTrouble } from '../../src/planning/storage-health.ts';
import { capturesPresent, type Resource, readCapture, type Tree } from '../support/capture-server.ts';
import { openCaptured } from '../support/captured-bmc.ts';

async function asked<T>(tree: Tree, question: (bmc: Bmc) => Promise<T>): Promise<T> {
  const { bmcs, bmc } = await openCaptured(tree);
  return question(bmc).finally(() => bmcs.closeAll());
}

const storageOf = (tree: Tree) => asked(tree, bmc => bmc.storage());
const makeupOf = (tree: Tree) => asked(tree, bmc => bmc.makeup());

const told = ({ drives }: Storage) =>
  (factValue(drives) ?? []).map(({ model, firmware }) => `${showFact(model)} ${showFact(firmware)}`);

/** With other members in one of its resources. */
function changed(machine: string, uri: string, members: Resource): Tree {
  const tree = readCapture(machine);
  const body = tree.get(uri.toLowerCase());
  expect(body).toBeDefined();
  return tree.set(uri.toLowerCase(), { ...body, ...members });
}

const dell = 'dell-r750-idrac9-6.00.30';
const ilo5 = 'hpe-dl360gen10plus-ilo5-3.11';
const ilo7 = 'hpe-dl380a-gen12-ilo7-1.13';
const unlisted = 'MV003200LXUJK unknown (the firmware inventory does not list it as updateable)';

const reason = 'the captures are kept outside this repository, in ../shared/redfish, and are not here';
describe.skipIf(!capturesPresent)(`real machines${capturesPresent ? '' : ` (skipped: ${reason})`}`, () => {
  test.each([
    [dell, Array(3).fill('Dell Ent NVMe CM6 RI 1.92TB 2.1.3'), false],
    [ilo5, Array(2).fill('MK000480GWSSC HPG3'), true],
    [ilo7, [...Array(4).fill(unlisted), ...Array(2).fill('VR000480KXLXF HPK3')], true],
  ])('%s tells the version of each drive that it can update', async (machine, drives, selective) => {
    const storage = await storageOf(readCapture(machine));
    expect([told(storage), storage.selective]).toEqual([drives, selective]);
    expect(storageTrouble(storage)).toBeUndefined();
  });

  test('a drive of which the inventory says something else runs nobody knows what', async () => {
    const member = '/redfish/v1/UpdateService/FirmwareInventory/20';
    expect(told(await storageOf(changed(ilo5, member, { Version: 'HPG4' })))).toEqual([
      'MK000480GWSSC unknown (it runs HPG3, and the firmware inventory says HPG4)',
      'MK000480GWSSC HPG3',
    ]);
  });

  test('a drive that the inventory calls not updateable is not updated', async () => {
    const member = '/redfish/v1/UpdateService/FirmwareInventory/20';
    expect(told(await storageOf(changed(ilo5, member, { Updateable: false })))[0]).toContain(
      'does not list it as updateable',
    );
  });

  test.each(['lenovo-sr670v2-xcc-2.83', 'supermicro-sys821ge-x13-11.01'])(
    '%s has no way, and says so',
    async machine => {
      const { activations } = await makeupOf(readCapture(machine));
      expect(activations.drive).toEqual(unknown(expect.stringContaining('its BMC lists them as not updateable')));
    },
  );

  const volume = '/redfish/v1/Systems/1/Storage/DE010000/Volumes/1';
  const operations = [{ OperationName: 'Rebuilding', PercentageComplete: 40 }];
  test.each<[string, Resource, string]>([
    ['degraded', { Status: { Health: 'Warning', State: 'Enabled' } }, 'volume NS Volume 1 is not whole (warning)'],
    ['rebuilt', { Operations: operations }, 'volume NS Volume 1 is being worked on'],
    ['not told of', { Status: {} }, 'nothing is known of volume NS Volume 1'],
  ])('a volume that is %s shows', async (_state, members, trouble) => {
    expect(storageTrouble(await storageOf(changed(ilo7, volume, members)))).toContain(trouble);
  });

  test('volumes that cannot be read may be any, so nothing is known of them', async () => {
    const tree = readCapture(ilo7);
    tree.set('/redfish/v1/systems/1/storage/de010000/volumes', { error: { message: 'internal error' } });
    expect(storageTrouble(await storageOf(tree))).toContain('nothing is known of volume');
  });
});
