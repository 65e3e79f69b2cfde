import { once } from 'node:events';
import { connect } from 'node:tls';
import { afterEach, describe, expect, test } from 'vitest';
import { makeCertificate } from '../../src/lab/certificate.ts';
import { account, eventually, startTestBmc, type TestBmc } from '../support/lab-bmc.ts';

const sessions = '/redfish/v1/SessionService/Sessions';
const credentials = { UserName: account.username, Password: account.password };
const wrong = { UserName: account.username, Password: 'wrong' };
const running: TestBmc[] = [];

async function start(options: Partial<Parameters<typeof startTestBmc>[0]> = {}): Promise<TestBmc> {
  const bmc = await startTestBmc({ vendor: 'dell', address: '127.31.1.1', ...options });
  running.push(bmc);
  return bmc;
}

afterEach(() => Promise.all(running.splice(0).map(bmc => bmc.stop())));

describe('authentication', () => {
  test('shows the service root to anyone and nothing else', async () => {
    const bmc = await start();
    expect((await bmc.send('GET', '/redfish/v1/', { anonymous: true })).status).toBe(200);
    const refused = await bmc.send('GET', '/redfish/v1/Systems', { anonymous: true });
    expect(refused.status).toBe(401);
    expect(refused.body.error?.['@Message.ExtendedInfo']?.[0]?.MessageId).toMatch(/^Base\..*NoValidSession$/);
    expect((await bmc.send('GET', '/redfish/v1/Nowhere', { anonymous: true })).status).toBe(401);
  });

  test('opens a session, honours its token, and forgets it after DELETE', async () => {
    const bmc = await start();
    const opened = await bmc.send('POST', sessions, { body: credentials, anonymous: true });
    expect(opened.status).toBe(201);
    const headers = { 'X-Auth-Token': String(opened.headers['x-auth-token']) };
    const uri = String(opened.headers.location);
    expect((await bmc.send('GET', uri, { headers })).body.UserName).toBe(account.username);
    expect(bmc.bmc.sessions()).toHaveLength(1);
    expect((await bmc.send('DELETE', uri, { headers })).status).toBe(204);
    expect(bmc.bmc.sessions()).toHaveLength(0);
    expect((await bmc.send('GET', '/redfish/v1/Systems', { headers })).status).toBe(401);
  });

  test('refuses one session more than the limit', async () => {
    const bmc = await start({ sessionLimit: 2 });
    const statuses: number[] = [];
    for (let i = 0; i < 3; i++) statuses.push((await bmc.send('POST', sessions, { body: credentials })).status);
    expect(statuses).toEqual([201, 201, 503]);
  });

  test('ends a session that nobody uses', async () => {
    const bmc = await start({ speed: 6000 });
    await bmc.send('POST', sessions, { body: credentials });
    await eventually('the session to time out', () => bmc.bmc.sessions().length === 0);
  });

  test('blocks the account after five bad log-ins, also for the right password, and opens again', async () => {
    const bmc = await start({ speed: 60 });
    for (let i = 0; i < 5; i++) expect((await bmc.send('POST', sessions, { body: wrong })).status).toBe(401);
    expect((await bmc.send('POST', sessions, { body: credentials })).status).toBe(401);
    expect((await bmc.send('GET', '/redfish/v1/Systems')).status).toBe(401);
    await eventually('the lockout to end', async () => (await bmc.send('GET', '/redfish/v1/Systems')).status === 200);
  });

  test('counts bad Basic credentials like bad log-ins, and a good one in between starts over', async () => {
    const bmc = await start({ speed: 1 });
    const headers = { Authorization: `Basic ${Buffer.from(`${account.username}:wrong`).toString('base64')}` };
    for (let i = 0; i < 4; i++) await bmc.send('GET', '/redfish/v1/Systems', { headers });
    expect((await bmc.send('GET', '/redfish/v1/Systems')).status).toBe(200);
    for (let i = 0; i < 5; i++) await bmc.send('GET', '/redfish/v1/Systems', { headers });
    expect((await bmc.send('GET', '/redfish/v1/Systems')).status).toBe(401);
  });
});

