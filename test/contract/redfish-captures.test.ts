/** Reads whole real machines: every reading is a value that is in the tree, or unknown with a reason. */
import { describe, expect, test } from 'vitest';
import type { Fact, SensorReading, ServerHealth, Vendor } from '../../src/core/bmc.ts';
import { capturesPresent, type Resource, readCapture, type Tree } from '../support/capture-server.ts';
import { openCaptured } from '../support/captured-bmc.ts';

type Expected = {
  vendor: Vendor;
  /** Where the capture says it; undefined where it says nothing. */
  system: string;
  thermal: string[];
  fanUnit?: SensorReading['unit'];
  bios?: string;
  bmc?: string;
  modules: number;
};

const machines: Record<string, Expected> = {
  'dell-r750-idrac9-6.00.30': {
    vendor: 'dell',
    system: '/redfish/v1/Systems/System.Embedded.1',
    thermal: ['/redfish/v1/Chassis/System.Embedded.1/Thermal'],
    fanUnit: 'rpm',
    bios: 'Installed-159-1.8.2__BIOS.Setup.1-1',
    bmc: 'Installed-25227-6.00.30.00__iDRAC.Embedded.1-1',
    modules: 16,
  },
  'dmtf-rackmount1-2025.4': {
    vendor: 'generic',
    system: '/redfish/v1/Systems/437XR1138R2',
    thermal: ['/redfish/v1/Chassis/1U/Thermal'],
    fanUnit: 'rpm',
    bios: 'BIOS',
    bmc: 'BMC',
    modules: 3,
  },
  'gigabyte-h262-megarac-12.84': {
    vendor: 'ami',
    system: '/redfish/v1/Systems/Self',
    thermal: ['/redfish/v1/Chassis/Self/Thermal'],
    bios: 'BIOS',
    bmc: 'BMC',
    modules: 16,
  },
  'hpe-cray-ex425': {
    vendor: 'generic',
    system: '/redfish/v1/Systems/Node1',
    thermal: ['/redfish/v1/Chassis/Enclosure/Thermal', '/redfish/v1/Chassis/Node1/Thermal'],
    bios: 'Node1.BIOS',
    modules: 16,
  },
  'hpe-dl360gen10plus-ilo5-3.11': {
    vendor: 'hpe',
    system: '/redfish/v1/Systems/1',
    thermal: ['/redfish/v1/Chassis/1/Thermal'],
    fanUnit: 'percent',
    bios: '2',
    bmc: '1',
    modules: 12,
  },
  'hpe-dl380a-gen12-ilo7-1.13': {
    vendor: 'hpe',
    system: '/redfish/v1/Systems/1',
    thermal: ['/redfish/v1/Chassis/1/Thermal'],
    fanUnit: 'percent',
    bios: '2',
    bmc: '1',
    modules: 16,
  },
  'intel-s2600bpb-1.93': {
    vendor: 'generic',
    system: '/redfish/v1/Systems/QSBP74100021',
    thermal: ['/redfish/v1/Chassis/RackMount/Baseboard/Thermal'],
    fanUnit: 'rpm',
    bios: 'BIOS',
    bmc: 'BMC',
    modules: 6,
  },
  'lenovo-sr670v2-xcc-2.83': {
    vendor: 'lenovo',
    system: '/redfish/v1/Systems/1',
    thermal: ['/redfish/v1/Chassis/1/Thermal'],
    fanUnit: 'rpm',
    bios: 'UEFI',
    bmc: 'BMC-Primary',
    modules: 16,
  },
  'nvidia-gb200nvl-openbmc': {
    vendor: 'nvidia',
    system: '/redfish/v1/Systems/System_0',
    thermal: [],
    bmc: 'FW_BMC_0',
    modules: 2,
  },
  'openbmc-stock-2.15': {
    vendor: 'openbmc',
    system: '/redfish/v1/Systems/system',
    thermal: ['/redfish/v1/Chassis/chassis/Thermal'],
    bmc: '5d0869c4',
    modules: 0,
  },
  'supermicro-sys821ge-x13-11.01': {
    vendor: 'supermicro',
    system: '/redfish/v1/Systems/1',
    thermal: ['/redfish/v1/Chassis/1/Thermal'],
    fanUnit: 'rpm',
    bios: 'BIOS',
    bmc: 'BMC',
    modules: 32,
  },
};

const open = (tree: Tree, systemUri?: string) => openCaptured(tree, { systemUri });

