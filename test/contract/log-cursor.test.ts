/** Entries of event logs, from the BMC's wire to Postgres: each is taken in once, whatever happens to the log and to us. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Database, openDatabase } from '../../src/adapters/postgres/database.ts';
import { openBmcs } from '../../src/adapters/redfish/open-bmcs.ts';
import { factValue, type KnownEntries } from '../../src/core/bmc.ts';
import type { Finding } from '../../src/core/finding.ts';
import { openWatch, type Watch } from '../../src/health/watch.ts';
import type { LabMachine } from '../../src/lab/bmc/profiles/catalog.ts';
import { type ClientBench, clientBench } from '../support/client-bench.ts';
import { freshDatabase } from '../support/postgres.ts';
import { type RedfishServer, account as serverAccount, startRedfishServer } from '../support/redfish-server.ts';
import { memoryLedger } from '../support/session-ledger.ts';

let fresh: Awaited<ReturnType<typeof freshDatabase>>;
let database: Database;
let bench: ClientBench | undefined;
let watch: Watch;
let opened: Finding[];

beforeEach(async () => {
  fresh = await freshDatabase();
  database = await openDatabase(fresh.url, { lock: false });
});
afterEach(async () => {
  await watch.flush();
  await bench?.close();
  await database.close();
  await fresh.drop();
});

/** What was not written down by then is lost, as with kill -9. */
async function begin(): Promise<void> {
  opened = [];
  const { healthStates: states, findings: archive, history } = database;
  watch = await openWatch({
    servers: [{ node: 'n1', site: 'boston' }],
    states,
    archive,
    // Their own tests tell of numbers.
    history: { ...history, add: async () => {} },
    onChange: findings => opened.push(...findings),
    onError: error => expect.fail(error.message),
  });
}

async function watching(machine: LabMachine, address: string) {
  bench = await clientBench(machine, address);
  const { lab, bmc } = bench;
  await begin();
  let at = Date.now();
  return {
    lab,
    storm: (count: number) => lab.bmc.faults.set({ kind: 'event-storm', count }),
    async clear() {
      const services = await lab.get(machine === 'hpe' ? hpeLogs : dellLogs);
      const [log] = services.Members ?? [];
      const answer = await lab.send('POST', `${log?.['@odata.id']}/Actions/LogService.ClearLog`, { body: {} });
      expect(answer.status).toBe(204);
    },
    async look() {
      at = Math.max(at + 1, Date.now());
      await watch.take({
        node: 'n1',
        at: new Date(at),
        tookMs: 1,
        sample: await bmc.sample({ known: watch.known('n1') }),
      });
    },
  };
}

const dellLogs = '/redfish/v1/Managers/iDRAC.Embedded.1/LogServices';
const hpeLogs = '/redfish/v1/Systems/1/LogServices';

/** Numbers of the storms' entries that were written down, as often as they were, in the order of taking in. */
async function stored(): Promise<number[]> {
  await watch.flush();
  const wanted = { node: 'n1', from: new Date(0), to: new Date(Date.now() + 60_000), limit: 10_000 };
  const texts = (await database.logEntries.list(wanted)).map(
    ({ message }) => /link is down \((\d+)\)/.exec(message)?.[1],
  );
  return texts.filter(text => text !== undefined).map(Number);
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
const sorted = (numbers: number[]) => numbers.toSorted((a, b) => a - b);

/** One log that starts with its newest entries and has pages, and one that starts with its oldest. */
describe.each([
  ['dell', '127.31.61'],
  ['hpe', '127.31.62'],
] as const)('the log of %s', (machine, net) => {
  test('is taken in whole however much came between two looks, once, over a restart that lost what was not written', async () => {
    const { lab, storm, look } = await watching(machine, `${net}.1`);
    await look();
    storm(120);
    lab.bmc.faults.set({ kind: 'page-overlap' });
    await look();
    await look();
    expect(sorted(await stored())).toEqual(upTo(120));
    storm(70);
    await look();
    await begin();
    expect(sorted(await stored())).toEqual(upTo(120));
    await look();
    await begin();
    await look();
    expect(sorted(await stored())).toEqual(sorted([...upTo(120), ...upTo(70)]));
  });

  test('that was cleared, and gives the same ids and texts again, is new', async () => {
    const { storm, clear, look } = await watching(machine, `${net}.2`);
    await clear();
    storm(3);
    await look();
    expect(sorted(await stored())).toEqual(upTo(3));
    await clear();
    await look();
    storm(3);
    await look();
    await clear();
    storm(40);
    await look();
    await look();
    expect(sorted(await stored())).toEqual(sorted([...upTo(3), ...upTo(3), ...upTo(40)]));
  });

  test('that forgot more than it holds gives all that is left, and goes on from there', async () => {
    const { storm, look } = await watching(machine, `${net}.3`);
    await look();
    storm(1500);
    await look();
    storm(5);
    await look();
    expect(sorted(await stored())).toEqual(sorted([...upTo(1500).slice(-1024), ...upTo(5)]));
  });

  test('tells of a critical entry although a storm came after it, once', async () => {
    const { lab, storm, look } = await watching(machine, `${net}.4`);
    await look();
    lab.bmc.faults.set({ kind: 'psu-failed', psu: 1 });
    storm(200);
    await look();
    await look();
    const [finding, ...others] = opened.filter(({ kind }) => kind === 'log-critical');
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ node: 'n1', text: '1 new critical entry in the event log within a day' });
  });
});

