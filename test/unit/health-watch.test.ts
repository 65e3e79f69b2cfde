import { describe, expect, it } from 'vitest';
import { known, type LogEntry, unknown } from '../../src/core/bmc.ts';
import { FleetError } from '../../src/core/errors.ts';
import type { Finding } from '../../src/core/finding.ts';
import type { HealthSample } from '../../src/core/hardware.ts';
import type { TakenLogEntry } from '../../src/core/health-records.ts';
import type { HistorySample } from '../../src/core/history.ts';
import type { Look } from '../../src/health/sampler.ts';
import { openWatch, type WatchedServer } from '../../src/health/watch.ts';

const start = Date.parse('2026-03-01T00:00:00Z');
const at = (minute: number) => new Date(start + minute * 60_000);
const day = 24 * 60;

type Save = { states: [string, unknown][]; taken: string[] };

/** Stores in memory, which can be away, and which can hang: then nothing is answered until they come back. */
function stores() {
  const kept = {
    states: new Map<string, unknown>(),
    findings: [] as Finding[],
    samples: [] as HistorySample[],
    entries: [] as TakenLogEntry[],
    saves: [] as Save[],
  };
  let away = false;
  let back = Promise.resolve();
  const answer = async () => {
    await back;
    if (away) throw new FleetError({ code: 'database', retry: 'later', message: 'away' });
  };
  return {
    kept,
    setAway(value: boolean) {
      away = value;
    },
    hang(): () => void {
      const { promise, resolve } = Promise.withResolvers<void>();
      back = promise;
      return resolve;
    },
    states: {
      load: async () => structuredClone(kept.states),
      save: async (states: [string, unknown][], taken: TakenLogEntry[] = []) => {
        await answer();
        kept.entries.push(...taken);
        kept.saves.push(structuredClone({ states, taken: kept.entries.map(({ id }) => id) }));
        for (const [key, state] of states) kept.states.set(key, structuredClone(state));
      },
    },
    archive: {
      put: async (findings: Finding[]) => {
        await answer();
        kept.findings.push(...findings);
      },
      list: async () => kept.findings,
    },
    history: {
      add: async (samples: HistorySample[]) => {
        await answer();
        kept.samples.push(...samples);
      },
    },
  };
}

async function watching(servers: WatchedServer[], parts = stores()) {
  const told: string[] = [];
  const failures: FleetError[] = [];
  const watch = await openWatch({
    ...parts,
    servers,
    onChange: findings => told.push(...findings.map(({ kind, state }) => `${kind} ${state}`)),
    onError: error => failures.push(error),
  });
  return { watch, told, failures, parts };
}

function look(node: string, minute: number, change: Partial<HealthSample> = {}): Look {
  const sample: HealthSample = {
    power: known('on'),
    health: known('ok'),
    temperatures: known([
      { name: 'Inlet', uri: '/inlet', reading: known(22), unit: 'celsius', health: known('ok'), upperCritical: 46 },
    ]),
    fans: known([]),
    powerSupplies: known([]),
    redundancy: known([]),
    memory: unknown('no counters'),
    drives: known([]),
    log: known([]),
    bmcTime: known(at(minute).toISOString()),
    ...change,
  };
  return { node, at: at(minute), tookMs: 300, sample };
}

const warm: Partial<HealthSample> = {
  temperatures: known([
    { name: 'Inlet', uri: '/inlet', reading: known(45), unit: 'celsius', health: known('ok'), upperCaution: 40 },
  ]),
};

