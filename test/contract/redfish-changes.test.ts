/** What is set on a BMC, with the production client, on every machine of the lab: asked as each wants it, and seen afterwards. */
import { afterEach, describe, expect, test } from 'vitest';
import type { BmcChange } from '../../src/core/bmc-change.ts';
import { FleetError } from '../../src/core/errors.ts';
import { type LabMachine, labMachines } from '../../src/lab/bmc/profiles/catalog.ts';
import { type ClientBench, clientBench } from '../support/client-bench.ts';
import { testGrant } from '../support/grant.ts';
import { eventually, type TestBmc } from '../support/lab-bmc.ts';
import { valueAt } from '../support/value-at.ts';

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

async function bench(machine: LabMachine, speed?: number): Promise<ClientBench> {
  const opened = await clientBench(machine, `127.31.29.${labMachines.indexOf(machine) + 1}`, speed);
  undo.push(opened.close);
  return opened;
}

/** Accepted writes beside log-ins, as the lab received them. */
function received({ effects }: TestBmc) {
  return effects.since().filter(({ path, status }) => status < 300 && !path.includes('/SessionService'));
}

describe.each(labMachines)('%s', machine => {
  test('lights up and goes dark again', async () => {
    const { lab, bmc } = await bench(machine);
    const light = async (lit: boolean) => {
      await bmc.change(testGrant, { act: 'identify', lit });
      return (await bmc.status()).lit;
    };
    expect([await light(true), await light(false)]).toEqual([{ value: true }, { value: false }]);
    expect(received(lab).map(({ method }) => method)).toEqual(['PATCH', 'PATCH']);
  });

  test('starts from the network once, and forgets it when told', async () => {
    const { bmc } = await bench(machine);
    const next = async (from: 'pxe' | 'none') => {
      await bmc.change(testGrant, { act: 'boot-once', from });
      return (await bmc.status()).bootOnce;
    };
    expect([await next('pxe'), await next('none')]).toEqual([{ value: 'pxe' }, { value: 'none' }]);
  });

  test('restarts its BMC with a type that it allows, at the address that the intent named', async () => {
    const { lab, bmc } = await bench(machine);
    const change: BmcChange = { act: 'reset-bmc' };
    const { method, path, body } = await bmc.changeTarget(change);
    await bmc.change(testGrant, change);
    expect(received(lab).map(each => [each.method, each.path, each.body])).toEqual([[method, path, body]]);
    await eventually('it to be away', async () => !(await bmc.answers()));
    const sessions = bmc.sessionsOpened;
    const after = await eventually('it to be back', () => bmc.status().catch(() => undefined));
    expect(after.power).toEqual({ value: 'on' });
    expect(bmc.sessionsOpened).toBe(sessions + 1);
  });
});

test('supermicro is told UEFI whatever mode it fell back to, and to boot its virtual CD as what it calls it', async () => {
  const { lab, bmc } = await bench('supermicro');
  const system = '/redfish/v1/Systems/1';
  const forgetful = { BootSourceOverrideEnabled: 'Once', BootSourceOverrideTarget: 'Pxe' };
  await lab.send('PATCH', system, { body: { Boot: forgetful } });
  expect(valueAt(await lab.get(system), 'Boot', 'BootSourceOverrideMode')).toBe('Legacy');
  await bmc.change(testGrant, { act: 'boot-once', from: 'cd' });
  expect(valueAt(await lab.get(system), 'Boot')).toMatchObject({
    BootSourceOverrideTarget: 'UsbCd',
    BootSourceOverrideMode: 'UEFI',
  });
  expect((await bmc.status()).bootOnce).toEqual({ value: 'cd' });
});

test('hpe refuses an override in POST for now, and takes the same one afterwards', async () => {
  const { lab, bmc } = await bench('hpe', 60);
  await bmc.status();
  lab.host.restart();
  const change: BmcChange = { act: 'boot-once', from: 'pxe' };
  expect(await bmc.change(testGrant, change).catch(FleetError.from)).toMatchObject({
    code: 'bmc_refused',
    retry: 'later',
  });
  await eventually('the end of POST', () => lab.host.phase === 'os');
  await bmc.change(testGrant, change);
  expect((await bmc.status()).bootOnce).toEqual({ value: 'pxe' });
});
