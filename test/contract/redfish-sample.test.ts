/** A sample says what health says, and costs no more requests than it has to. */
import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { openBmcs } from '../../src/adapters/redfish/open-bmcs.ts';
import { type Fact, factValue } from '../../src/core/bmc.ts';
import { type CaptureManners, capturesPresent, readCapture, type Tree } from '../support/capture-server.ts';
import { type Captured, openCaptured } from '../support/captured-bmc.ts';
import { clientBench } from '../support/client-bench.ts';
import { account, startTestBmc, type TestBmc } from '../support/lab-bmc.ts';
import { memoryLedger } from '../support/session-ledger.ts';

const open = (tree: Tree, manners: CaptureManners, options: Captured = {}) =>
  openCaptured(tree, { manners, ...options });

/** Requests of a warm sample: where the BMC does no expansion, and where it does what it offers. */
const warm: Record<string, [plain: number, expanded: number]> = {
  'dell-r750-idrac9-6.00.30': [24, 23],
  'dmtf-rackmount1-2025.4': [7, 8],
  'gigabyte-h262-megarac-12.84': [22, 7],
  'hpe-cray-ex425': [25, 25],
  'hpe-dl360gen10plus-ilo5-3.11': [7, 7],
  'hpe-dl380a-gen12-ilo7-1.13': [11, 11],
  'intel-s2600bpb-1.93': [13, 13],
  'lenovo-sr670v2-xcc-2.83': [9, 8],
  'nvidia-gb200nvl-openbmc': [87, 76],
  'openbmc-stock-2.15': [5, 5],
  'supermicro-sys821ge-x13-11.01': [45, 7],
};