describe('the watch', () => {
  it('tells of a certificate that expires, once', async () => {
    const { watch, told } = await watching([{ node: 'n1', site: 'boston' }]);
    for (const minute of [0, 1, 2])
      await watch.take(look('n1', minute, { certificateExpires: at(10 * day).toISOString() }));
    expect(told).toEqual(['certificate-expiry open']);
    expect(watch.findings('n1')[0]).toMatchObject({ kind: 'certificate-expiry', level: 'warning', site: 'boston' });
  });

  it('loses neither samples nor findings while the database is away, and says so', async () => {
    const { watch, failures, parts } = await watching([{ node: 'n1', site: 'boston' }]);
    parts.setAway(true);
    const log = known<LogEntry[]>([{ id: '1', created: unknown('none'), severity: 'ok', message: 'link up' }]);
    for (const minute of [0, 1])
      await watch.take(look('n1', minute, { certificateExpires: at(day).toISOString(), log }));
    await watch.flush();
    expect([failures.length > 0, parts.kept.samples.length]).toEqual([true, 0]);
    parts.setAway(false);
    await watch.flush();
    expect(parts.kept.samples.map(sample => sample.at)).toEqual([at(0), at(1)]);
    expect(parts.kept.entries.map(({ id }) => id)).toEqual(['1']);
    expect(parts.kept.findings.map(({ kind }) => kind)).toEqual(['certificate-expiry']);
    expect([...parts.kept.states.keys()]).toEqual(['server/n1']);
  });

  it('writes no cursor down without the entries that it has passed, and none of them twice', async () => {
    const { watch, parts } = await watching([{ node: 'n1', site: 'boston' }]);
    const logs = (count: number): LogEntry[] =>
      Array.from({ length: count }, (_, index) => ({
        id: String(count - index),
        created: known(at(count - index).toISOString()),
        severity: 'ok',
        message: 'link up',
      }));
    const goOn = parts.hang();
    const written = [];
    for (const minute of [1, 2, 3]) {
      await watch.take(look('n1', minute, { log: known(logs(minute)) }));
      written.push(watch.flush());
      await Promise.resolve();
    }
    goOn();
    await Promise.all(written);
    await watch.flush();
    const passed = parts.kept.saves.flatMap(({ states, taken }) =>
      states.map(([, state]) => {
        const [cursor = ''] = Object.values((state as { log: { cursors: Record<string, string> } }).log.cursors);
        return [cursor.split(' ').length, taken.length];
      }),
    );
    expect(passed.length).toBeGreaterThan(1);
    expect(passed.filter(([marks, taken]) => marks !== taken)).toEqual([]);
    expect(parts.kept.entries.map(({ id, node }) => [node, id])).toEqual(['1', '2', '3'].map(id => ['n1', id]));
  });

  it('holds no look up while the database hangs, and writes all of it once, in order, when it is back', async () => {
    const { watch, told, parts } = await watching([{ node: 'n1', site: 'boston' }]);
    const goOn = parts.hang();
    // Each opens or clears a finding, which is written at once.
    const expires = [day, 90 * day, day, 90 * day];
    for (const [minute, minutes] of expires.entries())
      await watch.take(look('n1', minute, { certificateExpires: at(minutes).toISOString() }));
    await watch.lookAround(at(4));
    expect(told.length).toBe(4);
    expect(watch.backlog().waiting + parts.kept.samples.length).toBeGreaterThan(0);
    const written = [watch.flush(), watch.flush()];
    goOn();
    await Promise.all(written);
    expect(parts.kept.samples.map(sample => sample.at)).toEqual([0, 1, 2, 3].map(at));
    expect(parts.kept.findings.map(({ state }) => state)).toEqual(['open', 'cleared', 'open', 'cleared']);
    expect(watch.backlog()).toEqual({ waiting: 0, dropped: 0 });
  });

  it('keeps the newest fifty thousand samples for a database that is away, and counts what it gave up', async () => {
    const { watch, parts } = await watching([{ node: 'n1', site: 'boston' }]);
    const goOn = parts.hang();
    const missing = new FleetError({ code: 'bmc_auth', message: 'refused' });
    const looks = 50_100;
    for (let minute = 0; minute < looks; minute++) await watch.take({ node: 'n1', at: at(minute), tookMs: 1, missing });
    const { waiting, dropped } = watch.backlog();
    expect(waiting).toBe(50_000);
    expect(dropped).toBeGreaterThan(0);
    goOn();
    await watch.flush();
    expect(parts.kept.samples.length).toBe(looks - dropped);
    expect(parts.kept.samples.at(-1)?.at).toEqual(at(looks - 1));
  });

  it('goes on where an earlier life stopped', async () => {
    const servers = [{ node: 'n1', site: 'boston' }];
    const { watch, parts } = await watching(servers);
    await watch.take(look('n1', 0, { certificateExpires: at(day).toISOString() }));
    await watch.flush();
    const next = await watching(servers, parts);
    expect(next.watch.findings()).toEqual(watch.findings());
    await next.watch.take(look('n1', 1, { certificateExpires: at(day).toISOString() }));
    expect(next.told).toEqual([]);
  });

  it('tells a warm rack as one alarm, and the rest of the site as well', async () => {
    const servers = ['a', 'b'].flatMap(rack => [1, 2, 3, 4].map(n => ({ node: `${rack}${n}`, site: 'boston', rack })));
    const { watch } = await watching(servers);
    for (let minute = 0; minute < 10; minute++) {
      for (const { node, rack } of servers) await watch.take(look(node, minute, rack === 'a' ? warm : {}));
      await watch.lookAround(at(minute));
    }
    const [alarm] = watch.findings().filter(({ node }) => node === undefined);
    expect(alarm).toMatchObject({ kind: 'site-inlet', rack: 'a', covers: ['a1', 'a2', 'a3', 'a4'] });
    const own = watch.findings().filter(({ node }) => node !== undefined);
    expect(own.length).toBeGreaterThan(0);
    expect(own.every(({ foldedUnder }) => foldedUnder === alarm?.id)).toBe(true);
    expect(watch.score('b1')).toMatchObject({
      reasons: expect.not.arrayContaining([expect.stringContaining('Inlet')]),
    });
  });

  it('says nothing of a server that it does not know, and keeps a look that gave nothing as a gap', async () => {
    const { watch, parts } = await watching([{ node: 'n1', site: 'boston' }]);
    await watch.take(look('stranger', 0));
    const missing = new FleetError({ code: 'bmc_unreachable', message: 'no route' });
    await watch.take({ node: 'n1', at: at(0), tookMs: 5, missing });
    await watch.flush();
    expect(parts.kept.samples).toEqual([{ node: 'n1', at: at(0), missing: 'no route' }]);
    expect(watch.newest()).toMatchObject([{ node: 'n1', missing: 'no route', values: [] }]);
    expect(watch.score('n1').level).toBe('unknown');
  });
});
