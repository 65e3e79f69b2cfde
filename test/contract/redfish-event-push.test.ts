/** Events that BMCs push: one subscription of ours at a time on each, none after the end, and a receiver that strangers get nothing from. */
import { request } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { contextOf, type Mailboxes, openMailboxes } from '../../src/adapters/redfish/events/mailboxes.ts';
import { type Heard, type HeardOptions, openHeard } from '../support/heard.ts';
import { eventually, startTestBmc, type TestBmc } from '../support/lab-bmc.ts';
import { account as serverAccount, startRedfishServer } from '../support/redfish-server.ts';
import { memorySubscriptions } from '../support/session-ledger.ts';

const subscriptionsUri = '/redfish/v1/EventService/Subscriptions';
const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

let address = 0;
async function start(speed = 600): Promise<TestBmc> {
  const lab = await startTestBmc({ vendor: 'supermicro', address: `127.87.2.${++address}`, speed });
  stops.push(lab.stop);
  return lab;
}

let port = 7400;
async function receive(): Promise<Mailboxes & { origin: string }> {
  const bind = { host: '127.87.2.250', port: ++port };
  const origin = `http://${bind.host}:${bind.port}`;
  const mailboxes = await openMailboxes({ sites: new Map([['site-0', { bind, advertise: origin }]]) });
  stops.push(mailboxes.close);
  return { ...mailboxes, origin };
}

/** One life of the process. */
async function live(lab: TestBmc, options: HeardOptions = {}): Promise<Heard> {
  const heard = openHeard([lab.bmc], { mailboxes: await receive(), ...options });
  stops.push(() => heard.bmcs.end().catch(() => undefined));
  heard.bmcs.listen(() => true);
  return heard;
}

/** Once it has subscribed it looks no more, so it does not subscribe again when the next life takes its subscription away. */
const asIfKilled = { checkMs: 600_000 };

const destinations = (lab: TestBmc) => lab.bmc.subscriptions().map(({ destination }) => destination);
const write = (lab: TestBmc) => lab.bmc.log.append({ severity: 'Warning', messageId: 'T1', message: 'Something is.' });