const reason = 'the captures are kept outside this repository, in ../shared/redfish, and are not here';
describe.skipIf(!capturesPresent)(`real machines${capturesPresent ? '' : ` (skipped: ${reason})`}`, () => {
  test.each(Object.entries(warm))('%s: the same as health, in few requests', async (machine, [plain, expanded]) => {
    const systemUri = machine === 'hpe-cray-ex425' ? '/redfish/v1/Systems/Node1' : undefined;
    for (const [manners, requests] of [[{}, plain] as const, [{ expand: 'done' }, expanded] as const]) {
      const { bmc, bmcs, server } = await open(readCapture(machine), manners, { systemUri });
      const whole = await bmc.health();
      const { power, health, temperatures, fans, memory, log } = whole;
      expect(whole).toMatchObject(await bmc.makeup());
      const cold = await bmc.sample();
      expect(cold).toMatchObject({ power, health, temperatures, fans, memory, log });
      expect(await bmc.sample()).toEqual(cold);

      server.requests.length = 0;
      expect(await bmc.sample()).toEqual(cold);
      expect(server.requests).toHaveLength(requests);
      expect(server.requests.filter(each => /UpdateService|Firmware|POST/.test(each))).toEqual([]);
      await bmcs.closeAll();
    }
  });

  test('what plans stand on takes one answer for all firmware, where the BMC gives one', async () => {
    const { bmc, bmcs, server } = await open(readCapture('dell-r750-idrac9-6.00.30'), { expand: 'done' });
    const inventories = () => server.requests.filter(each => /FirmwareInventory/i.test(each)).length;
    const { firmware } = await bmc.makeup();
    expect(inventories()).toBe(1);
    expect(factValue(firmware)).toEqual(await bmc.firmware());
    expect(inventories()).toBeGreaterThan(2);
    await bmcs.closeAll();
  });

  test('a BMC that refuses what it offers is asked for it no more, until ten minutes later', async () => {
    let now = Date.parse('2026-01-01T00:00:00Z');
    const manners: CaptureManners = { expand: 'refused' };
    const { bmc, bmcs, server } = await open(readCapture('dell-r750-idrac9-6.00.30'), manners, { now: () => now });
    const expansions = () => server.requests.filter(each => each.includes('$expand')).length;
    const first = await bmc.sample();
    const asked = expansions();
    expect(asked).toBeGreaterThan(0);
    expect(await bmc.sample()).toEqual(first);
    expect(expansions()).toBe(asked);
    manners.expand = 'done';
    now += 10 * 60_000;
    expect(await bmc.sample()).toEqual(first);
    expect(expansions()).toBeGreaterThan(asked);
    await bmcs.closeAll();
  });

  test('what did not change is answered without a body, and what did is seen at once', async () => {
    const tree = readCapture('dell-r750-idrac9-6.00.30');
    const { bmc, bmcs, server } = await open(tree, { expand: 'done', etags: true });
    await bmc.sample();
    await bmc.sample();
    server.requests.length = 0;
    server.unchanged.length = 0;
    const before = await bmc.sample();
    expect(server.unchanged).toHaveLength(server.requests.length);

    const thermal = '/redfish/v1/chassis/system.embedded.1/thermal';
    const [first, ...rest] = (tree.get(thermal)?.Temperatures ?? []) as object[];
    tree.set(thermal, { ...tree.get(thermal), Temperatures: [{ ...first, ReadingCelsius: 91 }, ...rest] });
    const dimm = '/redfish/v1/systems/system.embedded.1/memory/dimm.socket.a1';
    tree.set(dimm, { ...tree.get(dimm), Status: { State: 'Enabled', Health: 'Critical' } });
    const after = await bmc.sample();
    expect(listed(before.temperatures)[0]?.reading).not.toEqual({ value: 91 });
    expect(listed(after.temperatures)[0]?.reading).toEqual({ value: 91 });
    expect(listed(after.memory).filter(each => factValue(each.health) === 'critical')).toHaveLength(1);
    await bmcs.closeAll();
  });

  test('what a write depends on is never answered from memory', async () => {
    const { bmc, bmcs, server } = await open(readCapture('dell-r750-idrac9-6.00.30'), { etags: true });
    for (let turn = 0; turn < 2; turn++) {
      await bmc.identity();
      await bmc.power();
      await bmc.lastReset();
      await bmc.health();
      await bmc.makeup();
      await bmc.firmware();
      await bmc.tasks();
      await bmc.resetTarget();
      await bmc.updateTarget('bios');
    }
    expect(server.unchanged).toEqual([]);
    await bmc.sample();
    await bmc.sample();
    expect(server.unchanged.length).toBeGreaterThan(0);
    await bmcs.closeAll();
  });

  test('a module that was added is found when what is remembered has aged', async () => {
    let now = Date.parse('2026-01-01T00:00:00Z');
    const tree = readCapture('lenovo-sr670v2-xcc-2.83');
    const list = '/redfish/v1/systems/1/storage/m.2';
    const whole = tree.get(list);
    tree.set(list, { ...whole, Drives: ((whole?.Drives ?? []) as object[]).slice(1) });
    const { bmc, bmcs } = await open(tree, {}, { now: () => now });
    for (let look = 0; look < 2; look++) expect(listed((await bmc.sample()).drives)).toHaveLength(3);
    tree.set(list, { ...whole });
    now += 9 * 60_000;
    expect(listed((await bmc.sample()).drives)).toHaveLength(3);
    now += 60_000;
    expect(listed((await bmc.sample()).drives)).toHaveLength(4);
    await bmcs.closeAll();
  });

  test.each([
    ['gone', undefined],
    ['empty', []],
  ])(
    'a list that is %s while the BMC restarts is found again in no more than twice the time',
    async (_how, members) => {
      let now = Date.parse('2026-01-01T00:00:00Z');
      const tree = readCapture('dmtf-rackmount1-2025.4');
      const list = '/redfish/v1/chassis';
      const whole = tree.get(list) ?? {};
      const { bmc, bmcs, server } = await open(tree, {}, { now: () => now });
      const asked = () => server.requests.filter(each => each.toLowerCase() === `get ${list}`).length;
      const lose = () => (members === undefined ? tree.delete(list) : tree.set(list, { ...whole, Members: members }));
      const lookFor = async (minutes: number) => {
        for (let minute = 0; minute < minutes; minute++) {
          now += 60_000;
          await bmc.sample();
        }
      };
      lose();
      await bmc.sample();
      await lookFor(3);
      tree.set(list, whole);
      await lookFor(3);
      expect(listed((await bmc.sample()).temperatures).length).toBeGreaterThan(0);

      // One that never comes is asked for ever more seldom.
      lose();
      await lookFor(40);
      const before = asked();
      await lookFor(20);
      expect(asked() - before).toBeLessThanOrEqual(2);
      await bmcs.closeAll();
    },
  );

  test('one resource that fails is one unknown fact, and is asked for again the next time', async () => {
    const tree = readCapture('hpe-dl360gen10plus-ilo5-3.11');
    const chassis = tree.get('/redfish/v1/chassis') ?? {};
    tree.set('/redfish/v1/chassis', { error: { message: 'internal error' } });
    const { bmc, bmcs } = await open(tree, { expand: 'done' });
    const broken = await bmc.sample();
    expect(broken.temperatures).toHaveProperty('unknown', expect.stringContaining('500'));
    expect(broken.powerSupplies).toHaveProperty('unknown', expect.stringContaining('500'));
    expect(listed(broken.drives)).toHaveLength(2);
    tree.set('/redfish/v1/chassis', chassis);
    expect(listed((await bmc.sample()).temperatures)).toHaveLength(48);
    await bmcs.closeAll();
  });
});

