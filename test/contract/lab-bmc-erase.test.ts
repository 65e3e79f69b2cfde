/** Secure erase of the lab's drives. */
import { afterEach, describe, expect, test } from 'vitest';
import { bmcProfiles, type LabMachine } from '../../src/lab/bmc/profiles/catalog.ts';
import { eventually, startTestBmc, type TestBmc } from '../support/lab-bmc.ts';
import { valueAt } from '../support/value-at.ts';

const stops: (() => Promise<void>)[] = [];

afterEach(() => Promise.all(stops.splice(0).map(stop => stop())));

async function start(vendor: LabMachine, address: string, speed: number): Promise<TestBmc> {
  const bmc = await startTestBmc({ vendor, address, speed });
  stops.push(bmc.stop);
  return bmc;
}

/** URIs of the drives, by links from the system. */
async function drives(bmc: TestBmc, vendor: LabMachine): Promise<string[]> {
  const system = await bmc.get(`/redfish/v1/Systems/${bmcProfiles[vendor].systemId}`);
  const [storage] = (await bmc.get(String(valueAt(system, 'Storage', '@odata.id')))).Members ?? [];
  const links = valueAt(await bmc.get(String(storage?.['@odata.id'])), 'Drives') as { '@odata.id': string }[];
  return links.map(link => link['@odata.id']);
}

async function erase(bmc: TestBmc, drive: string) {
  const target = String(valueAt(await bmc.get(drive), 'Actions', '#Drive.SecureErase', 'target'));
  return bmc.send('POST', target, { body: {} });
}

const progress = async (bmc: TestBmc, drive: string) =>
  valueAt(await bmc.get(drive), 'Operations', 0, 'PercentageComplete');

describe.each(['dell', 'nvidia'] as const)('a secure erase on %s', vendor => {
  test('takes time, refuses a second one, and leaves a first drive that nothing starts from', async () => {
    const bmc = await start(vendor, '127.31.26.1', 30);
    const [first = ''] = await drives(bmc, vendor);
    const accepted = await erase(bmc, first);
    expect([accepted.status, accepted.body.Name]).toEqual([202, 'Secure Erase']);
    expect(await progress(bmc, first)).toBeTypeOf('number');
    expect((await erase(bmc, first)).status).toBe(409);
    await eventually('the end', async () => (await progress(bmc, first)) === undefined);
    const before = bmc.host.lastBoot;
    bmc.host.restart();
    await eventually('the boot', () => bmc.host.lastBoot !== before);
    expect([bmc.host.lastBoot.runs, bmc.host.phase]).toEqual(['nothing', 'post']);
  });

  test('of another drive leaves the OS', async () => {
    const bmc = await start(vendor, '127.31.26.2', 3000);
    const second = (await drives(bmc, vendor))[1] ?? '';
    expect((await erase(bmc, second)).status).toBe(202);
    await eventually('the end', async () => (await progress(bmc, second)) === undefined);
    const before = bmc.host.bootId;
    bmc.host.restart();
    await eventually('the OS', () => bmc.host.phase === 'os' && bmc.host.bootId !== before);
  });
});

test('drives of a vendor without it offer none', async () => {
  const bmc = await start('supermicro', '127.31.26.3', 600);
  for (const drive of await drives(bmc, 'supermicro')) {
    expect(valueAt(await bmc.get(drive), 'Actions')).toBeUndefined();
    expect((await bmc.send('POST', `${drive}/Actions/Drive.SecureErase`, { body: {} })).status).toBe(404);
  }
});
