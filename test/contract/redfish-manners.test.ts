/** Who goes first on the way to a BMC, and how many at once. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { Lane } from '../../src/adapters/redfish/lane.ts';
import { type OpenBmcsOptions, openBmcs } from '../../src/adapters/redfish/open-bmcs.ts';
import { defaultTimeouts } from '../../src/adapters/redfish/transport.ts';
import { Wire } from '../../src/adapters/redfish/wire.ts';
import { testGrant } from '../support/grant.ts';
import { eventually, account as labAccount, startTestBmc } from '../support/lab-bmc.ts';
import {
  account,
  type Handler,
  type RedfishServer,
  type Reply,
  resetPath,
  startRedfishServer,
} from '../support/redfish-server.ts';
import { memoryLedger } from '../support/session-ledger.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function open(servers: RedfishServer[], limits: Pick<OpenBmcsOptions, 'inFlight' | 'atOnce'> = {}) {
  const bmcs = openBmcs({
    bmcs: servers.map(({ url, spki }, index) => ({ node: `node-${index}`, url, spki, ...account })),
    ledger: memoryLedger(),
    timeouts: { retryMs: 5 },
    ...limits,
  });
  closing.push(...servers.map(server => server.close), () => bmcs.closeAll().catch(() => undefined));
  return servers.map((_, index) => bmcs.of(`node-${index}`));
}

const systemPath = '/redfish/v1/Systems/1';

/** Answers reads of the system after some milliseconds, and counts how many are waiting. */
function slowSystem(more: Handler = () => undefined) {
  const load = { now: 0, most: 0 };
  const handler: Handler = seen => {
    const reply = more(seen);
    if (reply !== undefined || seen.path !== systemPath || seen.method !== 'GET') return reply;
    load.now++;
    load.most = Math.max(load.most, load.now);
    const after = delay(40).then(() => load.now--);
    return { after, body: { '@odata.id': systemPath, PowerState: 'On', Status: { State: 'Enabled', Health: 'OK' } } };
  };
  return { load, handler };
}

const many = (times: number, read: () => Promise<unknown>) => Promise.all(Array.from({ length: times }, read));

describe('who goes first', () => {
  test('samples that wait for their answers do not keep a reset waiting', async () => {
    const gate = Promise.withResolvers<void>();
    let held = 0;
    let holding = false;
    const server = await startRedfishServer(seen => {
      if (!holding || seen.path !== systemPath) return undefined;
      held++;
      return { after: gate.promise, body: {} };
    });
    const [bmc] = await open([server]);
    await bmc?.power();
    holding = true;
    const samples = many(8, async () => bmc?.sample().catch(() => undefined));
    await eventually('three samples wait for the BMC', () => held === 3);
    await bmc?.updateTarget('bios');
    expect(held).toBe(3);
    holding = false;
    const before = server.seen.length;
    await bmc?.reset(testGrant, 'ForceRestart');
    const sent = server.seen.slice(before).map(({ method, path }) => `${method} ${path}`);
    expect(sent.filter(each => each === `POST ${resetPath}`)).toHaveLength(1);
    // The reset reads what is allowed; five more samples were waiting all the time.
    expect(sent.filter(each => each === `GET ${systemPath}`)).toHaveLength(1);
    gate.resolve();
    await samples;
  });

  test('of all that waits, power goes first, then writes, reads, events and samples', async () => {
    const gate = Promise.withResolvers<void>();
    const server = await startRedfishServer(seen => ({
      status: 200,
      body: {},
      ...(seen.path === '/first' ? { after: gate.promise } : {}),
    }));
    closing.push(server.close);
    const wire = new Wire({
      isRoom: () => true,
      url: server.url,
      trust: { spki: server.spki },
      timeouts: defaultTimeouts,
      discreet: answer => answer,
      fleet: new Lane(256),
    });
    closing.push(() => wire.end());
    wire.limit(1);
    const sent = [wire.send({ method: 'GET', path: '/first' })];
    await eventually('the first request waits', () => server.seen.length === 1);
    sent.push(wire.send({ method: 'GET', path: '/poll', urgency: 'poll' }));
    sent.push(wire.send({ method: 'GET', path: '/event', urgency: 'event' }));
    for (const path of ['/read', '/read']) sent.push(wire.send({ method: 'GET', path }));
    for (const path of ['/write', '/write']) sent.push(wire.send({ method: 'POST', path }));
    sent.push(wire.send({ method: 'POST', path: '/power', urgency: 'power' }));
    // Nothing shows from outside that they all stand in the queue by now.
    await delay(250);
    gate.resolve();
    await Promise.all(sent);
    const order = server.seen.map(each => each.path);
    const writes = ['/write', '/power', '/write'];
    // Writes go one after another, and the first of them stood in the queue before power was asked for.
    expect(order.filter(path => writes.includes(path))).toEqual(writes);
    expect(order[1]).toBe('/write');
    expect(order.filter(path => !writes.includes(path))).toEqual(['/first', '/read', '/read', '/event', '/poll']);
  });

  test('a read that somebody waits for goes before samples', async () => {
    const order: string[] = [];
    const { handler } = slowSystem(seen => {
      if (seen.path === systemPath) order.push('sample');
      if (seen.path === '/redfish/v1/UpdateService') order.push('read');
      return undefined;
    });
    const server = await startRedfishServer(handler);
    const [bmc] = await open([server]);
    await bmc?.power();
    order.length = 0;
    const samples = many(12, async () => bmc?.sample());
    await bmc?.updateTarget('bios');
    const waited = order.indexOf('read');
    await samples;
    expect(waited).toBeGreaterThanOrEqual(0);
    expect(waited).toBeLessThanOrEqual(4);
    expect(order.filter(each => each === 'sample')).toHaveLength(12);
  });
});

