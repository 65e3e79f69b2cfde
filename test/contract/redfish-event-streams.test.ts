/** Events that BMCs stream bring a look forward and do nothing else, whatever comes over the stream. */
import { afterEach, describe, expect, test } from 'vitest';
import { factValue } from '../../src/core/bmc.ts';
import { hintsOf } from '../../src/health/hints.ts';
import { type Look, startSampler } from '../../src/health/sampler.ts';
import type { LabMachine } from '../../src/lab/bmc/profiles/catalog.ts';
import { type Heard, type HeardOptions, openHeard } from '../support/heard.ts';
import { eventually, startTestBmc, type TestBmc } from '../support/lab-bmc.ts';
import { manualClock } from '../support/manual-clock.ts';
import { type Reply, account as serverAccount, startRedfishServer } from '../support/redfish-server.ts';

const everyMs = 60_000;
const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

let address = 0;
async function start(vendor: LabMachine = 'openbmc', speed = 600): Promise<TestBmc> {
  const lab = await startTestBmc({ vendor, address: `127.87.1.${++address}`, speed });
  stops.push(lab.stop);
  return lab;
}

function open(labs: TestBmc[], options: HeardOptions = {}): Heard {
  const heard = openHeard(
    labs.map(({ bmc }) => bmc),
    options,
  );
  stops.push(() => heard.bmcs.end().catch(() => undefined));
  return heard;
}

/** The watch's beat over these BMCs, on a clock that is put forward by hand; events bring looks forward. */
function watch({ bmcs }: Heard, nodes: string[]) {
  const clock = manualClock(Date.now());
  const looks: Look[] = [];
  const beat = startSampler({
    nodes,
    bmcs,
    everyMs,
    known: () => () => undefined,
    take: async look => void looks.push(look),
    onError: error => expect.fail(error.message),
    clock,
  });
  stops.push(beat.stop);
  const servers = nodes.map((node, n) => ({ node, site: `site-${n}` }));
  bmcs.listen(hintsOf({ servers, everyMs, hurry: beat.hurry, clock }));
  const began = clock.now();
  const at = async (ms: number) => {
    clock.goTo(began + ms);
    await clock.asleep(nodes.length);
  };
  const of = (n: number) => looks.filter(({ node }) => node === `node-${n}`);
  return { at, of, began };
}

