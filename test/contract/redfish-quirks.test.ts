/** What real BMCs do to a client that follows the standard, played by the lab: each oddity is met as its maker's machines want it. */
import { afterEach, describe, expect, test } from 'vitest';
import { openBmcs } from '../../src/adapters/redfish/open-bmcs.ts';
import { type Bmc, type Fact, factValue } from '../../src/core/bmc.ts';
import { FleetError } from '../../src/core/errors.ts';
import type { LabMachine } from '../../src/lab/bmc/profiles/catalog.ts';
import type { FaultInput } from '../../src/lab/faults.ts';
import { testGrant } from '../support/grant.ts';
import { imageFile } from '../support/image-file.ts';
import { account, eventually, startTestBmc, type TestBmc } from '../support/lab-bmc.ts';
import {
  type Handler,
  resetPath,
  account as serverAccount,
  startRedfishServer,
  updatePath,
} from '../support/redfish-server.ts';
import { memoryLedger } from '../support/session-ledger.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

let host = 0;
async function bench(vendor: LabMachine, speed?: number): Promise<{ lab: TestBmc; bmc: Bmc }> {
  const lab = await startTestBmc({ vendor, address: `127.70.2.${++host}`, speed });
  const { url, spki } = lab.bmc;
  const bmc = open(url, spki, account);
  closing.push(lab.stop);
  closing.reverse();
  return { lab, bmc };
}

/** A service that a test bends. */
async function bent(override: Handler) {
  const server = await startRedfishServer(override);
  closing.push(server.close);
  return { server, bmc: open(server.url, server.spki, serverAccount) };
}

function open(url: string, spki: string, credential: { username: string; password: string }): Bmc {
  const bmcs = openBmcs({
    bmcs: [{ node: 'node', url, spki, ...credential }],
    ledger: memoryLedger(),
    timeouts: { retryMs: 20 },
  });
  closing.push(() => bmcs.closeAll().catch(() => undefined));
  return bmcs.of('node');
}

const listed = <T>(fact: Fact<T[]>): T[] => factValue(fact) ?? [];
const writes = (lab: TestBmc) => lab.effects.since().filter(({ path }) => !path.includes('/SessionService'));
const info = (MessageId: string, ...MessageArgs: string[]) => ({
  error: { '@Message.ExtendedInfo': [{ MessageId, MessageArgs, Message: 'Words of the machine.' }] },
});
const system = '/redfish/v1/Systems/1';
const image = {
  imageUri: 'http://127.0.0.1:1/image',
  protocol: 'HTTP',
  component: 'bios',
  image: imageFile(Buffer.from('image')),
} as const;

describe('ETags', () => {
  /** Refused tries before the one that is taken. */
  const ladder = [
    ['none', { hpe: 0, dell: 0, lenovo: 0 }],
    ['weak-only', { hpe: 1, dell: 1, lenovo: 1 }],
    ['wrong-412', { hpe: 2, dell: 1, lenovo: 1 }],
    ['required-428', { hpe: 0, dell: 0, lenovo: 0 }],
  ] as const;
  const cases = ladder.flatMap(([mode, refused]) =>
    (['hpe', 'dell', 'lenovo'] as const).map(machine => ({ mode, machine, refused: refused[machine] })),
  );

  test.each(cases)('$machine, $mode: the light goes on once', async ({ mode, machine, refused }) => {
    const { lab, bmc } = await bench(machine);
    lab.bmc.faults.set({ kind: 'etag', mode });
    await bmc.change(testGrant, { act: 'identify', lit: true });
    expect((await bmc.status()).lit).toEqual({ value: true });
    const statuses = writes(lab).map(({ status }) => status);
    expect(statuses.filter(status => status < 300)).toHaveLength(1);
    expect(statuses.filter(status => status === 412 || status === 428)).toHaveLength(refused);
  });
});

