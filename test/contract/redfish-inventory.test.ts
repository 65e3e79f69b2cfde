/** What real machines are made of: every part once, totals as in their own documents, and reasons where they say nothing. */
import { describe, expect, test } from 'vitest';
import { type Fact, type FirmwareMember, factValue } from '../../src/core/bmc.ts';
import type { HardwareInventory } from '../../src/core/hardware.ts';
import { type CaptureManners, capturesPresent, readCapture, type Tree } from '../support/capture-server.ts';
import { openCaptured } from '../support/captured-bmc.ts';
import { naiveInventory } from '../support/naive-inventory.ts';

const open = (tree: Tree, manners: CaptureManners = {}, systemUri?: string) =>
  openCaptured(tree, { manners, systemUri });

type Expected = {
  system: string;
  declared?: string;
  /** Paths of another server behind the same BMC, or of parts that call themselves systems. */
  strangers?: RegExp;
  /** Network ports for which the BMC has no address. */
  nameless?: number;
  /** Images of the firmware inventory that run now, of what can be updated. */
  active: string[];
  /** Firmware that the tree holds and no list names. */
  unlisted?: RegExp;
};

const machines: Record<string, Expected> = {
  'dell-r750-idrac9-6.00.30': {
    system: 'system.embedded.1',
    active: [
      'bios Installed-159-1.8.2__BIOS.Setup.1-1',
      'bmc Installed-25227-6.00.30.00__iDRAC.Embedded.1-1',
      'drive Installed-0-2.1.3__Disk.Bay.0:Enclosure.Internal.0-1',
      'drive Installed-0-2.1.3__Disk.Bay.1:Enclosure.Internal.0-1',
      'drive Installed-0-2.1.3__Disk.Bay.2:Enclosure.Internal.0-1',
      'nic Installed-0-24.40.10.00__NIC.Slot.5-1',
      'nic Installed-108089-21.80.16.95__NIC.Integrated.1-1-1',
      'nic Installed-108089-21.80.16.95__NIC.Integrated.1-2-1',
      'nic Installed-108255-21.80.9__NIC.Embedded.1-1-1',
      'nic Installed-108255-21.80.9__NIC.Embedded.2-1-1',
    ],
  },
  'dmtf-rackmount1-2025.4': {
    system: '437xr1138r2',
    strangers: /dedicatednetworkports|controllers/,
    unlisted: /^ac-rot0/,
    active: ['bios BIOS', 'bmc BMC'],
  },
  'gigabyte-h262-megarac-12.84': { system: 'self', active: ['bios BIOS', 'bmc BMC'] },
  'hpe-cray-ex425': {
    system: 'node1',
    declared: '/redfish/v1/Systems/Node1',
    strangers: /node0/,
    nameless: 1,
    active: ['bios Node1.BIOS'],
  },
  'hpe-dl360gen10plus-ilo5-3.11': {
    system: '1',
    active: ['bios 2', 'bmc 1', 'drive 20', 'drive 21', 'nic 16', 'nic 17'],
  },
  'hpe-dl380a-gen12-ilo7-1.13': { system: '1', active: ['bios 2', 'bmc 1', 'drive 40', 'drive 41'] },
  'intel-s2600bpb-1.93': { system: 'qsbp74100021', active: ['bios BIOS', 'bmc BMC'] },
  'lenovo-sr670v2-xcc-2.83': { system: '1', active: ['bios UEFI', 'bmc BMC-Primary'] },
  'nvidia-gb200nvl-openbmc': { system: 'system_0', strangers: /hgx_baseboard/, nameless: 1, active: ['bmc FW_BMC_0'] },
  'openbmc-stock-2.15': { system: 'system', active: ['bmc 5d0869c4'] },
  'supermicro-sys821ge-x13-11.01': { system: '1', active: ['bios BIOS', 'bmc BMC'] },
};

const expansions: CaptureManners[] = [{}, { expand: 'done' }];
const reason = 'the captures are kept outside this repository, in ../shared/redfish, and are not here';