describe('a stream of events', () => {
  test('brings the next look forward; what is so is read from the log, and not from the event', async () => {
    const lab = await start();
    const heard = open([lab]);
    const { at, of } = watch(heard, ['node-0']);
    await heard.until('stream');
    await eventually('the first look', () => of(0).length === 1);
    await at(20_000);
    lab.bmc.log.append({ severity: 'Critical', messageId: 'Test1', message: 'The event is in the log.' });
    const look = await eventually('a look before the next beat', () => of(0)[1]);
    expect(look.at.getTime() - (of(0)[0]?.at.getTime() ?? 0)).toBeLessThan(everyMs);
    const log = 'sample' in look ? (factValue(look.sample.log) ?? []) : [];
    expect(JSON.stringify(log)).toContain('The event is in the log.');
    expect(heard.hearing()).toMatchObject({ way: 'stream', received: 1, dropped: 0 });
  });

  test('of 10,000 events makes one look more, and its neighbour is looked at on its beat', async () => {
    const [stormy, calm] = [await start('hpe'), await start('dell')];
    const heard = open([stormy, calm]);
    const { at, of, began } = watch(heard, ['node-0', 'node-1']);
    await heard.until('stream');
    await heard.until('stream', /./, 1);
    for (const seconds of [0, 30, 60]) await at(seconds * 1000);
    expect([of(0).length, of(1).length]).toEqual([2, 1]);
    await at(75_000);
    stormy.bmc.faults.set({ kind: 'event-storm', count: 10_000 });
    await eventually('all events', () => heard.hearing().received === 10_000);
    await eventually('a look for them', () => of(0).length === 3);
    for (const seconds of [89, 90, 119]) await at(seconds * 1000);
    expect([of(0).length, heard.hearing().dropped]).toEqual([3, 9_999]);
    const [, onBeat] = of(1);
    expect([of(1).length, (onBeat?.at.getTime() ?? 0) - began]).toEqual([2, 90_000]);
    await at(120_000);
    expect(of(0).length).toBe(4);
  });

  test('is one subscription, and gone with its session at the end', async () => {
    const lab = await start('dell');
    const heard = open([lab]);
    heard.bmcs.listen(() => true);
    await heard.until('stream');
    expect((await heard.bmcs.of('node-0').status()).hearing).toMatchObject({ way: 'stream' });
    expect(lab.bmc.subscriptions()).toMatchObject([{ type: 'SSE' }]);
    await heard.bmcs.end();
    await eventually('the end of the stream', () => lab.bmc.subscriptions().length === 0);
    expect([lab.bmc.sessions(), heard.sessions.entries, lab.bmc.logIns()]).toEqual([[], [], { good: 1, bad: 0 }]);
    expect(heard.hearing()).toMatchObject({ way: 'polling' });
  });

  test('comes back after the BMC restarted, with as many log-ins as without it', async () => {
    const play = async (listens: boolean) => {
      const lab = await start('openbmc', 3000);
      const heard = open([lab]);
      const bmc = heard.bmcs.of('node-0');
      await bmc.power();
      if (listens) heard.bmcs.listen(() => true);
      if (listens) await heard.until('stream');
      await lab.send('POST', '/redfish/v1/Managers/bmc/Actions/Manager.Reset', { body: { ResetType: 'ForceRestart' } });
      await eventually('the cut', () => lab.bmc.sessions().length === 0);
      await eventually('the BMC', () =>
        bmc.power().then(
          () => true,
          () => false,
        ),
      );
      if (listens) await heard.until('stream');
      const { good, bad } = lab.bmc.logIns();
      // The reset itself came with Basic, which counts as one.
      return { good: good - 1, bad };
    };
    expect(await play(true)).toEqual(await play(false));
  });

  test('is not opened beyond the number that may be held, and the next one takes the place of one that is gone', async () => {
    const labs = [await start('dell'), await start('hpe')];
    const heard = open(labs, { streams: 1 });
    heard.bmcs.listen(() => true);
    await eventually('one stream', () => labs.some(({ bmc }) => bmc.subscriptions().length === 1));
    const [first, second] = heard.hearing(0).way === 'stream' ? [0, 1] : [1, 0];
    await heard.until('polling', /as many streams/, second);
    labs[first]?.bmc.faults.set({ kind: 'bmc-down' });
    await heard.until('stream', /./, second);
  });

  test('over a line that is cut is opened anew when the line is back', async () => {
    const lab = await start('dell');
    const heard = open([lab]);
    heard.bmcs.listen(() => true);
    await heard.until('stream');
    lab.bmc.faults.set({ kind: 'bmc-down', mode: 'hang' });
    await heard.until('polling');
    lab.bmc.faults.clear();
    await heard.until('stream');
    expect(lab.bmc.logIns()).toEqual({ good: 1, bad: 0 });
  });
});