describe('the effect log', () => {
  test('keeps every write with caller and status, no read and no password', async () => {
    const bmc = await start();
    await bmc.send('GET', '/redfish/v1/Systems');
    await bmc.send('POST', sessions, { body: credentials, anonymous: true });
    await bmc.send('POST', sessions, { body: wrong, anonymous: true });
    await bmc.send('POST', '/redfish/v1/Nowhere', { body: {} });
    await bmc.send('DELETE', '/redfish/v1/Systems');
    const log = bmc.effects.since();
    expect(log.map(({ method, path, status, caller }) => ({ method, path, status, caller }))).toEqual([
      { method: 'POST', path: sessions, status: 201, caller: account.username },
      { method: 'POST', path: sessions, status: 401, caller: account.username },
      { method: 'POST', path: '/redfish/v1/Nowhere', status: 404, caller: account.username },
      { method: 'DELETE', path: '/redfish/v1/Systems', status: 405, caller: account.username },
    ]);
    expect(log[0]?.body).toEqual({ UserName: account.username, Password: '***' });
    expect(log[0]?.target).toBe(bmc.bmc.url);
    expect(JSON.stringify(log)).not.toContain(account.password);
  });
});

describe('the protocol', () => {
  test('names the allowed methods, refuses broken JSON, and honours If-Match', async () => {
    const bmc = await start();
    const system = '/redfish/v1/Systems/System.Embedded.1';
    const notAllowed = await bmc.send('DELETE', system);
    expect([notAllowed.status, notAllowed.headers.allow]).toEqual([405, 'GET, HEAD, PATCH']);
    expect((await bmc.send('PATCH', system, { raw: '{"AssetTag":' })).status).toBe(400);
    const stale = { 'If-Match': '"stale"' };
    expect((await bmc.send('PATCH', system, { body: { AssetTag: 'A1' }, headers: stale })).status).toBe(412);
    const { etag } = (await bmc.send('GET', `${system}/Memory/DIMM.Socket.A1`)).headers;
    expect(etag).toMatch(/^"[0-9a-f]+"$/);
    expect((await bmc.send('PATCH', system, { body: { AssetTag: 'A1' } })).status).toBe(204);
    expect((await bmc.get(system)).AssetTag).toBe('A1');
  });

  test('every link of every vendor leads to a resource', async () => {
    for (const vendor of ['dell', 'hpe', 'openbmc'] as const) {
      const bmc = await start({ vendor, address: '127.31.1.2' });
      const seen = new Set<string>();
      const open = ['/redfish/v1'];
      for (let uri = open.pop(); uri !== undefined; uri = open.pop()) {
        if (seen.has(uri)) continue;
        seen.add(uri);
        const text = JSON.stringify(await bmc.get(uri));
        for (const [, found] of text.matchAll(/"(?:@odata\.id|@Redfish\.ActionInfo|DataSourceUri)":"([^"#]+)"/g)) {
          if (found !== undefined) open.push(found);
        }
      }
      expect(seen.size).toBeGreaterThan(40);
    }
  });

  test('iLO does not mind the case of a path', async () => {
    const bmc = await start({ vendor: 'hpe', address: '127.31.1.3' });
    expect((await bmc.get('/redfish/v1/systems/1/')).Model).toMatch(/^ProLiant/);
    expect((await bmc.send('GET', '/redfish/v1/systems/1')).headers.etag).toMatch(/^W\/"/);
  });

  test('a Dell log comes 50 entries a page, newest first, and the pages add up', async () => {
    const bmc = await start();
    const first = await bmc.get('/redfish/v1/Managers/iDRAC.Embedded.1/LogServices/Sel/Entries');
    expect(first.Members).toHaveLength(50);
    const second = await bmc.get(String(first['@odata.nextLink']));
    const ids = [...(first.Members ?? []), ...(second.Members ?? [])].map(entry => Number(entry.Id));
    expect(ids).toEqual([...ids].sort((a, b) => b - a));
    expect(ids).toHaveLength(Number(first['Members@odata.count']));
    expect(second['@odata.nextLink']).toBeUndefined();
  });
});

describe('the certificate', () => {
  test('is trusted as its own authority for its address, and its pin is the one that TLS shows', async () => {
    const bmc = await start();
    const url = new URL(bmc.bmc.url);
    const socket = connect({ host: url.hostname, port: Number(url.port), ca: bmc.certificate.cert });
    await once(socket, 'secureConnect');
    expect(socket.authorized).toBe(true);
    const key = socket.getPeerX509Certificate()?.publicKey.export({ type: 'spki', format: 'der' });
    socket.destroy();
    const digest = await crypto.subtle.digest('SHA-256', new Uint8Array(key ?? []));
    expect(Buffer.from(digest).toString('base64')).toBe(bmc.bmc.spki);
  });

  test('is another one every time', () => {
    const make = () => makeCertificate({ commonName: 'a', altNames: ['localhost'] });
    expect(make().spki).not.toBe(make().spki);
  });
});
