/**
 * An hour of the product's watch, beat by beat, in which one site is cut off and
 * one BMC of another takes half a minute for an answer. The clock of the watch
 * is moved by hand, a minute for each beat; the BMCs of the lab, what is read
 * from them, the refused and the hanging connections and the half minute are
 * real, and so is the database that the history is kept in.
 */
import pg from 'pg';
import { openDatabase } from '../../src/adapters/postgres/database.ts';
import { type BmcAccess, openBmcs } from '../../src/adapters/redfish/open-bmcs.ts';
import type { Fleet } from '../../src/core/fleet.ts';
import type { ToolContext } from '../../src/core/tool.ts';
import { startDuty } from '../../src/health/duty.ts';
import type { RunningBmc } from '../../src/lab/bmc/bmc.ts';
import { startBmcFleet } from '../../src/lab/bmc-fleet.ts';
import { openMetrics } from '../../src/surfaces/metrics/metrics.ts';
import { getSensorHistory } from '../../tools/get-sensor-history.ts';
import { manualClock } from './manual-clock.ts';
import { freshDatabase } from './postgres.ts';
import { eventually } from './stack.ts';

const minuteMs = 60_000;
/** Beats before the cut, while it lasts, and after it. */
export const beats = { before: 5, cut: 60, after: 6 } as const;
const all = beats.before + beats.cut + beats.after;
/** All of it lies in the hours that are asked for, and none of it in the future. */
const began = minuteMs * (all + 2);
const hours = 1.4;
export const slowMs = 30_000;

/** Two refuse all hour long, the third takes connections and answers nothing. */
export const cut = { refusing: ['bos-w-1', 'bos-w-2'], hanging: 'bos-w-3' };
export const slow = 'chi-w-1';
export const others = ['chi-w-2', 'chi-w-3'];

type SensorHistory = {
  series: {
    stepMs: number;
    points: { at: string; low: number | null; mean: number | null; high: number | null }[];
    gaps: { at: string; reason: string }[];
  };
};
/** Moments are milliseconds since 1970, by the clock of the watch. */
type Row = { at: number; read: boolean };

export type SiteHour = {
  from: number;
  to: number;
  /** What the database holds of each node, oldest first, once all is over. */
  rows: Record<string, Row[]>;
  /** As above, at the moment at which the site was back, while the slow answer was still to come. */
  rowsAtEnd: Record<string, Row[]>;
  histories: Record<string, SensorHistory>;
  /** What a scrape showed at the end of the cut, and at the end of all. */
  scrapes: { cut: string[]; after: string[] };
  /** Log-ins that were shown to each BMC since the cut began, and bad ones ever. */
  logIns: Record<string, { since: number; bad: number }>;
  /** Real milliseconds of the look at the slow one. */
  slowLookMs: number;
};

