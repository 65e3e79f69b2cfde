/** Virtual media of the lab: images that are really fetched, and that the host really starts from. */
import { afterEach, describe, expect, test } from 'vitest';
import { bmcProfiles, type LabMachine, labMachines } from '../../src/lab/bmc/profiles/catalog.ts';
import { eventually, type ImageServer, startImageServer, startTestBmc, type TestBmc } from '../support/lab-bmc.ts';
import { valueAt } from '../support/value-at.ts';

const stops: (() => Promise<void>)[] = [];

afterEach(() => Promise.all(stops.splice(0).map(stop => stop())));

async function start(vendor: LabMachine, address: string): Promise<TestBmc> {
  const bmc = await startTestBmc({ vendor, address, speed: 3000 });
  stops.push(bmc.stop);
  return bmc;
}

async function iso(): Promise<ImageServer & { uri: string }> {
  const images = await startImageServer({ '/secret/os.iso': Buffer.from('an installer') });
  stops.push(images.stop);
  return { ...images, uri: `${images.url}/secret/os.iso` };
}

type SlotBody = { uri: string; body: unknown };

/** Every virtual drive, by links from manager or system. */
async function slots(bmc: TestBmc, vendor: LabMachine): Promise<SlotBody[]> {
  const { managerId, systemId } = bmcProfiles[vendor];
  for (const owner of [`Managers/${managerId}`, `Systems/${systemId}`]) {
    const uri = valueAt(await bmc.get(`/redfish/v1/${owner}`), 'VirtualMedia', '@odata.id');
    if (typeof uri !== 'string') continue;
    const members = (await bmc.get(uri)).Members ?? [];
    return Promise.all(
      members.map(async member => {
        const at = String(member['@odata.id']);
        return { uri: at, body: await bmc.get(at) };
      }),
    );
  }
  return [];
}

function actionOf({ body }: SlotBody, verb: string): string | undefined {
  return valueAt(body, 'Actions', `#VirtualMedia.${verb}`, 'target') as string | undefined;
}

/** Puts an image into the first drive for CDs, in the vendor's way. */
async function insert(bmc: TestBmc, vendor: LabMachine, image: string): Promise<{ slot: string; status: number }> {
  const cd = (await slots(bmc, vendor)).find(({ body }) => (valueAt(body, 'MediaTypes') as string[]).includes('CD'));
  if (cd === undefined) throw new Error('no drive for CDs');
  const action = actionOf(cd, 'InsertMedia');
  const answer =
    action === undefined
      ? await bmc.send('PATCH', cd.uri, { body: { Image: image, Inserted: true } })
      : await bmc.send('POST', action, { body: { Image: image } });
  return { slot: cd.uri, status: answer.status };
}

const having = labMachines.filter(machine => bmcProfiles[machine].acts.virtualMedia !== undefined);

describe.each(having)('virtual media of %s', vendor => {
  test('are fetched from the address of the BMC, shown, started from once, and taken out', async () => {
    const bmc = await start(vendor, '127.31.23.1');
    const images = await iso();
    const { slot, status } = await insert(bmc, vendor, images.uri);
    expect(status).toBe(204);
    expect(images.fetches).toEqual([{ path: '/secret/os.iso', from: '127.31.23.1' }]);
    const inserted = { Inserted: true, Image: images.uri, ImageName: 'os.iso', ConnectedVia: 'URI' };
    expect(await bmc.get(slot)).toMatchObject(inserted);
    const { acts, systemId } = bmcProfiles[vendor];
    const { settings } = acts.boot;
    const place = `/redfish/v1/Systems/${systemId}${settings?.only ? `/${settings.id}` : ''}`;
    const target = acts.virtualMedia?.bootsAs;
    const mode = acts.boot.mode === undefined ? {} : { BootSourceOverrideMode: 'UEFI' };
    const boot = { BootSourceOverrideEnabled: 'Once', BootSourceOverrideTarget: target, ...mode };
    expect((await bmc.send('PATCH', place, { body: { Boot: boot } })).status).toBe(204);
    let up = 0;
    bmc.host.on('up', () => up++);
    bmc.host.restart();
    await eventually('the installer', () => bmc.host.lastBoot.runs === 'image');
    expect(bmc.host.lastBoot).toEqual({ asked: target, runs: 'image', image: images.uri });
    expect(up).toBe(0);
    const taken = (await slots(bmc, vendor)).find(({ uri }) => uri === slot);
    const eject = taken === undefined ? undefined : actionOf(taken, 'EjectMedia');
    const out =
      eject === undefined
        ? await bmc.send('PATCH', slot, { body: { Image: null } })
        : await bmc.send('POST', eject, { body: {} });
    expect(out.status).toBe(204);
    expect(await bmc.get(slot)).toMatchObject({ Inserted: false, ConnectedVia: 'NotConnected' });
    bmc.host.restart();
    await eventually('the installed OS', () => up === 1);
  });

  test('are refused when the image is not there, and when one is in already', async () => {
    const bmc = await start(vendor, '127.31.23.2');
    const images = await iso();
    expect((await insert(bmc, vendor, `${images.url}/nowhere.iso`)).status).toBe(400);
    const { slot } = await insert(bmc, vendor, 'http://127.0.0.1:1/os.iso');
    expect(valueAt(await bmc.get(slot), 'Inserted')).toBe(false);
    expect((await insert(bmc, vendor, 'ftp://127.0.0.1/os.iso')).status).toBe(400);
    expect((await insert(bmc, vendor, images.uri)).status).toBe(204);
    expect((await insert(bmc, vendor, images.uri)).status).toBe(409);
  });
});