describe('a stream that is none', () => {
  const uri = '/redfish/v1/SSE';
  const root = {
    '@odata.id': '/redfish/v1',
    Vendor: 'Dell',
    Systems: { '@odata.id': '/redfish/v1/Systems' },
    EventService: { '@odata.id': '/redfish/v1/EventService' },
    Links: { Sessions: { '@odata.id': '/redfish/v1/SessionService/Sessions' } },
  };

  /** A BMC that answers so to whoever opens its stream. */
  async function serve(stream: () => Reply, { service = {}, vendor = {}, answerMs = 30_000, silentMs = 30_000 } = {}) {
    const server = await startRedfishServer(({ method, path }) => {
      if (method !== 'GET') return undefined;
      if (path === '/redfish/v1') return { body: { ...root, ...vendor } };
      if (path === '/redfish/v1/EventService') return { body: { Id: 'E', ServerSentEventUri: uri, ...service } };
      return path === uri ? stream() : undefined;
    });
    stops.push(server.close);
    const heard = openHeard([server], { account: serverAccount, answerMs, timings: { silentMs } });
    stops.push(() => heard.bmcs.end());
    heard.bmcs.listen(() => true);
    const asked = () => server.seen.filter(({ path }) => path === uri).length;
    const logIns = () => server.seen.filter(({ method }) => method === 'POST').length;
    return { heard, server, asked, logIns };
  }

  const sent = (write: (send: (text: string) => void) => void): Reply => ({
    headers: { 'content-type': 'text/event-stream' },
    stream: write,
  });
  const endless = sent(send => {
    for (let i = 0; i < 400; i++) send('x'.repeat(1024));
  });
  const useless: Record<string, Reply> = {
    'that is refused to us alone': { status: 401 },
    'that breaks at once': { drop: true },
    'that says nothing': sent(send => send(': open\n\n')),
    'that is half an event': { headers: { 'content-type': 'text/event-stream' }, text: 'id: 1\ndata: {"Events"' },
    'that is a line without an end': endless,
    'that is garbage in many lines': sent(send => send(`${'\u0000\uffff}{\n'.repeat(200_000)}`)),
  };
  test.each(Object.entries(useless))(
    'comes to its end after five attempts, with one log-in and without a hint: %s',
    async (_what, reply) => {
      const { heard, asked, logIns } = await serve(() => reply, { silentMs: 200 });
      await heard.until('polling', /came to nothing lately/);
      expect([asked(), logIns(), heard.hearing().received]).toEqual([5, 1, 0]);
    },
  );

  test('that is never answered comes to its end after five attempts, with one log-in and without a hint', async () => {
    const { heard, asked, logIns } = await serve(() => ({ hang: true }), { answerMs: 2_000 });
    await heard.until('polling', /came to nothing lately/);
    expect([asked(), logIns(), heard.hearing().received]).toEqual([5, 1, 0]);
  });

  test('that is a web page, or is not there, is asked for once', async () => {
    for (const reply of [
      { headers: { 'content-type': 'text/html' }, text: '<html>' },
      { status: 404 },
      { status: 400 },
    ]) {
      const { heard, asked, logIns } = await serve(() => reply);
      await heard.until('polling', /came to nothing lately/);
      expect([asked(), logIns()]).toEqual([1, 1]);
    }
  });

  test('is not asked of a BMC that bears one request at a time, or has its events switched off', async () => {
    const weak = await serve(() => sent(() => {}), { vendor: { Vendor: 'AMI', Oem: { Ami: {} } } });
    await weak.heard.until('polling', /one request at a time/);
    const off = await serve(() => sent(() => {}), { service: { ServiceEnabled: false } });
    await off.heard.until('polling', /switched off/);
    expect([weak.asked(), off.asked()]).toEqual([0, 0]);
  });

  test('that a link puts on another host is not opened', async () => {
    const other = await serve(() => ({ status: 404 }));
    const { heard, asked } = await serve(() => ({ status: 404 }), {
      service: { ServerSentEventUri: `${other.server.url}${uri}` },
    });
    await other.heard.bmcs.end();
    const before = other.server.seen.length;
    await heard.until('polling', /another host/);
    expect([asked(), other.server.seen.length]).toEqual([0, before]);
  });

  test('goes on after the last event that was heard', async () => {
    const ids: (string | undefined)[] = [];
    const { heard, server } = await serve(() => ({
      headers: { 'content-type': 'text/event-stream' },
      text: 'id: 41\ndata: {}\n\nid: 42\ndata: {}\n\n',
    }));
    await heard.until('polling', /came to nothing lately/);
    for (const { path, lastEventId } of server.seen) if (path === uri) ids.push(lastEventId);
    expect([heard.hearing().received, ids]).toEqual([10, [undefined, '42', '42', '42', '42']]);
  });
});
