/** Sensors of real machines: each once, with what its documents say, and nothing called well that is not known to be. */
import { describe, expect, test } from 'vitest';
import { factValue } from '../../src/core/bmc.ts';
import type { Sensor } from '../../src/core/hardware.ts';
import {
  type CaptureManners,
  capturesPresent,
  type Resource,
  readCapture,
  type Tree,
} from '../support/capture-server.ts';
import { openCaptured } from '../support/captured-bmc.ts';
import { naiveSensors } from '../support/naive-sensors.ts';

const open = (tree: Tree, manners: CaptureManners = {}, systemUri?: string) =>
  openCaptured(tree, { manners, systemUri });

async function sensorsOf(tree: Tree, manners: CaptureManners = {}, systemUri?: string) {
  const { bmc, bmcs, server } = await open(tree, manners, systemUri);
  const { sensors } = await bmc.inventory();
  await bmcs.closeAll();
  return { sensors: factValue(sensors) ?? [], fact: sensors, requests: server.requests };
}

const dell = 'dell-r750-idrac9-6.00.30';
const chassis = '/redfish/v1/chassis/system.embedded.1';
const broken = { error: { message: 'internal error' } };

/** Where the machine is one of several behind its BMC: which, and the paths of the others. */
const shared: Record<string, { declared: string; strangers: RegExp }> = {
  'hpe-cray-ex425': { declared: '/redfish/v1/Systems/Node1', strangers: /node0/ },
};
const counts: Record<string, number> = {
  [dell]: 75,
  'dmtf-rackmount1-2025.4': 37,
  'gigabyte-h262-megarac-12.84': 48,
  'hpe-cray-ex425': 147,
  'hpe-dl360gen10plus-ilo5-3.11': 46,
  'hpe-dl380a-gen12-ilo7-1.13': 68,
  'intel-s2600bpb-1.93': 37,
  'lenovo-sr670v2-xcc-2.83': 239,
  'nvidia-gb200nvl-openbmc': 231,
  'supermicro-sys821ge-x13-11.01': 56,
};
const manners: CaptureManners[] = [{}, { expand: 'done' }];
const reason = 'the captures are kept outside this repository, in ../shared/redfish, and are not here';