const reason = 'the captures are kept outside this repository, in ../shared/redfish, and are not here';
describe.skipIf(!capturesPresent)(`real machines${capturesPresent ? '' : ` (skipped: ${reason})`}`, () => {
  test.each(Object.entries(machines))('%s: health says what the tree says', async (machine, expected) => {
    const tree = readCapture(machine);
    const { bmcs, bmc, server } = await open(tree, machine === 'hpe-cray-ex425' ? expected.system : undefined);
    const health = await bmc.health();

    const system = at(tree, expected.system);
    expect(health.identity.systemUri).toBe(expected.system);
    expect(health.identity.vendor).toBe(expected.vendor);
    agrees(health.identity.model, system.Model ?? modelAround(tree, system));
    agrees(health.identity.serial, system.SerialNumber);
    agrees(health.identity.uuid, typeof system.UUID === 'string' ? system.UUID.toUpperCase() : undefined);
    agrees(health.power, typeof system.PowerState === 'string' ? system.PowerState.toLowerCase() : undefined);
    for (const fact of factsIn(health)) expect('value' in fact || fact.unknown.length > 10).toBe(true);

    const temperatures =
      expected.thermal.length > 0 ? thermalReadings(tree, expected.thermal, 'Temperatures') : metrics(tree);
    expect(readingsOf(health.temperatures)).toEqual(temperatures);
    const fans = thermalReadings(tree, expected.thermal, 'Fans');
    expect(readingsOf(health.fans)).toEqual(fans);
    if ('value' in health.fans)
      expect(new Set(health.fans.value.map(each => each.unit))).toEqual(new Set([expected.fanUnit]));

    expect('value' in health.memory ? health.memory.value.length : 0).toBe(expected.modules);
    expect(activeIds(health, 'bios')).toEqual(expected.bios === undefined ? [] : [expected.bios]);
    expect(activeIds(health, 'bmc')).toEqual(expected.bmc === undefined ? [] : [expected.bmc]);

    await bmcs.closeAll();
    expect(server.sessions.size).toBe(0);
    expect(server.requests.filter(each => each.startsWith('POST'))).toHaveLength(1);
  });

  test('an overall OK does not hide a rolled-up warning', async () => {
    const { bmc, bmcs } = await open(readCapture('dmtf-rackmount1-2025.4'));
    expect((await bmc.health()).health).toEqual({ value: 'warning' });
    await bmcs.closeAll();
  });

  test('iLO: empty sockets that report 0 degrees and OK are unknown', async () => {
    const { bmc, bmcs } = await open(readCapture('hpe-dl360gen10plus-ilo5-3.11'));
    const { temperatures } = await bmc.health();
    const all = 'value' in temperatures ? temperatures.value : [];
    expect(all).toHaveLength(48);
    expect(all.filter(each => 'value' in each.reading && each.reading.value === 0)).toEqual([]);
    expect(all.filter(each => !('value' in each.reading) && 'value' in each.health)).toEqual([]);
    await bmcs.closeAll();
  });

  test('two systems behind one BMC: nothing that tells them apart is known until one is declared', async () => {
    const { bmc, bmcs } = await open(readCapture('hpe-cray-ex425'));
    const health = await bmc.health();
    for (const fact of [health.identity.uuid, health.identity.serial, health.power, health.health]) {
      expect(fact).toHaveProperty('unknown', expect.stringContaining('2 systems'));
    }
    expect(activeIds(health, 'bios')).toEqual([]);
    await expect(bmc.resetTarget()).rejects.toMatchObject({ code: 'precondition_failed' });
    await bmcs.closeAll();
  });

  test('a machine that can only be switched off and on has no restart', async () => {
    const { bmc, bmcs } = await open(readCapture('hpe-cray-ex425'), '/redfish/v1/Systems/Node1');
    await expect(bmc.resetTarget()).rejects.toMatchObject({ code: 'bmc_refused' });
    await bmcs.closeAll();
  });

  test.each([
    ['dell-r750-idrac9-6.00.30', 'ForceRestart'],
    ['gigabyte-h262-megarac-12.84', 'ForceRestart'],
    ['hpe-dl360gen10plus-ilo5-3.11', 'GracefulRestart'],
    ['supermicro-sys821ge-x13-11.01', 'GracefulRestart'],
  ])('%s: restarts by %s', async (machine, type) => {
    const { bmc, bmcs } = await open(readCapture(machine));
    expect(await bmc.resetTarget()).toMatchObject({ method: 'POST', type });
    await bmcs.closeAll();
  });

  test('a vendor without an update profile refuses instead of trying', async () => {
    const { bmc, bmcs } = await open(readCapture('dmtf-rackmount1-2025.4'));
    await expect(bmc.updateTraits('bios')).rejects.toMatchObject({ code: 'bmc_refused' });
    await bmcs.closeAll();
  });

  test('log entries come newest first, and at most 20', async () => {
    const { bmc, bmcs } = await open(readCapture('supermicro-sys821ge-x13-11.01'));
    const { log } = await bmc.health();
    const times = 'value' in log ? log.value.map(each => ('value' in each.created ? each.created.value : '')) : [];
    expect(times).toHaveLength(20);
    expect(times).toEqual(times.toSorted().reverse());
    expect(times[0]).toBe('2023-11-30T20:35:05Z');
    await bmcs.closeAll();
  });

  test('a missing resource makes its readings unknown, not the report impossible', async () => {
    const tree = readCapture('dell-r750-idrac9-6.00.30');
    tree.delete('/redfish/v1/chassis/system.embedded.1/thermal');
    tree.delete('/redfish/v1/systems/system.embedded.1/memory');
    tree.set('/redfish/v1/updateservice', { error: { message: 'internal error' } });
    const { bmc, bmcs } = await open(tree);
    const health = await bmc.health();
    expect(health.memory).toHaveProperty('unknown', expect.stringContaining('404'));
    expect(health.firmware).toHaveProperty('unknown', expect.stringContaining('500'));
    // ThermalSubsystem stands in, with fewer sensors and without a claim about those it lacks.
    expect(readingsOf(health.temperatures)).toHaveLength(4);
    expect(readingsOf(health.fans)).toHaveLength(6);
    await bmcs.closeAll();
  });
});