describe('a log of odd firmware', () => {
  let server: RedfishServer;
  afterEach(() => server.close());

  const log = '/redfish/v1/Systems/1/LogServices';
  const entries = `${log}/Sel/Entries`;
  const inline = (id: string, Message: string, minute = Number(id)) => ({
    '@odata.id': `${entries}/${id}`,
    Id: id,
    Created: new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString(),
    Severity: 'Critical',
    Message,
  });

  /** `answers`: by path. */
  async function serve(answers: Record<string, unknown>) {
    const link = (uri: string) => ({ '@odata.id': uri });
    const tree: Record<string, unknown> = {
      '/redfish/v1/Systems/1': { ...link('/redfish/v1/Systems/1'), PowerState: 'On', LogServices: link(log) },
      [log]: { ...link(log), Members: [link(`${log}/Sel`)] },
      [`${log}/Sel`]: { ...link(`${log}/Sel`), LogEntryType: 'SEL', Entries: link(entries) },
      ...answers,
    };
    server = await startRedfishServer(({ method, path }) => {
      const body = tree[path];
      return method === 'GET' && body !== undefined ? { body } : undefined;
    });
    const { url, spki } = server;
    const bmcs = openBmcs({ bmcs: [{ node: 'node', url, spki, ...serverAccount }], ledger: memoryLedger() });
    bench = undefined;
    await begin();
    return async (known: KnownEntries = watch.known('n1')) => {
      const sample = await bmcs.of('node').sample({ known });
      await watch.take({ node: 'n1', at: new Date(), tookMs: 1, sample });
      await watch.flush();
      await bmcs.closeAll();
      return (factValue(sample.log) ?? []).map(({ message }) => message);
    };
  }

  const storedTexts = async () => {
    const wanted = { node: 'n1', from: new Date(0), to: new Date(Date.now() + 60_000), limit: 100 };
    return (await database.logEntries.list(wanted)).map(({ message }) => message).toSorted();
  };

  test('is stored although texts hold zero bytes and halves of characters', async () => {
    const list: { Members: unknown[] } = { Members: [] };
    const look = await serve({ [entries]: list });
    await look();
    // The first is cut for the store, the second for the finding as well.
    for (const cut of [499, 199]) {
      list.Members.push(inline(String(list.Members.length + 1), `${'x'.repeat(cut)}\u{1F525}${'y'.repeat(499 - cut)}`));
      await look();
    }
    list.Members.push(inline('3', 'fan\u0000 lost\u0000\u0000'));
    const shown = await look();
    expect(shown.filter(text => !text.isWellFormed())).toEqual([]);
    const texts = (await storedTexts()).map(text => text.slice(-6));
    expect(texts).toEqual(['n lost', 'xxxxx\uFFFD', 'yyyyyy']);
    expect(opened.map(({ kind }) => kind)).toEqual(['log-critical']);
  });

  test('gives both of two entries that share an id and a URI, and one that pages repeat once', async () => {
    const next = `${entries}?$skip=2`;
    const look = await serve({
      [entries]: { Members: [inline('1', 'first', 1), inline('1', 'second', 2)], '@odata.nextLink': next },
      [next]: { Members: [inline('1', 'second', 2), inline('2', 'third', 3)] },
    });
    expect(await look()).toEqual(['third', 'second', 'second', 'first']);
    expect(await storedTexts()).toEqual(['first', 'second', 'third']);
  });

  test('that lists links alone is followed back to what is known, past links to nowhere', async () => {
    const ids = Array.from({ length: 60 }, (_, index) => String(index + 1));
    const each = Object.fromEntries(ids.map(id => [`${entries}/${id}`, inline(id, `entry ${id}`)]));
    const gone = { '@odata.id': `${entries}/99` };
    const look = await serve({
      ...each,
      [entries]: { Members: [...ids.map(id => ({ '@odata.id': `${entries}/${id}` })), gone] },
    });
    const isOld: KnownEntries = () => entry => Number(entry.id) <= 25;
    // Two turns of twenty, one of which led nowhere.
    expect(await look(isOld)).toEqual(Array.from({ length: 39 }, (_, index) => `entry ${60 - index}`));
  });
});