describe.skipIf(!capturesPresent)(`real machines${capturesPresent ? '' : ` (skipped: ${reason})`}`, () => {
  describe.each(expansions)('with $expand %j', manners => {
    test.each(Object.entries(machines))(
      '%s: parts and totals are those of its documents',
      async (machine, expected) => {
        const tree = readCapture(machine);
        const { bmcs, bmc, server } = await open(tree, manners, expected.declared);
        const found = await bmc.inventory();
        const naive = naiveInventory(tree, `/redfish/v1/systems/${expected.system}`, expected.strangers ?? /^$/);

        const processors = listed(found.processors);
        expect(processors.map(each => id(each.uri)).toSorted()).toEqual(naive.processors.ids);
        expect(sum(processors.map(each => each.cores))).toBe(naive.processors.cores);
        expect(processors.filter(each => each.kind === 'gpu')).toHaveLength(naive.processors.gpus);

        const memory = listed(found.memory);
        expect(memory.map(each => id(each.uri)).toSorted()).toEqual(naive.memory.ids);
        expect(sum(memory.map(each => each.capacityMiB))).toBe(naive.memory.mib);

        const drives = listed(found.drives);
        expect(drives).toHaveLength(naive.drives.count);
        expect(drives.flatMap(each => factValue(each.serial) ?? []).toSorted()).toEqual(naive.drives.serials);
        expect(sum(drives.map(each => each.capacityBytes))).toBe(naive.drives.bytes);

        const ports = listed(found.network);
        const macs = ports.flatMap(each => factValue(each.mac) ?? []);
        expect(macs.map(mac => mac.replaceAll(':', '')).toSorted()).toEqual(naive.macs);
        expect(ports).toHaveLength(naive.macs.length + (expected.nameless ?? 0));

        const supplies = listed(found.powerSupplies);
        expect(supplies).toHaveLength(naive.powerSupplies.count);
        expect(sum(supplies.map(each => each.capacityWatts))).toBe(naive.powerSupplies.watts);
        expect(sum(supplies.map(each => each.inputWatts))).toBe(naive.powerSupplies.inputWatts);
        expect(sum(supplies.map(each => each.outputWatts))).toBe(naive.powerSupplies.outputWatts);

        const firmware = listed(found.firmware).map(each => `${id(each.uri)} ${factValue(each.version) ?? ''}`);
        expect(firmware.toSorted()).toEqual(naive.firmware.filter(each => !expected.unlisted?.test(each)));
        expect(activeIn(listed(found.firmware))).toEqual(expected.active);

        for (const parts of [processors, memory, drives, ports, supplies]) {
          expect(new Set(parts.map(each => each.name)).size).toBe(parts.length);
        }
        for (const why of unknownsIn(found)) expect(why.length).toBeGreaterThan(10);
        await bmcs.closeAll();
        expect(server.sessions.size).toBe(0);
      },
    );
  });

  test('two systems behind one BMC: no part is shown until one is declared', async () => {
    const { bmc, bmcs } = await open(readCapture('hpe-cray-ex425'));
    const found = await bmc.inventory();
    for (const fact of [
      found.processors,
      found.memory,
      found.drives,
      found.network,
      found.powerSupplies,
      found.sensors,
    ]) {
      expect(fact).toHaveProperty('unknown', expect.stringContaining('2 systems'));
    }
    await bmcs.closeAll();
  });

  test('a part that cannot be read is listed with the reason; one that is not there is left out', async () => {
    const tree = readCapture('dell-r750-idrac9-6.00.30');
    const system = '/redfish/v1/systems/system.embedded.1';
    const broken = { error: { message: 'internal error' } };
    const drive = `${system}/storage/cpu.1/drives/disk.bay.1:enclosure.internal.0-1`;
    const bmcServes = new Map(tree).set(drive, broken).set(`${system}/processors/cpu.socket.2`, broken);
    bmcServes.delete(`${system}/memory/dimm.socket.a1`);
    const { bmc, bmcs } = await open(bmcServes, { expand: 'done' });
    const found = await bmc.inventory();
    const drives = listed(found.drives);
    expect(drives).toHaveLength(3);
    expect(drives.find(each => each.uri.toLowerCase() === drive)?.health).toEqual({
      unknown: expect.stringContaining('500'),
    });
    expect(listed(found.processors).flatMap(each => factValue(each.cores) ?? [])).toEqual([18]);
    expect(listed(found.processors)).toHaveLength(3);
    expect(listed(found.memory)).toHaveLength(15);
    await bmcs.closeAll();
  });

  test('a storage subsystem that cannot be read does not hide that it may have drives', async () => {
    const tree = readCapture('lenovo-sr670v2-xcc-2.83');
    tree.set('/redfish/v1/systems/1/storage/m.2', { error: { message: 'internal error' } });
    const { bmc, bmcs } = await open(tree);
    const drives = listed((await bmc.inventory()).drives);
    expect(drives).toHaveLength(3);
    expect(drives.filter(each => !('value' in each.serial))).toHaveLength(1);
    await bmcs.closeAll();
  });

  test('a drive that several links name, under several addresses, is one drive', async () => {
    const tree = readCapture('hpe-dl380a-gen12-ilo7-1.13');
    const storage = '/redfish/v1/systems/1/storage/de010000';
    const own = (tree.get(storage)?.Drives ?? []) as object[];
    const again = { '@odata.id': '/redfish/v1/Chassis/2/Drives/1/' };
    tree.set(storage, { ...tree.get(storage), Drives: [...own, ...own, again] });
    const { bmc, bmcs } = await open(tree);
    expect(listed((await bmc.inventory()).drives)).toHaveLength(6);
    await bmcs.closeAll();
  });

  test('power supplies come from the subsystem where the older resource fails', async () => {
    const tree = readCapture('dell-r750-idrac9-6.00.30');
    tree.set('/redfish/v1/chassis/system.embedded.1/power', { error: { message: 'internal error' } });
    const { bmc, bmcs } = await open(tree);
    const supplies = listed((await bmc.inventory()).powerSupplies);
    expect(supplies.map(each => id(each.uri))).toEqual(['psu.slot.1', 'psu.slot.2']);
    expect(sum(supplies.map(each => each.capacityWatts))).toBe(4800);
    expect(sum(supplies.map(each => each.inputWatts))).toBe(303 + 308);
    expect(sum(supplies.map(each => each.outputWatts))).toBe(273 + 275.5);
    await bmcs.closeAll();
  });

  test('the documents hold odd values: nothing breaks and nothing is made up', async () => {
    const tree = readCapture('supermicro-sys821ge-x13-11.01');
    const oddities: unknown[] = ['N/A', -1, null, {}, [], true];
    let turn = 0;
    for (const [uri, body] of tree) {
      if (!/\/(processors|memory|drives|ethernetinterfaces|ports)\/[^/]+$/.test(uri)) continue;
      const spared = /^(@odata|Id$|Name$|Status$)/;
      const odd = Object.entries(body).map(([key, value]) => [
        key,
        spared.test(key) ? value : oddities[turn++ % oddities.length],
      ]);
      tree.set(uri, Object.fromEntries(odd));
    }
    const { bmc, bmcs } = await open(tree);
    const found = await bmc.inventory();
    expect(listed(found.memory)).toHaveLength(32);
    expect(sum(listed(found.memory).map(each => each.capacityMiB))).toBe(0);
    expect(listed(found.drives)).toHaveLength(8);
    expect(listed(found.drives).filter(each => 'value' in each.serial)).toEqual([]);
    await bmcs.closeAll();
  });
});

function listed<T>(fact: Fact<T[]>): T[] {
  return factValue(fact) ?? [];
}

function id(uri: string): string {
  return uri.replace(/\/$/, '').split('/').at(-1)?.toLowerCase() ?? '';
}

/** `component id` of the BIOS and BMC images that the profile says run now. */
function activeIn(members: FirmwareMember[]): string[] {
  return members
    .filter(each => each.state === 'active' && each.component !== undefined)
    .map(each => `${each.component} ${each.id}`)
    .toSorted();
}

function sum(facts: Fact<number>[]): number {
  return facts.reduce((total, fact) => total + (factValue(fact) ?? 0), 0);
}

function unknownsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  if ('unknown' in value) return [String(value.unknown)];
  return Object.values(value as HardwareInventory).flatMap(unknownsIn);
}