describe('a subscription', () => {
  test('brings a hint for each event, and is gone with the session at the end', async () => {
    const lab = await start();
    const heard = await live(lab);
    await heard.until('push');
    expect(heard.ledger.entries.map(({ destination }) => destination)).toEqual(destinations(lab));
    for (let i = 0; i < 3; i++) write(lab);
    await eventually('three events', () => heard.hearing().received === 3);
    expect((await heard.bmcs.of('node-0').status()).hearing).toMatchObject({ way: 'push', received: 3, dropped: 0 });
    await heard.bmcs.end();
    expect([destinations(lab), heard.ledger.entries]).toEqual([[], []]);
    expect([lab.bmc.sessions(), heard.sessions.entries, lab.bmc.logIns()]).toEqual([[], [], { good: 1, bad: 0 }]);
  });

  test('is made again after the BMC restarted, and where somebody took it away', async () => {
    const lab = await start(3000);
    const heard = await live(lab);
    await heard.until('push');
    const [before] = destinations(lab);
    const reset = '/redfish/v1/Managers/1/Actions/Manager.Reset';
    expect((await lab.send('POST', reset, { body: { ResetType: 'GracefulRestart' } })).status).toBeLessThan(300);
    await eventually('the restart', () => destinations(lab).length === 0);
    await eventually('the subscription', () => destinations(lab).length === 1);
    const { Members: [member] = [] } = await lab.get(subscriptionsUri);
    expect((await lab.send('DELETE', String(member?.['@odata.id']))).status).toBe(204);
    await eventually('another', () => destinations(lab).length === 1);
    expect(destinations(lab)).toEqual([before]);
    await heard.until('push');
    write(lab);
    await eventually('the event', () => heard.hearing().received > 0);
    await heard.bmcs.end();
    expect(destinations(lab)).toEqual([]);
  });

  test('of a life that was killed is replaced by one of the next, and those of others stay', async () => {
    const lab = await start();
    const others = { Destination: 'http://127.0.0.1:1/theirs', Protocol: 'Redfish', Context: 'theirs' };
    await lab.send('POST', subscriptionsUri, { body: others });
    const ledger = memorySubscriptions();
    const killed = await live(lab, { ledger, timings: asIfKilled });
    await killed.until('push');
    const old = destinations(lab)[1];
    const next = await live(lab, { ledger: Object.assign(memorySubscriptions(), { entries: [...ledger.entries] }) });
    await next.until('push');
    expect(destinations(lab)).toEqual([others.Destination, expect.not.stringMatching(String(old))]);
    await killed.bmcs.end();
    await next.until('push');
    await next.bmcs.end();
    expect([destinations(lab), next.ledger.entries]).toEqual([[others.Destination], []]);
  });

  test('of an earlier life goes although nobody listens any more', async () => {
    const lab = await start();
    const killed = await live(lab, { timings: asIfKilled });
    await killed.until('push');
    const ledger = Object.assign(memorySubscriptions(), { entries: [...killed.ledger.entries] });
    const next = await live(lab, { ledger, mailboxes: undefined, streams: 0, timings: { checkMs: 60_000 } });
    await next.until('polling', /switched off in the configuration/);
    expect(ledger.entries).toEqual([]);
  });

  test('whose answer was lost is found and made anew, and never twice', async () => {
    const lab = await start();
    lab.bmc.faults.set({ kind: 'drop-after-post' });
    const heard = await live(lab);
    await heard.until('push');
    expect([lab.bmc.faults.list(), destinations(lab).length]).toEqual([[], 1]);
    await heard.bmcs.end();
    expect([destinations(lab), heard.ledger.entries]).toEqual([[], []]);
  });

  test('is made anew when the BMC has started since, although it still shows the one that it no longer serves', async () => {
    let started = '2026-01-01T00:00:00Z';
    let made = 0;
    const standing = new Map<string, object>();
    const link = (uri: string) => ({ '@odata.id': uri });
    const server = await startRedfishServer(({ method, path, body }) => {
      if (path === '/redfish/v1') {
        const Links = { Sessions: link('/redfish/v1/SessionService/Sessions') };
        const [Systems, Managers] = [link('/redfish/v1/Systems'), link('/redfish/v1/Managers')];
        return { body: { Systems, Managers, EventService: link('/redfish/v1/EventService'), Links } };
      }
      if (path === '/redfish/v1/Managers') return { body: { Members: [link('/redfish/v1/Managers/1')] } };
      if (path === '/redfish/v1/Managers/1') return { body: { Id: '1', LastResetTime: started } };
      if (path === '/redfish/v1/EventService') return { body: { Id: 'E', Subscriptions: link(subscriptionsUri) } };
      if (path === subscriptionsUri && method === 'GET') return { body: { Members: [...standing.keys()].map(link) } };
      if (path === subscriptionsUri) {
        const uri = `${subscriptionsUri}/${++made}`;
        standing.set(uri, JSON.parse(body));
        return { status: 201, headers: { Location: uri } };
      }
      if (!path.startsWith(subscriptionsUri)) return undefined;
      if (method === 'DELETE') return { status: standing.delete(path) ? 204 : 404 };
      return standing.has(path) ? { body: { Id: path, ...standing.get(path) } } : { status: 404, body: {} };
    });
    stops.push(server.close);
    const heard = openHeard([server], { mailboxes: await receive(), account: serverAccount });
    stops.push(() => heard.bmcs.end());
    heard.bmcs.listen(() => true);
    await heard.until('push');
    const shown = () => server.seen.filter(({ path }) => path === `${subscriptionsUri}/1`).length;
    await eventually('a look at whether it stands', () => shown() > 1);
    expect([...standing.keys()]).toEqual([`${subscriptionsUri}/1`]);
    started = '2026-01-02T00:00:00Z';
    await eventually('a new one alone', () => [...standing.keys()].join() === `${subscriptionsUri}/2`);
    await heard.bmcs.end();
    expect([standing.size, heard.ledger.entries]).toEqual([0, []]);
  });

  test('that the BMC refuses leaves nothing behind, and polling', async () => {
    const lab = await start();
    const body = { Destination: 'http://127.0.0.1:1/', Protocol: 'Redfish' };
    for (let i = 0; i < 16; i++) await lab.send('POST', subscriptionsUri, { body });
    const heard = await live(lab);
    await heard.until('polling', /refused a subscription/);
    // It is asked for again and again, and written down before each time.
    await eventually('nothing left', () => heard.ledger.entries.length === 0);
  });

  test('is not made where no address is configured', async () => {
    const lab = await start();
    const heard = await live(lab, { mailboxes: undefined });
    await heard.until('polling', /no stream/);
    expect(destinations(lab)).toEqual([]);
  });
});

