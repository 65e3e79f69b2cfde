/** What happens to a machine's parts shows where a client reads it: in the part, in the system's health, and in the log. */
import { afterEach, describe, expect, test } from 'vitest';
import type { LabMachine } from '../../src/lab/bmc/profiles/catalog.ts';
import type { FaultInput } from '../../src/lab/faults.ts';
import { eventually, type Redfish, startTestBmc, type TestBmc } from '../support/lab-bmc.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(() => Promise.all(stops.splice(0).map(stop => stop())));

type Bench = TestBmc & {
  system(): Promise<string | null | undefined>;
  /** Severity and text of the newest log entry. */
  newest(): Promise<string>;
  set(fault: FaultInput): void;
};

async function start(machine: LabMachine, address: string): Promise<Bench> {
  const bmc = await startTestBmc({ vendor: machine, address, speed: 6000 });
  stops.push(bmc.stop);
  const { systemId, managerId, log } = bmc.bmc.profile;
  const owner = log.owner === 'system' ? `Systems/${systemId}` : `Managers/${managerId}`;
  return {
    ...bmc,
    system: async () => (await bmc.get(`/redfish/v1/Systems/${systemId}`)).Status?.Health,
    async newest() {
      const entries = (await bmc.get(`/redfish/v1/${owner}/LogServices/${log.id}/Entries`)).Members ?? [];
      const entry = log.newestFirst ? entries[0] : entries.at(-1);
      return `${entry?.Severity} ${entry?.Message}`;
    },
    set: fault => bmc.bmc.faults.set(fault),
  };
}

describe('drives', () => {
  const dellDrive = (n: number) =>
    `/redfish/v1/Systems/System.Embedded.1/Storage/CPU.1/Drives/Disk.Bay.${n}:Enclosure.Internal.0-1`;

  test('one that expects to fail says so, the others do not, and it is over when the fault is', async () => {
    const bmc = await start('dell', '127.31.9.1');
    const before = await bmc.get(dellDrive(1));
    expect(before).toMatchObject({ FailurePredicted: false, Status: { Health: 'OK' } });
    expect(before.PredictedMediaLifeLeftPercent).toBeGreaterThan(80);
    bmc.set({ kind: 'drive-predictive', drive: 2 });
    const after = await bmc.get(dellDrive(1));
    expect(after).toMatchObject({ FailurePredicted: true, Status: { Health: 'Warning' } });
    expect(after.PredictedMediaLifeLeftPercent).toBeLessThan(10);
    expect(after.SerialNumber).toBe(before.SerialNumber);
    expect(await bmc.get(dellDrive(0))).toMatchObject({ FailurePredicted: false, Status: { Health: 'OK' } });
    expect(await bmc.system()).toBe('Warning');
    expect(await bmc.newest()).toBe('Warning PCIe SSD in Slot 1 in Bay 1 expects to fail soon.');
    bmc.bmc.faults.clear();
    expect(await bmc.get(dellDrive(1))).toEqual(before);
    expect(await bmc.system()).toBe('OK');
    expect(await bmc.newest()).toBe('OK PCIe SSD in Slot 1 in Bay 1 is operating normally.');
  });

  test('a failed one is critical, in the chassis that holds it too, and goes on after a restart of the host', async () => {
    const bmc = await start('supermicro', '127.31.9.2');
    const enclosure = '/redfish/v1/Chassis/NVMeSSD.0.Group.0.StorageBackplane';
    bmc.set({ kind: 'drive-failed', drive: 1 });
    bmc.host.restart();
    const [first, second] = (await bmc.get(`${enclosure}/Drives`)).Members ?? [];
    expect((await bmc.get(String(first?.['@odata.id']))).Status?.Health).toBe('Critical');
    expect((await bmc.get(String(second?.['@odata.id']))).Status?.Health).toBe('OK');
    expect((await bmc.get(enclosure)).Status?.Health).toBe('Critical');
    expect(await bmc.system()).toBe('Critical');
  });

  test('a SimpleStorage tells health and nothing of an end to come', async () => {
    const bmc = await start('ami', '127.31.9.3');
    bmc.set({ kind: 'drive-predictive', drive: 1 });
    const storage = await bmc.get('/redfish/v1/Systems/Self/SimpleStorage/1');
    expect(storage.Devices?.map(device => device.Status?.Health)).toEqual(['Warning', 'OK']);
    expect((await bmc.send('GET', '/redfish/v1/Systems/Self/Storage')).status).toBe(404);
  });
});