describe('the lab', () => {
  test.each([
    ['dell', '127.23.7.11', 1],
    ['hpe', '127.23.7.12', 1],
    ['openbmc', '127.23.7.13', 1],
    ['supermicro', '127.23.7.14', 1],
    ['lenovo', '127.23.7.15', 1],
    // SimpleStorage has no word for a failure that a drive predicts.
    ['ami', '127.23.7.16', 0],
  ] as const)(
    '%s: a drive that will fail and a supply that failed show in the next sample',
    async (vendor, address, predicted) => {
      const lab = await startTestBmc({ vendor, address });
      const { url, spki, faults } = lab.bmc;
      const bmcs = openBmcs({ bmcs: [{ node: 'node', url, spki, ...account }], ledger: memoryLedger() });
      const bmc = bmcs.of('node');
      const inventory = await bmc.inventory();
      const before = await bmc.sample();
      expect(listed(before.drives).map(each => each.uri)).toEqual(listed(inventory.drives).map(each => each.uri));
      expect(listed(before.drives).filter(each => factValue(each.predictedFailure) === true)).toEqual([]);
      expect(listed(before.powerSupplies).filter(each => factValue(each.health) !== 'ok')).toEqual([]);

      faults.set({ kind: 'drive-predictive', drive: 1 });
      faults.set({ kind: 'psu-failed', psu: 1 });
      const { drives, powerSupplies } = await bmc.sample();
      expect(listed(drives).filter(each => factValue(each.predictedFailure) === true)).toHaveLength(predicted);
      expect(listed(drives).filter(each => factValue(each.health) === 'warning')).toHaveLength(1);
      expect(listed(powerSupplies).filter(each => factValue(each.health) !== 'ok')).toHaveLength(1);

      await bmcs.closeAll();
      expect(lab.bmc.sessions()).toEqual([]);
      await lab.stop();
    },
  );
});

describe('modules of which a summary says that all is well', () => {
  const machine = 'x11';

  async function watched(address: string) {
    const lab = await startTestBmc({ vendor: machine, address });
    const { url, spki } = lab.bmc;
    const time = { now: Date.parse('2026-01-01T00:00:00Z') };
    const bmcs = openBmcs({
      bmcs: [{ node: 'node', url, spki, ...account }],
      ledger: memoryLedger(),
      now: () => time.now,
    });
    const look = async () => {
      const before = modulesRead(lab).length;
      const { memory } = await bmcs.of('node').sample();
      const bad = listed(memory).filter(each => factValue(each.health) !== 'ok').length;
      return { modules: listed(memory).length, bad, asked: modulesRead(lab).length - before };
    };
    const close = async () => {
      await bmcs.closeAll();
      await lab.stop();
    };
    return { lab, time, look, close };
  }

  const modulesRead = (lab: TestBmc) => lab.bmc.received().filter(({ path }) => /\/Memory\/[^/]+$/.test(path));

  test('are asked one by one only every five minutes', async () => {
    const { time, look, close } = await watched('127.31.29.41');
    const first = await look();
    expect(first).toEqual({ modules: 12, bad: 0, asked: 12 });
    time.now += 4 * 60_000;
    expect(await look()).toEqual({ ...first, asked: 0 });
    time.now += 60_000;
    expect(await look()).toEqual(first);
    await close();
  });

  test('are asked at once, and in each look, as soon as it does not', async () => {
    const { lab, time, look, close } = await watched('127.31.29.42');
    await look();
    lab.bmc.faults.set({ kind: 'ecc-uncorrectable', dimm: 3 });
    for (let minute = 0; minute < 2; minute++) {
      time.now += 60_000;
      expect(await look()).toEqual({ modules: 12, bad: 1, asked: 12 });
    }
    await close();
  });
});

function listed<T>(fact: Fact<T[]>): T[] {
  return factValue(fact) ?? [];
}

test('a sample says until when the certificate is valid that the BMC presents', async () => {
  const { lab, bmc, close } = await clientBench('dell', '127.31.29.40');
  const { certificateExpires } = await bmc.sample();
  expect(certificateExpires).toBe(new X509Certificate(lab.certificate.cert).validToDate.toISOString());
  await close();
});
