/** Faults that a client meets on the wire, seen through plain HTTPS connections and, where manners count, the production client. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'undici';
import { afterEach, describe, expect, test } from 'vitest';
import { openBmcs } from '../../src/adapters/redfish/open-bmcs.ts';
import { shippedManifests } from '../../src/demo/lab-part.ts';
import type { LabMachine } from '../../src/lab/bmc/profiles/catalog.ts';
import { bmcProfiles } from '../../src/lab/bmc/profiles/catalog.ts';
import { startLab } from '../../src/lab/lab.ts';
import { account, eventually, startImageServer, startTestBmc, type TestBmc } from '../support/lab-bmc.ts';
import { memoryLedger } from '../support/session-ledger.ts';
import { valueAt } from '../support/value-at.ts';

const system = '/redfish/v1/Systems/System.Embedded.1';
const basic = `Basic ${Buffer.from(`${account.username}:${account.password}`).toString('base64')}`;
const stops: (() => unknown)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function start(vendor: LabMachine, address: string, speed = 600): Promise<TestBmc> {
  const bmc = await startTestBmc({ vendor, address, speed });
  stops.push(bmc.stop);
  return bmc;
}

type Got = { status: number; headers: Record<string, unknown>; text: string };
type Ask = { method?: 'GET' | 'PATCH'; body?: unknown; headers?: Record<string, string> };

/** One connection that is used again and again. */
function connect(bmc: TestBmc): (path: string, ask?: Ask) => Promise<Got> {
  const client = new Client(bmc.bmc.url, { connect: { ca: bmc.certificate.cert } });
  stops.push(() => client.destroy());
  return async (path, { method = 'GET', body, headers = {} } = {}) => {
    const response = await client.request({
      method,
      path,
      headers: { authorization: basic, 'content-type': 'application/json', ...headers },
      body: body === undefined ? null : JSON.stringify(body),
    });
    return { status: response.statusCode, headers: response.headers, text: await response.body.text() };
  };
}

function tag(bmc: TestBmc, ifMatch?: string) {
  const headers: Record<string, string> = ifMatch === undefined ? {} : { 'If-Match': ifMatch };
  return bmc.send('PATCH', system, { body: { AssetTag: 'A1' }, headers }).then(({ status }) => status);
}

describe('a busy BMC', () => {
  test('latency: an answer takes as long as was said, on the clock of the lab', async () => {
    const bmc = await start('dell', '127.31.25.1', 600);
    bmc.bmc.faults.set({ kind: 'latency', p50Ms: 60_000, p95Ms: 60_000 });
    const begun = performance.now();
    await bmc.get(system);
    expect(performance.now() - begun).toBeGreaterThan(99);
    const inventory = performance.now();
    await bmc.get('/redfish/v1/UpdateService/FirmwareInventory');
    expect(performance.now() - inventory).toBeGreaterThan(299);
  });

  test('latency: a lab can be started with what is usual for each vendor', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'lab-'));
    const size = { sites: 1, controlPlanes: 0, workers: 3, addressBase: '127.107' };
    const lab = await startLab({ ...size, speed: 6000, seed: 1, dir, manifests: shippedManifests, latency: true });
    stops.push(() => rm(dir, { recursive: true }), lab.stop);
    for (const { server } of lab.sites.flatMap(({ nodes }) => nodes)) {
      expect(server.faults.get('latency')).toEqual({ kind: 'latency', ...server.profile.acts.latency });
    }
  });

  test('overload: turns away what is too much, and answers again after', async () => {
    const bmc = await start('dell', '127.31.25.2');
    bmc.bmc.faults.set({ kind: 'overload', parallel: 2 });
    bmc.bmc.faults.set({ kind: 'slow', ms: 600 });
    const answers = await Promise.all(Array.from({ length: 6 }, () => bmc.send('GET', system)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 503, 503, 503, 503]);
    expect(answers.find(({ status }) => status === 503)?.headers['retry-after']).toBe('1');
    bmc.bmc.faults.clear('slow');
    expect((await bmc.send('GET', system)).status).toBe(200);
  });
});

