/** The restart of a BMC, as a client on the wire lives through it. */
import { afterEach, describe, expect, test } from 'vitest';
import { bmcProfiles, type LabMachine } from '../../src/lab/bmc/profiles/catalog.ts';
import { makeImage } from '../../src/lab/images.ts';
import { account, eventually, startImageServer, startTestBmc, type TestBmc } from '../support/lab-bmc.ts';
import { valueAt } from '../support/value-at.ts';

const sessions = '/redfish/v1/SessionService/Sessions';
const subscriptions = '/redfish/v1/EventService/Subscriptions';
const stops: (() => Promise<void>)[] = [];

afterEach(() => Promise.all(stops.splice(0).map(stop => stop())));

async function start(vendor: LabMachine, address: string, speed: number): Promise<TestBmc> {
  const bmc = await startTestBmc({ vendor, address, speed });
  stops.push(bmc.stop);
  return bmc;
}

async function reset(bmc: TestBmc, vendor: LabMachine): Promise<number> {
  const { managerId, acts } = bmcProfiles[vendor];
  const path = `/redfish/v1/Managers/${managerId}/Actions/Manager.Reset`;
  return (await bmc.send('POST', path, { body: { ResetType: acts.managerReset.types[0] } })).status;
}

/** How one read of the systems goes. */
async function look(bmc: TestBmc): Promise<string> {
  try {
    const { status, headers, body } = await bmc.send('GET', '/redfish/v1/Systems');
    if (status !== 200) return `${status}, retry after ${headers['retry-after']}`;
    return body.Members?.length === 0 ? 'partial' : 'up';
  } catch (error) {
    return String(valueAt(error, 'code'));
  }
}

describe('a restart of the BMC', () => {
  test('goes from refused over reset, 503 and a partial tree back to normal, while the host runs on', async () => {
    const bmc = await start('dell', '127.31.21.1', 100);
    const manager = '/redfish/v1/Managers/iDRAC.Embedded.1';
    const before = valueAt(await bmc.get(manager), 'LastResetTime');
    const { bootId } = bmc.host;
    expect(await reset(bmc, 'dell')).toBe(204);
    const seen: string[] = [];
    await eventually('the BMC', async () => {
      const now = await look(bmc);
      if (now !== seen.at(-1)) seen.push(now);
      return seen.length > 1 && now === 'up';
    });
    const stages = seen[0] === 'up' ? seen.slice(1) : seen;
    expect(stages).toEqual(['ECONNREFUSED', 'ECONNRESET', '503, retry after 30', 'partial', 'up']);
    expect(valueAt(await bmc.get(manager), 'LastResetTime')).not.toBe(before);
    expect([bmc.host.bootId, bmc.host.phase]).toEqual([bootId, 'os']);
  });

  test('ends sessions, subscriptions and virtual media', async () => {
    const bmc = await start('hpe', '127.31.21.2', 1000);
    const images = await startImageServer({ '/os.iso': Buffer.from('iso') });
    stops.push(images.stop);
    const credentials = { UserName: account.username, Password: account.password };
    const token = String((await bmc.send('POST', sessions, { body: credentials })).headers['x-auth-token']);
    const wanted = { Destination: images.url, Protocol: 'Redfish' };
    expect((await bmc.send('POST', subscriptions, { body: wanted })).status).toBe(201);
    const slot = '/redfish/v1/Managers/1/VirtualMedia/2';
    const insert = `${slot}/Actions/VirtualMedia.InsertMedia`;
    expect((await bmc.send('POST', insert, { body: { Image: `${images.url}/os.iso` } })).status).toBe(204);
    await reset(bmc, 'hpe');
    await eventually('the restart', async () => (await look(bmc)) !== 'up');
    await eventually('the BMC', async () => (await look(bmc)) === 'up');
    expect((await bmc.send('GET', '/redfish/v1/Systems', { headers: { 'X-Auth-Token': token } })).status).toBe(401);
    expect((await bmc.get(subscriptions)).Members).toEqual([]);
    expect(valueAt(await bmc.get(slot), 'Inserted')).toBe(false);
  });

  test('with a type that it has not is refused', async () => {
    const bmc = await start('dell', '127.31.21.3', 1000);
    const path = '/redfish/v1/Managers/iDRAC.Embedded.1/Actions/Manager.Reset';
    expect((await bmc.send('POST', path, { body: { ResetType: 'ForceRestart' } })).status).toBe(400);
    expect((await bmc.send('POST', path, { body: {} })).status).toBe(400);
    expect(await look(bmc)).toBe('up');
  });

  test.each(['dell', 'hpe'] as const)('%s: what becomes of an update that is being transferred', async vendor => {
    const bmc = await start(vendor, '127.31.21.4', 2000);
    const { model, firmware } = bmcProfiles[vendor];
    const header = { vendor, models: [model], component: 'bios' as const, version: firmware.newBios };
    const images = await startImageServer({ '/bios.bin': makeImage(header) });
    stops.push(images.stop);
    bmc.bmc.faults.set({ kind: 'update-stalls', stage: 'download' });
    const path = '/redfish/v1/UpdateService/Actions/UpdateService.SimpleUpdate';
    const accepted = await bmc.send('POST', path, { body: { ImageURI: `${images.url}/bios.bin` } });
    await eventually('the fetch', () => images.fetches.length > 0);
    await reset(bmc, vendor);
    await eventually('the restart', async () => (await look(bmc)) !== 'up');
    bmc.bmc.faults.clear();
    await eventually('the BMC', async () => (await look(bmc)) === 'up');
    if (vendor === 'dell') {
      // Its job queue goes on where it was; the Task is deleted soon after the end.
      const job = `/redfish/v1/Managers/iDRAC.Embedded.1/Oem/Dell/Jobs/${accepted.body.Id}`;
      await eventually('the end', async () => (await bmc.get(job)).JobState === 'Completed');
      expect(bmc.bmc.firmware.active).toBe(firmware.newBios);
    } else {
      expect((await bmc.get(String(accepted.body['@odata.id']))).TaskState).toBe('Exception');
      expect([bmc.bmc.firmware.active, bmc.bmc.firmware.staged]).toEqual([firmware.bios, undefined]);
    }
  });
});