function at(tree: Tree, uri: string): Record<string, unknown> {
  const found = tree.get(uri.toLowerCase());
  if (found === undefined) throw new Error(`the capture has no ${uri}`);
  return found;
}

/** A known fact is what the tree says; an unknown one stands for nothing said. */
function agrees(fact: Fact<string>, said: unknown): void {
  if (typeof said === 'string' && said.trim() !== '') expect(fact).toEqual({ value: said.trim() });
  else expect(fact).toHaveProperty('unknown');
}

/** Of the chassis that the system is in, where that is one. */
function modelAround(tree: Tree, system: Resource): unknown {
  const [only, ...more] = (system.Links as { Chassis?: { '@odata.id': string }[] } | undefined)?.Chassis ?? [];
  return only === undefined || more.length > 0 ? undefined : at(tree, only['@odata.id']).Model;
}

type Entry = { ReadingCelsius?: unknown; Reading?: unknown; Status?: { State?: string } };

function thermalReadings(tree: Tree, uris: string[], list: 'Temperatures' | 'Fans'): number[] {
  const entries = uris.flatMap(uri => (at(tree, uri)[list] as Entry[] | undefined) ?? []);
  return entries
    .filter(each => !['Absent', 'Disabled'].includes(each.Status?.State ?? ''))
    .map(each => each.ReadingCelsius ?? each.Reading)
    .filter(each => typeof each === 'number')
    .toSorted((a, b) => a - b);
}

/** The sensors that ThermalMetrics list, each once, by their own resource: the metrics were captured at another moment. */
function metrics(tree: Tree): number[] {
  const found = new Map<string, unknown>();
  for (const [uri, body] of tree) {
    if (!uri.endsWith('/thermalmetrics')) continue;
    for (const each of (body.TemperatureReadingsCelsius as { DataSourceUri: string }[]) ?? []) {
      found.set(each.DataSourceUri, at(tree, each.DataSourceUri).Reading);
    }
  }
  return [...found.values()].filter(each => typeof each === 'number').toSorted((a, b) => a - b);
}

function readingsOf(sensors: Fact<SensorReading[]>): number[] {
  const all = 'value' in sensors ? sensors.value : [];
  return all.flatMap(each => ('value' in each.reading ? [each.reading.value] : [])).toSorted((a, b) => a - b);
}

function activeIds(health: ServerHealth, component: 'bios' | 'bmc'): string[] {
  const members = 'value' in health.firmware ? health.firmware.value : [];
  return members.filter(each => each.state === 'active' && each.component === component).map(each => each.id);
}

function factsIn(health: ServerHealth): Fact<unknown>[] {
  const { identity } = health;
  const sensors = [health.temperatures, health.fans].flatMap(each => ('value' in each ? each.value : []));
  return [
    identity.uuid,
    identity.serial,
    identity.manufacturer,
    identity.model,
    health.power,
    health.health,
    health.temperatures,
    health.fans,
    health.memory,
    health.log,
    health.firmware,
    ...sensors.flatMap(each => [each.reading, each.health]),
  ];
}