describe('a connection', () => {
  test('is reset at every n-th request on a used one, and what was asked is not done', async () => {
    const bmc = await start('dell', '127.31.25.3');
    const ask = connect(bmc);
    bmc.bmc.faults.set({ kind: 'connection-reset', every: 2 });
    expect((await ask(system)).status).toBe(200);
    expect((await ask(system)).status).toBe(200);
    await expect(ask(system, { method: 'PATCH', body: { AssetTag: 'lost' } })).rejects.toMatchObject({
      code: 'ECONNRESET',
    });
    expect(valueAt(JSON.parse((await ask(system)).text), 'AssetTag')).toBe('');
    expect(bmc.effects.since()).toEqual([]);
  });

  test('shows another key while the certificate is changed, and the old one after', async () => {
    const bmc = await start('dell', '127.31.25.4');
    bmc.bmc.faults.set({ kind: 'certificate-change' });
    await expect(bmc.get(system)).rejects.toThrow();
    expect(bmc.bmc.logIns()).toEqual({ good: 0, bad: 0 });
    bmc.bmc.faults.clear('certificate-change');
    expect((await bmc.send('GET', system)).status).toBe(200);
  });
});

describe('JSON', () => {
  test('is cut short, or has a comma too many, on reads alone', async () => {
    const bmc = await start('dell', '127.31.25.5');
    const ask = connect(bmc);
    const whole = (await ask(`${system}/Memory`)).text;
    bmc.bmc.faults.set({ kind: 'truncated-json' });
    const cut = await ask(`${system}/Memory`);
    expect([cut.status, whole.startsWith(cut.text), cut.text.length < whole.length]).toEqual([200, true, true]);
    bmc.bmc.faults.clear();
    bmc.bmc.faults.set({ kind: 'trailing-comma' });
    const odd = (await ask(`${system}/Memory`)).text;
    expect(odd).toBe(`${whole.slice(0, -1)},}`);
    expect((await ask(system, { method: 'PATCH', body: { AssetTag: 'A1' } })).status).toBe(204);
    const refusal = await ask(system, { method: 'PATCH', body: { AssetTag: 1 } });
    expect(valueAt(JSON.parse(refusal.text), 'error', 'code')).toMatch(/PropertyValueTypeError$/);
  });
});

