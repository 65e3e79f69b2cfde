/** Every machine of the lab is what the production client takes it for, and a lab can be made of those one chooses. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { Fact } from '../../src/core/bmc.ts';
import { shippedManifests } from '../../src/demo/lab-part.ts';
import { bmcProfiles, type LabMachine, labMachines } from '../../src/lab/bmc/profiles/catalog.ts';
import { describeLab } from '../../src/lab/description.ts';
import { makeImage } from '../../src/lab/images.ts';
import { startLab } from '../../src/lab/lab.ts';
import { type ClientBench, clientBench } from '../support/client-bench.ts';
import { eventually, startImageServer } from '../support/lab-bmc.ts';

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

async function bench(machine: LabMachine): Promise<ClientBench> {
  const opened = await clientBench(machine, `127.31.10.${labMachines.indexOf(machine) + 1}`);
  undo.push(opened.close);
  return opened;
}

function listed<T>(fact: Fact<T[]>): T[] {
  return 'value' in fact ? fact.value : [];
}

/** What a GB200 does not say of itself, as the machines in the field. */
const silent: readonly LabMachine[] = ['nvidia'];

describe.each(labMachines)('%s', machine => {
  const profile = bmcProfiles[machine];

  test('is known by its vendor and read whole: identity, power, health, sensors, modules, log', async () => {
    const { lab, bmc } = await bench(machine);
    const health = await bmc.health();
    const { identity } = health;
    expect(identity.vendor).toBe(profile.vendor);
    expect(identity.systemUri).toBe(`/redfish/v1/Systems/${profile.systemId}`);
    expect(identity.uuid).toEqual({ value: lab.host.uuid });
    expect(health.power).toEqual({ value: 'on' });
    expect(health.health).toEqual({ value: 'ok' });
    if (silent.includes(machine)) {
      expect(identity).toMatchObject({
        serial: { unknown: expect.any(String) },
        // Of the chassis around it.
        model: { value: profile.model },
      });
      expect(health.fans).toEqual({ unknown: expect.any(String) });
    } else {
      expect(identity).toMatchObject({ serial: { value: lab.host.serial }, model: { value: profile.model } });
      expect(listed(health.fans)).toHaveLength(profile.fans.length);
    }
    expect(listed(health.temperatures)).toHaveLength(profile.temperatures.length);
    for (const sensor of [...listed(health.temperatures), ...listed(health.fans)]) {
      expect(sensor.reading).toHaveProperty('value');
    }
    expect(listed(health.memory)).toHaveLength(profile.memory.dimms.length);
    const counted = listed(health.memory).filter(({ uncorrected }) => 'value' in uncorrected);
    expect(counted).toHaveLength(profile.memory.metrics ? profile.memory.dimms.length : 0);
    expect(listed(health.log).length).toBeGreaterThan(0);
  });

  test('runs one BIOS and one BMC image among the copies in its inventory', async () => {
    const { lab, bmc } = await bench(machine);
    const members = await bmc.firmware();
    const running = (component: 'bios' | 'bmc') =>
      members.filter(member => member.component === component && member.state === 'active');
    expect(running('bmc')).toHaveLength(1);
    if (silent.includes(machine)) {
      expect(running('bios')).toEqual([]);
      return;
    }
    const [bios] = running('bios');
    expect(running('bios')).toHaveLength(1);
    expect(bios?.version).toMatchObject({ value: expect.stringContaining(lab.bmc.firmware.active) });
  });

  test('runs a newer BIOS after an update and a reset, and an image of another machine is refused', async () => {
    const { lab, bmc } = await bench(machine);
    const { vendor, model, firmware, update } = profile;
    const header = { vendor, models: [model], component: 'bios' as const, version: firmware.newBios };
    const files: Record<string, Buffer> = {
      '/bios.bin': makeImage(header),
      '/other.bin': makeImage({ ...header, models: ['Another Machine'] }),
    };
    const images = await startImageServer(files);
    undo.push(images.stop);
    const flash = async (file: string) => {
      const wish = update.applyTimes === undefined ? {} : { '@Redfish.OperationApplyTime': 'OnReset' };
      const body = { ImageURI: `${images.url}/${file}`, ...wish };
      const simple = '/redfish/v1/UpdateService/Actions/UpdateService.SimpleUpdate';
      const bytes = { raw: files[`/${file}`] ?? '', headers: { 'Content-Type': 'application/octet-stream' } };
      const answer =
        update.simpleTargets === undefined
          ? await lab.send('POST', simple, { body })
          : await lab.send('POST', update.push?.stream ?? '', bytes);
      expect(answer.status).toBe(202);
      const task = /\/redfish\/v1\/TaskService\/Tasks\/\w+/.exec(answer.text)?.[0] ?? '';
      return async () => (await lab.get(task)).TaskState;
    };
    const refused = await flash('other.bin');
    await eventually('the wrong image to be refused', async () => (await refused()) === 'Exception');
    await flash('bios.bin');
    await eventually('the image to wait for a reset', () => lab.bmc.firmware.staged === firmware.newBios);
    expect(lab.bmc.firmware.active).toBe(firmware.bios);
    const before = lab.host.bootId;
    lab.host.restart();
    await eventually('the boot', () => lab.host.bootId !== before);
    expect(lab.bmc.firmware.active).toBe(firmware.newBios);
    const bios = (await bmc.firmware()).find(member => member.component === 'bios' && member.state === 'active');
    if (!silent.includes(machine)) {
      expect(bios?.version).toMatchObject({ value: expect.stringContaining(firmware.newBios) });
    }
  });
});

describe('a lab of chosen machines', () => {
  test('has them in turn, each with serials of its vendor and an image of its own', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'lab-'));
    undo.push(() => rm(dir, { recursive: true }));
    const lab = await startLab({
      sites: 1,
      controlPlanes: 2,
      workers: 2,
      machines: ['lenovo', 'idrac10'],
      speed: 600,
      seed: 7,
      dir,
      manifests: shippedManifests,
      addressBase: '127.106',
    });
    undo.push(lab.stop);
    const { sites, images } = describeLab(lab);
    const nodes = sites[0]?.nodes ?? [];
    expect(nodes.map(({ vendor, model }) => `${vendor} ${model}`)).toEqual([
      'lenovo ThinkSystem SR650 V2',
      'dell PowerEdge R670',
      'dell PowerEdge R670',
      'lenovo ThinkSystem SR650 V2',
    ]);
    expect(nodes.map(({ serial }) => serial.length)).toEqual([8, 7, 7, 8]);
    expect(images.map(({ vendor, models, version }) => `${vendor} ${models} ${version}`)).toEqual([
      'lenovo ThinkSystem SR650 V2 22N-1.70',
      'dell PowerEdge R670 1.6.1',
    ]);
  });
});