describe.skipIf(!capturesPresent)(`real machines${capturesPresent ? '' : ` (skipped: ${reason})`}`, () => {
  describe.each(manners)('with $expand %j', manner => {
    test.each(Object.entries(counts))(
      '%s: every sensor once, with kind, reading and health',
      async (machine, count) => {
        const tree = readCapture(machine);
        const { declared, strangers } = shared[machine] ?? { declared: undefined, strangers: /^$/ };
        const { sensors } = await sensorsOf(tree, manner, declared);
        const naive = naiveSensors(tree, strangers).map(each => `${each.kind} ${each.reading ?? '-'} ${each.health}`);
        expect(sensors).toHaveLength(count);
        expect(sensors.map(line).toSorted()).toEqual(naive.toSorted());
        expect(new Set(sensors.map(each => `${each.kind} ${each.name}`)).size).toBe(count);
        for (const { reading, health, unit, kind } of sensors) {
          for (const fact of [reading, health]) expect('value' in fact || fact.unknown.length > 10).toBe(true);
          expect(unit === '').toBe(kind === 'state');
        }
      },
    );
  });

  test('stock OpenBMC lists none, and says so', async () => {
    const { fact } = await sensorsOf(readCapture('openbmc-stock-2.15'));
    expect(fact).toEqual({ unknown: 'the BMC lists no sensors' });
  });

  test('where $expand is done, no sensor of the collection is asked for alone', async () => {
    const { requests } = await sensorsOf(readCapture('lenovo-sr670v2-xcc-2.83'), { expand: 'done' });
    expect(requests.filter(each => /\/Sensors\?/.test(each))).toHaveLength(1);
    expect(requests.filter(each => /\/Sensors\/\w/.test(each))).toEqual([]);
  });

  test('a leak that the detector tells shows, though the voltage that it measures is well', async () => {
    const { sensors } = await sensorsOf(readCapture('nvidia-gb200nvl-openbmc'), { expand: 'done' });
    expect(sensors.filter(each => factValue(each.health) === 'critical')).toMatchObject([
      { name: 'Chassis 0 LeakDetector 1 ColdPlate', kind: 'leak', unit: 'V', reading: { value: 1.7353 } },
    ]);
  });

  test('limits of both sides; the fatal one where there is no critical one', async () => {
    const limits = async (machine: string, name: string) => {
      const { sensors } = await sensorsOf(readCapture(machine), { expand: 'done' });
      return sensors.find(each => each.name === name)?.limits;
    };
    const inlet = { lowerCritical: -7, lowerCaution: 3, upperCaution: 38, upperCritical: 42 };
    expect(await limits(dell, 'System Board Inlet Temp')).toEqual(inlet);
    expect(await limits('nvidia-gb200nvl-openbmc', 'PDB 0 Inlet Temp 0')).toEqual({
      upperCaution: 80,
      upperCritical: 85,
    });
    expect(await limits('gigabyte-h262-megarac-12.84', 'P_12V')).toEqual({
      lowerCritical: 10.27,
      lowerCaution: 10.79,
      upperCaution: 13.13,
      upperCritical: 13.65,
    });
  });

  test('a kind that the collection does not say comes from where the same sensor is shown again', async () => {
    const tree = readCapture('hpe-dl380a-gen12-ilo7-1.13');
    const inlet = (sensors: Sensor[]) => sensors.filter(each => each.name === '01-Inlet Ambient');
    const known = { kind: 'temperature', unit: 'celsius', reading: { value: 16 }, health: { value: 'ok' } };
    expect(inlet((await sensorsOf(tree, { expand: 'done' })).sensors)).toMatchObject([known]);
    tree.delete('/redfish/v1/chassis/1/thermal');
    tree.delete('/redfish/v1/chassis/1/thermalsubsystem');
    const alone = { kind: 'state', unit: '', reading: { unknown: expect.stringContaining('no unit') } };
    expect(inlet((await sensorsOf(tree, { expand: 'done' })).sensors)).toMatchObject([alone]);
  });

  test.each([
    ['sensors', { unread: 1, voltage: 49, temperature: 5, fan: 6, power: 1 }],
    ['thermal', { unread: 1, voltage: 49, temperature: 6, fan: 6, power: 6 }],
    ['power', { unread: 1, voltage: 8, temperature: 6, fan: 6, power: 5 }],
  ] as const)('%s cannot be read: that is said, and the rest is there', async (place, expected) => {
    const { sensors } = await sensorsOf(readCapture(dell).set(`${chassis}/${place}`, broken), { expand: 'done' });
    const of = (kind: string) => sensors.filter(each => each.kind === kind);
    expect(Object.fromEntries(Object.keys(expected).map(kind => [kind, of(kind).length]))).toEqual(expected);
    expect(of('unread')[0]?.health).toEqual({ unknown: expect.stringContaining('500') });
  });

  test('one sensor that cannot be read is told; one that is not there is left out', async () => {
    const tree = readCapture(dell).set(`${chassis}/sensors/ps1current1`, broken);
    tree.delete(`${chassis}/sensors/ps2current2`);
    const { sensors } = await sensorsOf(tree);
    expect(sensors.filter(each => each.kind === 'unread').map(each => each.name)).toEqual(['PS1Current1']);
    expect(sensors.filter(each => each.kind === 'current')).toEqual([]);
    expect(sensors).toHaveLength(74);
  });

  test('the newer subsystem stands in where nothing else shows fans and temperatures', async () => {
    const tree = readCapture(dell);
    for (const place of ['sensors', 'thermal']) tree.delete(`${chassis}/${place}`);
    const { sensors } = await sensorsOf(tree);
    expect(sensors.filter(each => each.kind === 'fan').map(each => factValue(each.reading))).toEqual([
      18600, 18600, 18600, 18600, 18720, 18600,
    ]);
    const temperatures = sensors.filter(each => each.kind === 'temperature');
    expect(temperatures.map(line)).toEqual([
      'temperature 37 ok',
      'temperature 39 ok',
      'temperature 25 ok',
      'temperature 31 ok',
    ]);
    expect(temperatures[2]?.limits).toMatchObject({ upperCritical: 42 });
  });

  test('metrics without a sensor count where nothing else of their kind is known', async () => {
    const tree = readCapture(dell).set(`${chassis}/environmentmetrics`, {
      HumidityPercent: { Reading: 41 },
      TemperatureCelsius: { Reading: 99 },
      PowerWatts: { Reading: 600, DataSourceUri: `${chassis}/Sensors/SystemBoardPwrConsumption` },
    });
    const link = { '@odata.id': `${chassis}/EnvironmentMetrics` };
    tree.set(chassis, { ...tree.get(chassis), EnvironmentMetrics: link });
    const { sensors } = await sensorsOf(tree, { expand: 'done' });
    expect(sensors).toHaveLength(76);
    expect(sensors.find(each => each.kind === 'humidity')).toMatchObject({
      unit: 'percent',
      reading: { value: 41 },
      health: { unknown: 'the BMC gives no health of the sensor' },
    });
  });

  test('"OK" of a sensor that reads nothing is not believed', async () => {
    const tree = readCapture(dell);
    for (const [uri, body] of tree) tree.set(uri, silenced(body));
    const { sensors } = await sensorsOf(tree, { expand: 'done' });
    expect(sensors.length).toBeGreaterThan(70);
    expect(sensors.filter(each => 'value' in each.health)).toEqual([]);
  });

  test('odd values: nothing breaks and nothing is made up', async () => {
    const tree = readCapture(dell);
    for (const place of ['thermal', 'power', 'thermalsubsystem']) tree.delete(`${chassis}/${place}`);
    const oddities: unknown[] = ['N/A', null, {}, [], true];
    let turn = 0;
    for (const [uri, body] of tree) {
      if (!/\/sensors\/[^/]+$/.test(uri)) continue;
      const odd = Object.keys(body).map(key => [
        key,
        /^@odata/.test(key) ? body[key] : oddities[turn++ % oddities.length],
      ]);
      tree.set(uri, Object.fromEntries(odd));
    }
    const { sensors } = await sensorsOf(tree);
    expect(sensors).toHaveLength(33);
    expect(sensors.filter(each => each.name.startsWith('N/A'))).toEqual([]);
    expect(sensors.filter(each => 'value' in each.reading || 'value' in each.health)).toEqual([]);
  });

  test.each([dell, 'nvidia-gb200nvl-openbmc', 'lenovo-sr670v2-xcc-2.83'])(
    '%s: a sample asks for none of what only an inventory shows',
    async machine => {
      const { bmc, bmcs, server } = await open(readCapture(machine), { expand: 'done' });
      await bmc.sample();
      expect(server.requests.length).toBeGreaterThan(10);
      const dear = /\/Sensors(\?|$)|EnvironmentMetrics|LeakDetect|PowerSupplies\/[^/]+\/Metrics/i;
      expect(server.requests.filter(each => dear.test(each))).toEqual([]);
      await bmcs.closeAll();
    },
  );
});

/** Kind, reading and health; the rest differs from one place to another. */
function line({ kind, reading, health }: Sensor): string {
  return `${kind} ${factValue(reading) ?? '-'} ${factValue(health) ?? '-'}`;
}

/** The same without what it reads, however deep. */
function silenced(body: Resource): Resource {
  const mute = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(mute);
    return typeof value === 'object' && value !== null ? silenced(value as Resource) : value;
  };
  const read = /^(Reading|ReadingCelsius|ReadingVolts|PowerConsumedWatts)$/;
  return Object.fromEntries(Object.entries(body).map(([key, value]) => [key, read.test(key) ? null : mute(value)]));
}