describe('the receiver', () => {
  type Sent = { method?: string; path?: string; body?: string; length?: number; chunked?: true };

  async function box() {
    const mailboxes = await receive();
    let heard = 0;
    const destination = mailboxes.open('site-0', () => heard++) ?? expect.fail('the site has no listener');
    const path = new URL(destination).pathname;
    const send = ({ method = 'POST', path: to = path, body = '', length, chunked }: Sent) => {
      const { promise, resolve, reject } = Promise.withResolvers<number>();
      const headers = chunked ? {} : { 'content-length': length ?? Buffer.byteLength(body) };
      const call = request(`${mailboxes.origin}${to}`, { method, headers, agent: false });
      call.on('response', response => resolve(response.resume().statusCode ?? 0));
      call.on('error', reject);
      call.write(body);
      if (length === undefined) call.end();
      return promise;
    };
    const event = (more: object = {}) => JSON.stringify({ Context: contextOf(destination), Events: [{}], ...more });
    return { mailboxes, send, event, heard: () => heard };
  }

  test('takes what its BMC says, also from one that writes the context into its events', async () => {
    const { send, event, heard } = await box();
    expect(await send({ body: event() })).toBe(204);
    const { Context } = JSON.parse(event());
    expect(await send({ body: JSON.stringify({ Events: [{ Context }] }) })).toBe(204);
    expect(heard()).toBe(2);
    expect(await send({ body: event({ '@odata.type': '#MetricReport.v1_4_1.MetricReport' }) })).toBe(204);
    expect(heard()).toBe(2);
  });

  test('answers strangers with what they did wrong, and hears nothing', async () => {
    const { send, event, heard, mailboxes } = await box();
    const hostile: [Sent, number][] = [
      [{ method: 'GET' }, 405],
      [{ method: 'GET', path: '/' }, 405],
      [{ method: 'PUT', body: event() }, 405],
      [{ path: '/', body: event() }, 404],
      [{ path: `/${'A'.repeat(43)}`, body: event() }, 404],
      [{ body: event({ Context: 'other' }) }, 403],
      [{ body: event({ Context: undefined }) }, 403],
      [{ body: event({ Context: 7 }) }, 403],
      [{ body: event({ Events: 'x' }).slice(1) }, 400],
      [{ body: '[]' }, 400],
      [{ body: '' }, 400],
      [{ body: event({ Events: ['x'.repeat(300_000)] }) }, 413],
      [{ body: '{', length: 10_000_000_000 }, 413],
      [{ body: event({ Events: ['x'.repeat(300_000)] }), chunked: true }, 413],
    ];
    for (const [sent, status] of hostile) expect([sent, await send(sent)]).toEqual([sent, status]);
    expect(heard()).toBe(0);
    expect(mailboxes.open('site-1', () => {})).toBeUndefined();
  });

  test('says which address is taken', async () => {
    const { mailboxes } = await box();
    const { hostname: host, port: taken } = new URL(mailboxes.origin);
    const sites = new Map([['s', { bind: { host, port: Number(taken) }, advertise: 'http://10.0.0.1' }]]);
    await expect(openMailboxes({ sites })).rejects.toMatchObject({ code: 'port_taken' });
  });
});