describe('a log', () => {
  test('whose pages overlap is read to its newest entries, each once', async () => {
    const { lab, bmc } = await bench('dell');
    lab.bmc.faults.set({ kind: 'event-storm', count: 120 });
    const straight = listed((await bmc.health()).log);
    lab.bmc.faults.set({ kind: 'page-overlap' });
    const overlapping = listed((await bmc.health()).log);
    expect(overlapping).toHaveLength(20);
    expect(overlapping).toEqual(straight);
  });

  test.each(['Members@odata.nextLink', '@odata.nextLink'])(
    'that starts with its oldest entry, has pages behind %s, and repeats some, gives its newest, each once',
    async nextLink => {
      const entries = Array.from({ length: 120 }, (_, index) => {
        const Id = String(index + 1);
        const Created = new Date(Date.parse('2026-01-01T00:00:00Z') + index * 60_000).toISOString();
        return { '@odata.id': `${system}/LogServices/Sel/Entries/${Id}`, Id, Created, Message: `Entry ${Id}` };
      });
      const { bmc } = await bent(({ path }) => {
        const log = `${system}/LogServices`;
        if (path === system)
          return { body: { '@odata.id': system, PowerState: 'On', LogServices: { '@odata.id': log } } };
        if (path === log) return { body: { '@odata.id': log, Members: [{ '@odata.id': `${log}/Sel` }] } };
        if (path === `${log}/Sel`)
          return { body: { '@odata.id': path, LogEntryType: 'SEL', Entries: { '@odata.id': `${log}/Sel/Entries` } } };
        if (!path.startsWith(`${log}/Sel/Entries`)) return undefined;
        const skip = Number(/\$skip=(\d+)/.exec(path)?.[1] ?? 0);
        const next = skip + 50 < 120 ? { [nextLink]: `${log}/Sel/Entries?$skip=${skip + 47}` } : {};
        return { body: { '@odata.id': `${log}/Sel/Entries`, Members: entries.slice(skip, skip + 50), ...next } };
      });
      const found = listed((await bmc.health()).log).map(({ id }) => Number(id));
      expect(found).toEqual(Array.from({ length: 20 }, (_, index) => 120 - index));
    },
  );
});

test('a collection whose page links to itself is asked for once, and is not taken for whole', async () => {
  const memory = `${system}/Memory`;
  const { bmc, server } = await bent(({ path }) => {
    if (path === system) return { body: { '@odata.id': system, PowerState: 'On', Memory: { '@odata.id': memory } } };
    if (path !== memory) return undefined;
    const dimm = { '@odata.id': `${memory}/1`, Id: '1', Name: 'DIMM 1', Status: { Health: 'OK', State: 'Enabled' } };
    return { body: { '@odata.id': memory, Members: [dimm], '@odata.nextLink': memory } };
  });
  const { memory: read } = await bmc.health();
  expect(read).toEqual({ unknown: expect.stringContaining('does not end') });
  expect(server.seen.filter(({ path }) => path === memory)).toHaveLength(1);
});

describe('a BMC that is busy', () => {
  test('is asked again after the seconds that only its message arguments name', async () => {
    const times: number[] = [];
    const { bmc } = await bent(({ path }) => {
      if (path !== system) return undefined;
      times.push(performance.now());
      return times.length === 1 ? { status: 503, body: info('IDRAC.2.8.SYS518', '1') } : undefined;
    });
    expect(await bmc.power()).toEqual({ value: 'on' });
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(990);
  });

  test('for half a minute is left alone, and the caller is told how long', async () => {
    const { bmc, server } = await bent(({ path }) =>
      path === system ? { status: 503, body: info('IDRAC.2.8.SYS518', '30') } : undefined,
    );
    const thrown = await bmc.power().catch(error => error);
    expect(thrown).toMatchObject({ code: 'bmc_unreachable', retry: 'later', hint: expect.stringContaining('30 s') });
    expect(server.seen.filter(each => each.path === system)).toHaveLength(1);
  });

  test.each(['dell', 'hpe'] as const)('%s: now and then costs time and no reading', async machine => {
    const { lab, bmc } = await bench(machine);
    const well = (await bmc.sample()).temperatures;
    lab.bmc.faults.set({ kind: 'busy-sometimes', every: 12, seconds: 1 });
    const names = ({ temperatures }: { temperatures: typeof well }) => listed(temperatures).map(each => each.name);
    expect(names(await bmc.health())).toEqual(listed(well).map(each => each.name));
    expect(lab.bmc.logIns().good).toBe(1);
  });
});