describe('how many at once', () => {
  test('four to one BMC, and of samples one while it answers in time', async () => {
    const { load, handler } = slowSystem();
    const [bmc] = await open([await startRedfishServer(handler)]);
    await many(12, async () => bmc?.power());
    await many(12, async () => bmc?.power());
    expect(load.most).toBe(4);
    load.most = 0;
    await many(12, async () => bmc?.sample());
    expect(load.most).toBe(1);
  });

  test('one to a BMC of a kind that bears no more', async () => {
    const { load, handler } = slowSystem(seen => {
      if (seen.path !== '/redfish/v1') return undefined;
      const links = { Sessions: { '@odata.id': '/redfish/v1/SessionService/Sessions' } };
      return { body: { Vendor: 'AMI', Systems: { '@odata.id': '/redfish/v1/Systems' }, Links: links } };
    });
    const [bmc] = await open([await startRedfishServer(handler)]);
    await bmc?.power();
    load.most = 0;
    await many(8, async () => bmc?.power());
    await many(8, async () => bmc?.sample());
    expect(load.most).toBe(1);
  });

  test('half of them after a 503, and all again once the BMC has answered well for a while', async () => {
    let busy: Reply | undefined;
    const { load, handler } = slowSystem(seen => {
      const reply = seen.path === systemPath ? busy : undefined;
      if (reply !== undefined) busy = undefined;
      return reply;
    });
    const [bmc] = await open([await startRedfishServer(handler)]);
    await bmc?.power();
    busy = { status: 503, body: {} };
    await bmc?.power();
    load.most = 0;
    await many(12, async () => bmc?.power());
    expect(load.most).toBe(2);
    await many(40, async () => bmc?.power());
    load.most = 0;
    await many(12, async () => bmc?.power());
    expect(load.most).toBe(4);
  });

  test('no more than the fleet’s share to all BMCs together', async () => {
    const { load, handler } = slowSystem();
    const servers = [await startRedfishServer(handler), await startRedfishServer(handler)];
    const bmcs = await open(servers, { inFlight: 3 });
    await Promise.all(bmcs.map(bmc => many(8, () => bmc.power())));
    expect(load.most).toBe(3);
  });

  test('no more servers read as a whole at once than are allowed', async () => {
    const { load, handler } = slowSystem();
    const servers = [await startRedfishServer(handler), await startRedfishServer(handler)];
    const bmcs = await open(servers, { atOnce: 1 });
    await Promise.allSettled(bmcs.flatMap(bmc => [bmc.makeup(), bmc.health()]));
    expect(load.most).toBe(1);
  });

  test('fewer to a BMC whose answers become slow', async () => {
    const lab = await startTestBmc({ vendor: 'dell', address: '127.23.7.4' });
    const { url, spki, faults } = lab.bmc;
    const bmcs = openBmcs({ bmcs: [{ node: 'node', url, spki, ...labAccount }], ledger: memoryLedger() });
    closing.push(lab.stop, () => bmcs.closeAll().catch(() => undefined));
    const bmc = bmcs.of('node');
    faults.set({ kind: 'slow', ms: 20 });
    await many(8, () => bmc.power());
    const load = watchLoad(url);
    await many(8, () => bmc.power());
    expect(load.most).toBe(4);

    faults.set({ kind: 'slow', ms: 900 });
    await many(8, () => bmc.power());
    load.most = 0;
    await many(3, () => bmc.power());
    expect(load.most).toBeLessThanOrEqual(2);
    faults.clear('slow');
  });
});

/** Requests under way to an origin, as the HTTP client itself tells. */
function watchLoad(origin: string): { most: number } {
  type Message = { request: { origin?: unknown } };
  const load = { now: 0, most: 0 };
  const count = (by: number) => (message: unknown) => {
    if (String((message as Message).request.origin) !== origin) return;
    load.now += by;
    load.most = Math.max(load.most, load.now);
  };
  const [begin, end] = [count(1), count(-1)];
  subscribe('undici:request:create', begin);
  subscribe('undici:request:trailers', end);
  closing.push(
    () => unsubscribe('undici:request:create', begin),
    () => unsubscribe('undici:request:trailers', end),
  );
  return load;
}