describe('ETags', () => {
  test('none: are given nowhere, and a write needs none', async () => {
    const bmc = await start('hpe', '127.31.25.6');
    bmc.bmc.faults.set({ kind: 'etag', mode: 'none' });
    const read = await bmc.send('GET', '/redfish/v1/Systems/1');
    expect([read.headers.etag, valueAt(read.body, '@odata.etag')]).toEqual([undefined, undefined]);
    expect((await bmc.send('PATCH', '/redfish/v1/Systems/1', { body: { AssetTag: 'A1' } })).status).toBe(204);
  });

  test('weak only: the strong form of a weak one is what is taken', async () => {
    const bmc = await start('dell', '127.31.25.7');
    bmc.bmc.faults.set({ kind: 'etag', mode: 'weak-only' });
    const etag = async () => String((await bmc.send('GET', system)).headers.etag);
    expect(await etag()).toMatch(/^W\/"/);
    expect(await tag(bmc, await etag())).toBe(412);
    expect(await tag(bmc, (await etag()).slice(2))).toBe(204);
  });

  test('wrong: no If-Match is right, and none at all is', async () => {
    const bmc = await start('dell', '127.31.25.8');
    bmc.bmc.faults.set({ kind: 'etag', mode: 'wrong-412' });
    expect(await tag(bmc, String((await bmc.send('GET', system)).headers.etag))).toBe(412);
    expect(await tag(bmc)).toBe(204);
  });

  test('required: a write without one is refused', async () => {
    const bmc = await start('dell', '127.31.25.9');
    bmc.bmc.faults.set({ kind: 'etag', mode: 'required-428' });
    expect(await tag(bmc)).toBe(428);
    expect(await tag(bmc, String((await bmc.send('GET', system)).headers.etag))).toBe(204);
  });

  test('save a body that did not change', async () => {
    const bmc = await start('dell', '127.31.25.10');
    const { etag } = (await bmc.send('GET', `${system}/Bios`)).headers;
    const headers = { 'If-None-Match': String(etag) };
    const again = await bmc.send('GET', `${system}/Bios`, { headers });
    expect([again.status, again.text, again.headers.etag]).toEqual([304, '', etag]);
    await bmc.send('POST', `${system}/Bios/Actions/Bios.ResetBios`, { body: {} });
    expect((await bmc.send('GET', `${system}/Bios`, { headers })).status).toBe(200);
  });
});

describe('what a BMC shows', () => {
  test('task purge: a task that goes on is gone, and Dell keeps its job', async () => {
    const bmc = await start('dell', '127.31.25.11');
    const images = await startImageServer({});
    stops.push(images.stop);
    bmc.bmc.faults.set({ kind: 'update-stalls', stage: 'download' });
    const simpleUpdate = '/redfish/v1/UpdateService/Actions/UpdateService.SimpleUpdate';
    const { body } = await bmc.send('POST', simpleUpdate, { body: { ImageURI: `${images.url}/bios.bin` } });
    bmc.bmc.faults.set({ kind: 'task-purge' });
    expect((await bmc.send('GET', String(body['@odata.id']))).status).toBe(404);
    expect((await bmc.get('/redfish/v1/TaskService/Tasks')).Members).toEqual([]);
    const job = await bmc.get(`/redfish/v1/Managers/iDRAC.Embedded.1/Oem/Dell/Jobs/${body.Id}`);
    expect(job.JobState).toBe('Downloading');
  });

  test('stale power: the state is late by the time that was said', async () => {
    const bmc = await start('dell', '127.31.25.12', 100);
    const shown = async () => valueAt(await bmc.get(system), 'PowerState');
    bmc.bmc.faults.set({ kind: 'stale-power', ms: 60_000 });
    bmc.host.powerOff();
    expect(await shown()).toBe('On');
    await eventually('the truth', async () => (await shown()) === 'Off');
  });

  test('dangling links: a part more than there is, and neither servers nor managers', async () => {
    const bmc = await start('supermicro', '127.31.25.13');
    bmc.bmc.faults.set({ kind: 'dangling-links' });
    const modules = await bmc.get('/redfish/v1/Systems/1/Memory');
    const members = modules.Members ?? [];
    const count = bmcProfiles.supermicro.memory.dimms.length + 1;
    expect([members.length, modules['Members@odata.count']]).toEqual([count, count]);
    const answers = await Promise.all(members.map(member => bmc.send('GET', String(member['@odata.id']))));
    expect(answers.map(({ status }) => status).filter(status => status !== 200)).toEqual([404]);
    expect((await bmc.get('/redfish/v1/Systems')).Members).toHaveLength(1);
  });

  test('page overlap: a page begins with the end of the one before, and none is lost', async () => {
    const bmc = await start('dell', '127.31.25.14');
    bmc.bmc.faults.set({ kind: 'page-overlap' });
    const ids: string[] = [];
    let next: string | undefined = '/redfish/v1/Managers/iDRAC.Embedded.1/LogServices/Sel/Entries';
    for (let page = 0; next !== undefined && page < 9; page++) {
      const entries = await bmc.get(next);
      ids.push(...(entries.Members ?? []).map(({ Id }) => String(Id)));
      next = entries['@odata.nextLink'];
    }
    expect(next).toBeUndefined();
    expect(ids.slice(50, 53)).toEqual(ids.slice(47, 50));
    expect([ids.length, new Set(ids).size]).toEqual([67, 64]);
  });

  test('clock skew: the clock of the BMC and what it writes are off', async () => {
    const bmc = await start('dell', '127.31.25.15');
    const hour = 3_600_000;
    bmc.bmc.faults.set({ kind: 'clock-skew', ms: -hour });
    bmc.bmc.faults.set({ kind: 'event-storm', count: 1 });
    const manager = '/redfish/v1/Managers/iDRAC.Embedded.1';
    const [entry] = (await bmc.get(`${manager}/LogServices/Sel/Entries?$top=1`)).Members ?? [];
    for (const time of [valueAt(await bmc.get(manager), 'DateTime'), valueAt(entry, 'Created')]) {
      expect(Math.abs(Date.parse(String(time)) + hour - Date.now())).toBeLessThan(60_000);
    }
  });

  test('event storm: so many entries at once', async () => {
    const bmc = await start('openbmc', '127.31.25.16');
    const entries = async () =>
      (await bmc.get('/redfish/v1/Systems/system/LogServices/EventLog/Entries'))['Members@odata.count'];
    const before = Number(await entries());
    bmc.bmc.faults.set({ kind: 'event-storm', count: 300 });
    expect(await entries()).toBe(before + 300);
  });
});

describe('credentials', () => {
  test('are refused now and then', async () => {
    const bmc = await start('dell', '127.31.25.17');
    bmc.bmc.faults.set({ kind: 'unauthorized-sometimes', every: 3 });
    const statuses: number[] = [];
    for (let i = 0; i < 6; i++) statuses.push((await bmc.send('GET', system)).status);
    expect(statuses).toEqual([200, 200, 401, 200, 200, 401]);
    expect(bmc.bmc.logIns()).toEqual({ good: 6, bad: 0 });
  });

  test('lock the account after as many bad log-ins as the vendor allows', async () => {
    const bmc = await start('supermicro', '127.31.25.18', 1);
    const service = await bmc.get('/redfish/v1/AccountService');
    expect(valueAt(service, 'AccountLockoutThreshold')).toBe(3);
    const login = (password: string) => {
      const body = { UserName: account.username, Password: password };
      return bmc.send('POST', '/redfish/v1/SessionService/Sessions', { body, anonymous: true });
    };
    for (let i = 0; i < 2; i++) await login('wrong');
    expect((await login(account.password)).status).toBe(201);
    for (let i = 0; i < 3; i++) await login('wrong');
    expect((await login(account.password)).status).toBe(401);
    expect(bmc.bmc.logIns()).toEqual({ good: 2, bad: 6 });
  });

  test('Dell says that it locks nobody, and does; HPE says nothing', async () => {
    const dell = await start('dell', '127.31.25.19', 1);
    expect(valueAt(await dell.get('/redfish/v1/AccountService'), 'AccountLockoutThreshold')).toBe(0);
    const wrong = { Authorization: `Basic ${Buffer.from(`${account.username}:wrong`).toString('base64')}` };
    for (let i = 0; i < 5; i++) await dell.send('GET', system, { headers: wrong });
    expect((await dell.send('GET', system)).status).toBe(401);
    const hpe = await start('hpe', '127.31.25.20');
    expect(valueAt(await hpe.get('/redfish/v1/AccountService'), 'AccountLockoutThreshold')).toBeUndefined();
  });

  test('that are refused for ever make no storm of log-ins', async () => {
    const bmc = await start('dell', '127.31.25.21');
    const access = { node: 'node', url: bmc.bmc.url, ...account, password: 'wrong', spki: bmc.bmc.spki };
    const bmcs = openBmcs({ bmcs: [access], ledger: memoryLedger(), timeouts: { retryMs: 1 } });
    stops.push(() => bmcs.closeAll().catch(() => undefined));
    for (let i = 0; i < 10; i++) {
      await expect(bmcs.of('node').identity()).rejects.toMatchObject({ code: 'bmc_auth' });
    }
    expect(bmc.bmc.logIns()).toEqual({ good: 0, bad: 2 });
  });
});