describe('odd bodies', () => {
  const spoilt: FaultInput[] = [
    { kind: 'trailing-comma' },
    { kind: 'truncated-json' },
    { kind: 'error-before-body' },
    { kind: 'html' },
  ];
  test.each(spoilt)(
    '$kind: the caller is told so, of every reading that needs it, and not one more log-in is tried',
    async fault => {
      const { lab, bmc } = await bench('lenovo');
      await bmc.sample();
      lab.bmc.faults.set(fault);
      for (const read of [() => bmc.identity(), () => bmc.health(), () => bmc.status()]) {
        await expect(read()).rejects.toMatchObject({ code: 'bmc_protocol' });
      }
      lab.bmc.faults.clear();
      expect((await bmc.sample()).power).toEqual({ value: 'on' });
      expect(lab.bmc.logIns().good).toBe(1);
    },
  );

  test.each(['<html>starting</html>', '{"Model":"x",}', ''])('%j once is asked for again, and no more', async text => {
    let odd = 1;
    const { bmc, server } = await bent(({ path }) => (path === system && odd-- > 0 ? { text } : undefined));
    expect(await bmc.power()).toEqual({ value: 'on' });
    odd = 100;
    const before = server.seen.length;
    await expect(bmc.power()).rejects.toMatchObject({ code: 'bmc_protocol' });
    expect(server.seen.length - before).toBe(2);
  });

  test.each(['trailing-comma', 'truncated-json'] as const)(
    '%s: what was spoilt is not kept for its ETag',
    async kind => {
      const { lab, bmc } = await bench('hpe');
      await bmc.power();
      lab.bmc.faults.set({ kind });
      await expect(bmc.sample()).rejects.toMatchObject({ code: 'bmc_protocol' });
      lab.bmc.faults.clear();
      expect((await bmc.sample()).power).toEqual({ value: 'on' });
    },
  );

  test.each(['dell', 'openbmc', 'supermicro'] as const)(
    '%s: a sensor that reads NaN is unknown, not well',
    async machine => {
      const { lab, bmc } = await bench(machine);
      const [sensor] = lab.bmc.profile.temperatures;
      lab.bmc.faults.set({ kind: 'sensor-nan', sensor: sensor?.id ?? '' });
      for (const { temperatures } of [await bmc.health(), await bmc.sample()]) {
        expect(listed(temperatures)).toHaveLength(lab.bmc.profile.temperatures.length);
        const odd = listed(temperatures).find(({ name }) => name === sensor?.name);
        expect([odd?.reading, odd?.health]).toEqual([
          { unknown: 'the sensor gives no reading' },
          { unknown: 'the sensor gives no reading' },
        ]);
      }
    },
  );
});

describe('links', () => {
  test.each(['dell', 'hpe', 'supermicro'] as const)(
    '%s: that lead nowhere are left out of every list',
    async machine => {
      const { lab, bmc } = await bench(machine);
      const whole = { health: await bmc.health(), inventory: await bmc.inventory() };
      lab.bmc.faults.set({ kind: 'dangling-links' });
      const { memory, fans, firmware } = await bmc.health();
      expect(listed(memory).map(each => each.dimm)).toEqual(listed(whole.health.memory).map(each => each.dimm));
      expect(listed(fans).map(each => each.name)).toEqual(listed(whole.health.fans).map(each => each.name));
      expect(listed(firmware).map(each => each.id)).toEqual(listed(whole.health.firmware).map(each => each.id));
      expect((await open(lab.bmc.url, lab.bmc.spki, account).inventory()).drives).toEqual(whole.inventory.drives);
    },
  );
});

describe('connections that are reset when they are used again', () => {
  test.each([1, 2, 3])('every %i: each read is sent on a fresh one, once', async every => {
    const { lab, bmc } = await bench('hpe');
    lab.bmc.faults.set({ kind: 'connection-reset', every });
    const health = await bmc.health();
    expect(health.power).toEqual({ value: 'on' });
    expect(listed(health.temperatures)).toHaveLength(lab.bmc.profile.temperatures.length);
    await bmc.change(testGrant, { act: 'identify', lit: true });
    expect(writes(lab)).toHaveLength(1);
    expect(lab.bmc.logIns().good).toBe(1);
  });

  test('that break a second time are given up', async () => {
    const { bmc, server } = await bent(({ path }) => (path === system ? { drop: true } : undefined));
    await expect(bmc.power()).rejects.toMatchObject({ code: 'bmc_unreachable', retry: 'later' });
    expect(server.seen.filter(each => each.path === system)).toHaveLength(2);
  });
});