describe('power supplies', () => {
  test('a failed one delivers nothing, the other takes its share, and there is no redundancy left', async () => {
    const bmc = await start('dell', '127.31.9.4');
    const chassis = '/redfish/v1/Chassis/System.Embedded.1';
    const read = async () => {
      const {
        PowerSupplies: supplies = [],
        PowerControl: control = [],
        Redundancy: redundancy = [],
      } = await bmc.get(`${chassis}/Power`);
      return {
        outputs: supplies.map(supply => Number(supply.PowerOutputWatts)),
        healths: supplies.map(supply => supply.Status?.Health),
        drawn: Number(control[0]?.PowerConsumedWatts),
        redundancy: redundancy[0]?.Status?.Health,
      };
    };
    const before = await read();
    expect(before).toMatchObject({ healths: ['OK', 'OK'], redundancy: 'OK' });
    bmc.set({ kind: 'psu-failed', psu: 1 });
    const after = await read();
    expect(after).toEqual({
      outputs: [0, before.drawn],
      healths: ['Critical', 'OK'],
      drawn: before.drawn,
      redundancy: 'Warning',
    });
    const supply = `${chassis}/PowerSubsystem/PowerSupplies/PSU.Slot.1`;
    expect((await bmc.get(supply)).Status?.Health).toBe('Critical');
    expect((await bmc.get(`${supply}/Metrics`)).OutputPowerWatts?.Reading).toBe(0);
    const subsystem = await bmc.get(`${chassis}/PowerSubsystem`);
    expect(subsystem.PowerSupplyRedundancy?.[0]?.Status?.Health).toBe('Warning');
    expect(await bmc.system()).toBe('Critical');
    expect(await bmc.newest()).toBe('Critical PS1 Status lost its output.');
    bmc.bmc.faults.clear('psu-failed');
    expect(await read()).toEqual(before);
    expect(await bmc.newest()).toBe('OK PS1 Status is operating normally.');
  });

  test('little is drawn while the host is off', async () => {
    const bmc = await start('hpe', '127.31.9.5');
    const drawn = async () =>
      Number((await bmc.get('/redfish/v1/Chassis/1/Power')).PowerControl?.[0]?.PowerConsumedWatts);
    expect(await drawn()).toBeGreaterThan(300);
    bmc.host.powerOff();
    expect(await drawn()).toBeLessThan(30);
  });

  test('a machine on a busbar has none, and none can fail', async () => {
    const bmc = await start('nvidia', '127.31.9.6');
    bmc.set({ kind: 'psu-failed' });
    const supplies = await bmc.get('/redfish/v1/Chassis/Chassis_0/PowerSubsystem/PowerSupplies');
    expect(supplies.Members).toEqual([]);
    expect(await bmc.system()).toBe('OK');
    expect((await bmc.send('GET', '/redfish/v1/Chassis/Chassis_0/Power')).status).toBe(404);
  });
});

describe('memory', () => {
  test('an uncorrectable error is counted once each time, makes the module critical, and stays', async () => {
    const bmc = await start('supermicro', '127.31.9.7');
    const count = async (dimm: number) =>
      (await bmc.get(`/redfish/v1/Systems/1/Memory/${dimm}/MemoryMetrics`)).LifeTime?.UncorrectableECCErrorCount;
    bmc.set({ kind: 'ecc-uncorrectable', dimm: 3 });
    bmc.bmc.faults.clear();
    bmc.set({ kind: 'ecc-uncorrectable', dimm: 3 });
    bmc.bmc.faults.clear();
    expect([await count(2), await count(3)]).toEqual([0, 2]);
    expect((await bmc.get('/redfish/v1/Systems/1/Memory/3')).Status?.Health).toBe('Critical');
    expect(await bmc.system()).toBe('Critical');
    expect(await bmc.newest()).toBe('Critical Multi-bit memory errors were detected on P1-DIMMC1.');
  });
});