describe('virtual media', () => {
  test('that are gone when the host starts leave it its disk', async () => {
    const bmc = await start('dell', '127.31.23.3');
    const images = await iso();
    await insert(bmc, 'dell', images.uri);
    await images.stop();
    const boot = { BootSourceOverrideEnabled: 'Once', BootSourceOverrideTarget: 'Cd' };
    await bmc.send('PATCH', '/redfish/v1/Systems/System.Embedded.1', { body: { Boot: boot } });
    const before = bmc.host.bootId;
    bmc.host.restart();
    await eventually('the boot', () => bmc.host.bootId !== before);
    expect(bmc.host.lastBoot).toEqual({ asked: 'Cd', runs: 'disk' });
  });

  test('that are put into one drive twice at once get in once', async () => {
    const bmc = await start('dell', '127.31.23.8');
    const images = await iso();
    const both = await Promise.all([insert(bmc, 'dell', images.uri), insert(bmc, 'dell', images.uri)]);
    expect(both.map(({ status }) => status).sort()).toEqual([204, 409]);
  });

  test('an X11: take Image alone, and offer to take out only what is in', async () => {
    const bmc = await start('x11', '127.31.23.4');
    const images = await iso();
    const [first] = await slots(bmc, 'x11');
    if (first === undefined) throw new Error('no drive');
    const action = String(actionOf(first, 'InsertMedia'));
    expect(actionOf(first, 'EjectMedia')).toBeUndefined();
    for (const extra of [{ Inserted: true }, { WriteProtected: true }]) {
      const refused = await bmc.send('POST', action, { body: { Image: images.uri, ...extra } });
      expect(refused.status).toBe(400);
    }
    expect(images.fetches).toEqual([]);
    expect((await bmc.send('POST', action, { body: { Image: images.uri } })).status).toBe(204);
    const [taken] = await slots(bmc, 'x11');
    expect(taken && actionOf(taken, 'EjectMedia')).toMatch(/EjectMedia$/);
  });

  test('Lenovo: have no actions, and the RDOC drives take nothing', async () => {
    const bmc = await start('lenovo', '127.31.23.5');
    const images = await iso();
    const all = await slots(bmc, 'lenovo');
    expect(all.every(slot => actionOf(slot, 'InsertMedia') === undefined)).toBe(true);
    const rdoc = all.find(({ uri }) => uri.endsWith('RDOC1'));
    expect((await bmc.send('PATCH', String(rdoc?.uri), { body: { Image: images.uri } })).status).toBe(400);
    expect(images.fetches).toEqual([]);
  });

  test('leave no password in the effect log or on the resource', async () => {
    const bmc = await start('dell', '127.31.23.6');
    const images = await iso();
    const [slot] = (await slots(bmc, 'dell')).filter(({ uri }) => uri.endsWith('/CD'));
    const body = { Image: images.uri, UserName: 'share', Password: 'share secret' };
    expect((await bmc.send('POST', `${slot?.uri}/Actions/VirtualMedia.InsertMedia`, { body })).status).toBe(204);
    expect(JSON.stringify(bmc.effects.since())).not.toContain('share secret');
    expect(JSON.stringify(await bmc.get(String(slot?.uri)))).not.toContain('share');
  });
});

test('a stock OpenBMC has none', async () => {
  expect(await slots(await start('openbmc', '127.31.23.7'), 'openbmc')).toEqual([]);
});