/** Throws what went wrong in any part of the product. */
export async function playSiteHour(addressBase: string): Promise<SiteHour> {
  const fresh = await freshDatabase();
  const database = await openDatabase(fresh.url, { lock: false });
  const lab = await startBmcFleet({ sites: 2, bmcsPerSite: 3, seed: 7, addressBase, machines: ['supermicro'] });
  const clock = manualClock(Date.now() - began);
  const start = clock.now();
  const failures: unknown[] = [];
  const servers = lab.bmcs.map(({ name }) => ({ node: name, site: name.startsWith('bos') ? 'boston' : 'chicago' }));
  const bmcOf = (name: string) => lab.bmcs.find(each => each.name === name) as RunningBmc;
  const access = (site: string): BmcAccess[] =>
    servers
      .filter(each => each.site === site)
      .map(({ node }) => ({ node, site, ...lab.account, url: bmcOf(node).url, spki: bmcOf(node).spki }));
  const common = { ledger: database.sessions, logins: database.refusedLogins, now: clock.now };
  // Real waits for a site that is cut are kept short; those for the slow one are as the product ships.
  const boston = openBmcs({
    ...common,
    bmcs: access('boston'),
    timeouts: { connectMs: 2000, answerMs: 2000, retryMs: 5 },
  });
  const chicago = openBmcs({ ...common, bmcs: access('chicago') });
  const duty = await startDuty({
    servers,
    bmcs: { of: node => (node.startsWith('bos') ? boston : chicago).of(node) },
    history: database.history,
    logEntries: database.logEntries,
    states: database.healthStates,
    archive: database.findings,
    everyMs: minuteMs,
    retention: { samplesMs: 24 * 60 * minuteMs, rollupsMs: 24 * 60 * minuteMs },
    compareFirmware: () => [],
    clock,
    onChange: () => {},
    onError: error => failures.push(error),
  });
  const { watch } = duty;
  const metrics = await openMetrics({
    host: '127.0.0.1',
    port: 0,
    health: watch,
    servers,
    everyMs: minuteMs,
    backlog: watch.backlog,
    logIns: () => [...boston.logIns(), ...chicago.logIns()],
    sessions: async () => 0,
    policyStanding: () => ({ state: 'current', digest: '' }),
    freezes: { standing: async () => [] },
    hearings: () => [],
  });

  /** A minute further; returns once each of these was looked at in it. */
  async function beat(number: number, awaited: string[]): Promise<void> {
    clock.goTo(start + number * minuteMs);
    const begins = start + (number - 1) * minuteMs;
    const looked = () => watch.newest().filter(({ at }) => at.getTime() > begins);
    await eventually(`beat ${number} of ${awaited.join(', ')}`, async () => {
      const done = new Set(looked().map(({ node }) => node));
      return awaited.every(node => done.has(node)) ? true : undefined;
    });
  }

  const scrape = async () => (await (await fetch(metrics.url)).text()).split('\n');
  try {
    const names = servers.map(({ node }) => node);
    await eventually('the first look of all', async () => (watch.newest().length > 0 ? true : undefined));
    for (let number = 1; number <= beats.before; number++) await beat(number, names);
    const from = clock.now();
    const before = new Map(lab.bmcs.map(({ name, logIns }) => [name, logIns().good]));
    for (const name of cut.refusing) bmcOf(name).faults.set({ kind: 'bmc-down', mode: 'refused' });
    bmcOf(cut.hanging).faults.set({ kind: 'bmc-down', mode: 'hang' });
    const { faults, received } = bmcOf(slow);
    const asked = received().length;
    faults.set({ kind: 'slow', ms: slowMs });
    for (let number = 1; number <= beats.cut; number++) {
      await beat(beats.before + number, [...cut.refusing, ...others]);
      // The first answer is on its way, half a minute of it; what is asked next comes as usual.
      if (received().length > asked) faults.clear('slow');
    }
    const duringCut = await scrape();
    const to = clock.now();
    for (const name of [...cut.refusing, cut.hanging]) bmcOf(name).faults.clear('bmc-down');
    await eventually('the look that hung to end', async () =>
      watch.newest().some(({ node, at }) => node === cut.hanging && at.getTime() > from) ? true : undefined,
    );
    for (let number = 1; number <= beats.after; number++)
      await beat(beats.before + beats.cut + number, [...cut.refusing, ...others]);
    await watch.flush();
    const rowsAtEnd = await rowsOf(fresh.url, names);
    const slowLook = await eventually('the slow answer', async () =>
      watch.newest().find(({ node, at, missing }) => node === slow && at.getTime() > from && missing === undefined),
    );
    await watch.flush();
    const after = await scrape();
    const histories = await historiesOf(names, { servers, history: database.history });
    if (failures.length > 0) throw failures[0];
    return {
      from,
      to,
      rows: await rowsOf(fresh.url, names),
      rowsAtEnd,
      histories,
      scrapes: { cut: duringCut, after },
      logIns: Object.fromEntries(
        lab.bmcs.map(({ name, logIns }) => [
          name,
          { since: logIns().good - (before.get(name) ?? 0), bad: logIns().bad },
        ]),
      ),
      slowLookMs: slowLook.tookMs,
    };
  } finally {
    await metrics.close();
    await duty.stop();
    for (const { faults } of lab.bmcs) faults.clear();
    await Promise.all([boston.end(), chicago.end()]);
    await lab.stop();
    await database.close();
    await fresh.drop();
  }
}

async function rowsOf(url: string, nodes: string[]): Promise<Record<string, Row[]>> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const wanted = 'select node, at, missing is null as read from reading order by at';
    const { rows } = await client.query<{ node: string; at: Date; read: boolean }>(wanted);
    return Object.fromEntries(
      nodes.map(node => [
        node,
        rows.filter(row => row.node === node).map(({ at, read }) => ({ at: at.getTime(), read })),
      ]),
    );
  } finally {
    await client.end();
  }
}

type Servers = { node: string; site: string }[];

/** As `get-sensor-history` answers. */
async function historiesOf(
  nodes: string[],
  { servers, history }: { servers: Servers; history: ToolContext['history'] },
): Promise<Record<string, SensorHistory>> {
  const entries = servers.map(({ node, site }) => ({ name: node, site, cluster: site }));
  const sites = [...Map.groupBy(entries, ({ site }) => site)].map(([name, own]) => ({
    name,
    timeZone: 'UTC',
    clusters: [{ name, nodes: own }],
  }));
  const fleet = { sites } as unknown as Fleet;
  const context = { fleet, history, health: { newest: () => [] as unknown[] } } as ToolContext;
  const asked = nodes.map(async node => {
    if (!('run' in getSensorHistory)) throw new Error('getSensorHistory answers');
    const output = await getSensorHistory.run(context, { node, sensor: 'inlet temp', hours });
    return [node, output as unknown as SensorHistory] as const;
  });
  return Object.fromEntries(await Promise.all(asked));
}