describe('writes', () => {
  test.each([
    ['dell', 'On', 409],
    ['hpe', 'On', 400],
  ] as const)('%s: a power state that is so already is no failure, after a look', async (machine, type, status) => {
    const { lab, bmc } = await bench(machine);
    await bmc.reset(testGrant, type);
    expect(writes(lab).map(each => each.status)).toEqual([status]);
    await bmc.reset(testGrant, 'ForceOff');
    await eventually('the host to be off', () => !lab.host.poweredOn);
    await bmc.reset(testGrant, 'ForceOff');
    expect(writes(lab).map(each => each.status)).toEqual([status, 204, status]);
  });

  test('a conflict about anything else stays a refusal', async () => {
    const { bmc, server } = await bent(({ path, method }) => {
      if (path === resetPath) return { status: 409, body: info('Base.1.12.ResourceInUse') };
      if (path !== system || method !== 'GET') return undefined;
      const Actions = { '#ComputerSystem.Reset': { target: resetPath } };
      return { body: { '@odata.id': system, PowerState: 'Off', Actions } };
    });
    await expect(bmc.reset(testGrant, 'On')).rejects.toMatchObject({ code: 'bmc_refused', retry: 'never' });
    expect(server.seen.filter(each => each.path === resetPath)).toHaveLength(1);
  });

  test.each([
    ['SYS518', 503, info('IDRAC.2.8.SYS518', '1')],
    ['UnableToModifyDuringSystemPOST', 400, info('iLO.2.14.UnableToModifyDuringSystemPOST')],
  ])('that %s refuses are sent once more, after a look at what they would change', async (_id, status, body) => {
    let refusals = 1;
    const { bmc, server } = await bent(({ path, method }) =>
      method === 'POST' && path === resetPath && refusals-- > 0 ? { status, body } : undefined,
    );
    await bmc.reset(testGrant, 'ForceRestart');
    const sent = server.seen.map(({ method, path }) => `${method} ${path}`);
    const first = sent.indexOf(`POST ${resetPath}`);
    expect(sent.filter(each => each === `POST ${resetPath}`)).toHaveLength(2);
    expect(sent.slice(first, sent.lastIndexOf(`POST ${resetPath}`))).toContain(`GET ${system}`);
    refusals = 100;
    await expect(bmc.reset(testGrant, 'ForceRestart')).rejects.toMatchObject({ code: 'bmc_refused', retry: 'later' });
    expect(server.seen.filter(each => each.path === resetPath)).toHaveLength(4);
  });

  test('that are refused for the moment are not sent again where the state has changed meanwhile', async () => {
    let refused = false;
    const { bmc, server } = await bent(({ path, method }) => {
      if (path === resetPath) {
        refused = true;
        return { status: 503, body: info('IDRAC.2.8.SYS518', '1') };
      }
      if (path !== system || method !== 'GET') return undefined;
      const Actions = { '#ComputerSystem.Reset': { target: resetPath } };
      return { body: { '@odata.id': system, PowerState: refused ? 'Off' : 'On', Actions } };
    });
    await expect(bmc.reset(testGrant, 'ForceRestart')).rejects.toMatchObject({ code: 'bmc_refused' });
    expect(server.seen.filter(each => each.path === resetPath)).toHaveLength(1);
  });

  test('that the BMC wants to have later than we may wait are refused at once, with the ids of its messages', async () => {
    const { bmc, server } = await bent(({ path }) =>
      path === updatePath ? { status: 503, body: info('IDRAC.2.8.SYS518', '30') } : undefined,
    );
    expect(await bmc.startUpdate(testGrant, image)).toEqual({
      outcome: 'refused',
      status: 503,
      reason: 'Words of the machine.',
      messageIds: ['IDRAC.2.8.SYS518'],
    });
    expect(server.seen.filter(each => each.path === updatePath)).toHaveLength(1);
  });

  test('of a boot override while an HPE starts are refused for now, and change nothing', async () => {
    const { lab, bmc } = await bench('hpe', 1);
    lab.host.restart();
    const thrown = await bmc.change(testGrant, { act: 'boot-once', from: 'pxe' }).catch(error => error);
    expect(thrown).toBeInstanceOf(FleetError);
    expect(thrown).toMatchObject({ code: 'bmc_refused', retry: 'later' });
    expect(writes(lab).map(({ status }) => status)).toEqual([400, 400]);
    expect((await bmc.status()).bootOnce).toEqual({ value: 'none' });
  });
});

describe('what a BMC has no licence for', () => {
  test('is one unknown reading that says so, and no log-in is blamed', async () => {
    const { bmc, server } = await bent(({ path }) =>
      path === '/redfish/v1/UpdateService' ? { status: 403, body: info('SMC.1.0.OemLicenseNotPassed') } : undefined,
    );
    const { firmware, power } = await bmc.health();
    expect(power).toEqual({ value: 'on' });
    expect(firmware).toHaveProperty('unknown', expect.stringContaining('no licence'));
    expect(server.seen.filter(each => each.method === 'POST')).toHaveLength(1);
  });

  test('a resource that answers 401 while the session lives costs that resource alone', async () => {
    const { bmc, server } = await bent(({ path, method }) => {
      if (method === 'GET' && /\/Sessions\/\d+$/.test(path)) return { body: { '@odata.id': path } };
      return path === '/redfish/v1/UpdateService' ? { status: 401, body: {} } : undefined;
    });
    for (let look = 0; look < 3; look++) {
      const { firmware, power } = await bmc.health();
      expect(power).toEqual({ value: 'on' });
      expect(firmware).toHaveProperty('unknown', expect.stringContaining('401'));
    }
    expect(server.seen.filter(each => each.method === 'POST')).toHaveLength(1);
  });
});