describe('sensors', () => {
  test('warm air at the inlet warms everything behind it by as much, is logged at the limit, and passes', async () => {
    const bmc = await start('hpe', '127.31.9.8');
    const read = async () => {
      const { Temperatures: all = [] } = await bmc.get('/redfish/v1/Chassis/1/Thermal');
      return all.map(each => Number(each.ReadingCelsius));
    };
    const before = await read();
    bmc.set({ kind: 'inlet-rising', celsius: 20 });
    await eventually('heat', async () => {
      const risen = (await read()).map((celsius, i) => celsius - (before[i] ?? 0));
      return risen.every(degrees => degrees >= 18 && degrees <= 22);
    });
    expect(await bmc.newest()).toMatch(/^(Warning|Critical) 01-Inlet Ambient is greater than the upper limit\.$/);
    bmc.bmc.faults.clear();
    await eventually('cooling', async () => (await read()).every((celsius, i) => celsius - (before[i] ?? 0) <= 2));
    expect(await bmc.newest()).toBe('OK 01-Inlet Ambient is within range.');
    expect(await bmc.system()).toBe('OK');
  });

  test('a noisy one jitters within its amplitude, alone, and no health follows', async () => {
    const bmc = await start('lenovo', '127.31.9.9');
    const sensor = '/redfish/v1/Chassis/1/Sensors';
    const first = Number((await bmc.get(`${sensor}/65L0`)).Reading);
    bmc.set({ kind: 'sensor-noisy', sensor: '65L0', amplitude: 60 });
    const seen: number[] = [];
    await eventually('it to swing over 60 degrees', async () => {
      const read = await bmc.get(`${sensor}/65L0`);
      expect(read.Status?.Health).toBe('OK');
      expect(Math.abs(Number((await bmc.get(`${sensor}/66L0`)).Reading) - first)).toBeLessThan(10);
      seen.push(Number(read.Reading));
      return Math.max(...seen) - Math.min(...seen) > 60;
    });
    for (const reading of seen) expect(Math.abs(reading - first)).toBeLessThanOrEqual(63);
    expect(await bmc.system()).toBe('OK');
  });

  test('an absent one has neither reading nor health, in both forms of thermal resources', async () => {
    const bmc = await start('dell', '127.31.9.10');
    bmc.set({ kind: 'sensor-absent', sensor: 'CPU2Temp' });
    const chassis = '/redfish/v1/Chassis/System.Embedded.1';
    const gone = { Health: null, State: 'UnavailableOffline' };
    const { Temperatures: all = [] } = await bmc.get(`${chassis}/Thermal`);
    expect(all[2]).toMatchObject({ ReadingCelsius: null, Status: gone });
    expect(all[1]?.Status?.Health).toBe('OK');
    expect(await bmc.get(`${chassis}/Sensors/CPU2Temp`)).toMatchObject({ Reading: null, Status: gone });
    expect(await bmc.system()).toBe('OK');
  });
});

describe('network', () => {
  test('port and interface tell one MAC, unlike any other, and the link goes with the power', async () => {
    const bmc = await start('lenovo', '127.31.9.11');
    const ids = [1, 2, 3, 4];
    const interfaces = await Promise.all(ids.map(n => bmc.get(`/redfish/v1/Systems/1/EthernetInterfaces/NIC${n}`)));
    const macs = interfaces.map(each => String(each.MACAddress));
    expect(new Set(macs).size).toBe(ids.length);
    for (const mac of macs) expect(mac).toMatch(/^02(:[0-9A-F]{2}){5}$/);
    const port = '/redfish/v1/Chassis/1/NetworkAdapters/slot-27/Ports/2';
    expect(await bmc.get(port)).toMatchObject({
      Ethernet: { AssociatedMACAddresses: [macs[1]] },
      LinkStatus: 'LinkUp',
    });
    bmc.host.powerOff();
    expect((await bmc.get(port)).LinkStatus).toBe('LinkDown');
    expect((await bmc.get('/redfish/v1/Systems/1/EthernetInterfaces/NIC2')).LinkStatus).toBe('LinkDown');
  });
});

describe('$expand', () => {
  const modules = '/redfish/v1/Systems/1/Memory';
  const metrics = (body: { Members?: Redfish[] }) =>
    (body.Members ?? []).map(member => Object.keys(Object(member.Metrics)));

  test('goes as deep as was asked for', async () => {
    const bmc = await start('supermicro', '127.31.9.12');
    const plain = await bmc.get(modules);
    expect(plain.Members?.[0]).toEqual({ '@odata.id': `${modules}/1` });
    const one = await bmc.get(`${modules}?$expand=.($levels=1)`);
    expect(one.Members?.[0]).toEqual(await bmc.get(`${modules}/1`));
    const two = await bmc.get(`${modules}?$expand=.($levels=2)`);
    expect(two.Members?.[0]?.Metrics).toEqual(await bmc.get(`${modules}/1/MemoryMetrics`));
    expect(metrics(one)[0]).toEqual(['@odata.id']);
  });

  test('never goes deeper than the vendor does, nor along Links', async () => {
    const bmc = await start('dell', '127.31.9.13');
    const dimms = await bmc.get('/redfish/v1/Systems/System.Embedded.1/Memory?$expand=.($levels=5)');
    expect(dimms.Members).toHaveLength(8);
    for (const keys of metrics(dimms)) expect(keys).toEqual(['@odata.id']);
    const deep = await start('supermicro', '127.31.9.15');
    const chassis = await deep.get('/redfish/v1/Chassis?$expand=.($levels=2)');
    expect(chassis.Members?.[0]).toHaveProperty('Power.PowerControl');
    expect(chassis.Members?.[0]).toHaveProperty('Links.ComputerSystems', [{ '@odata.id': '/redfish/v1/Systems/1' }]);
  });

  test('is refused where the vendor has none', async () => {
    const bmc = await start('openbmc', '127.31.9.14');
    expect((await bmc.send('GET', '/redfish/v1/Systems?$expand=.')).status).toBe(501);
  });
});
