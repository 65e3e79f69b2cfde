/**
 * What it costs to hold many clusters in memory, and whether that survives
 * restarts of every API server: our mirror, and beside it the informers of the
 * client library. API servers and holders are processes of their own. Ends
 * with 1 when the mirror takes more memory than it may, holds anything but what
 * the API servers store, or asks as anyone but the shipped account.
 *
 *   npm run bench:mirror -- [--clusters 60] [--nodes 50] [--pods 30] [--seconds 60] [--informers 60]
 */
import { cpus } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Child } from './parts/messages.ts';
import { numberFlag } from './parts/number-flag.ts';
import { differing, type Fleet, startFleet, startSubject } from './parts/scene.ts';
import type { Subject } from './parts/subject.ts';

const { values } = parseArgs({
  options: {
    clusters: { type: 'string', default: '60' },
    nodes: { type: 'string', default: '50' },
    pods: { type: 'string', default: '30' },
    seconds: { type: 'string', default: '60' },
    informers: { type: 'string' },
  },
});
const size = {
  clusters: numberFlag(values, 'clusters'),
  nodes: numberFlag(values, 'nodes'),
  podsPerNode: numberFlag(values, 'pods'),
};
const seconds = numberFlag(values, 'seconds');
const compared = Math.min(numberFlag(values, 'informers', size.clusters), size.clusters);
/** Of all pods, in a minute. */
const changing = 0.01;
const downMs = 3000;
const patienceMs = 120_000;

/** Of the mirror's process, at any time, at the usual size. */
const mostRss = 700 * 2 ** 20;

type Kind = 'mirror' | 'informer';

type Verdict = { text: string; isRight: boolean };

/** Rows of the table, told on stderr as they come. */
class Results extends Map<string, string> {
  /** The rows that say something which must not be. */
  readonly wrong: string[] = [];

  override set(row: string, value: string): this {
    console.error(`  ${row}: ${value}`);
    return super.set(row, value);
  }

  judge(row: string, { text, isRight }: Verdict): void {
    this.set(row, text);
    if (!isRight) this.wrong.push(`${row}: ${text}`);
  }
}

const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MB`;
const inSeconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

async function measure(fleet: Fleet, kind: Kind): Promise<Results> {
  const subject = startSubject();
  const results = new Results();
  try {
    const empty = await subject.ask('measure', { collected: true });
    results.set('RSS of the process before', megabytes(empty.rss));
    const took = await subject.ask('hold', { kind, clusters: fleet.kubeconfigs });
    const synced = await subject.ask('measure', { collected: false });
    results.set('time to sync', inSeconds(took));
    results.set('requests to sync', String(synced.requests));
    results.set('most RSS until synced', megabytes(synced.mostRss));
    const collected = await subject.ask('measure', { collected: true });
    results.set('RSS after a collection', megabytes(collected.rss));
    results.set('heap after a collection', megabytes(collected.heap));
    results.judge('same as the stores', await verdict(fleet, subject));
    await overTime(results, subject, { name: 'idle' });
    await withChanges(fleet, () => overTime(results, subject, { name: 'with changes' }));
    results.judge('same as the stores after changes', await verdict(fleet, subject));
    await restarts(fleet, subject, results);
    const last = await subject.ask('measure', { collected: true });
    results.set('RSS after all that, collected', megabytes(last.rss));
    const isSmall = last.mostRss <= mostRss;
    results.judge('most RSS at any time', { text: megabytes(last.mostRss), isRight: isSmall });
    results.judge('asked as', await whoAsked(fleet));
  } finally {
    await subject.stop();
  }
  return results;
}

async function overTime(results: Results, subject: Child<Subject>, { name }: { name: string }): Promise<void> {
  const before = await subject.ask('measure', { collected: false });
  await delay(seconds * 1000);
  const after = await subject.ask('measure', { collected: false });
  const perMinute = ((after.requests - before.requests) * 60) / seconds;
  results.set(`requests a minute, ${name}`, perMinute.toFixed(1));
  results.set(`CPU, ${name}`, `${((after.cpuMs - before.cpuMs) / (seconds * 10)).toFixed(1)} % of one core`);
}

async function withChanges(fleet: Fleet, during: () => Promise<void>): Promise<void> {
  const perMinute = size.clusters * size.nodes * size.podsPerNode * changing;
  const perSecond = Math.max(perMinute / 60 / fleet.servers.length, 0.5);
  for (const server of fleet.servers) await server.ask('change', { perSecond });
  await during();
  for (const server of fleet.servers) await server.ask('change', { perSecond: 0 });
}

async function restarts(fleet: Fleet, subject: Child<Subject>, results: Results): Promise<void> {
  const restart = (names: string[], ms: number) =>
    Promise.all(
      fleet.servers.map(server => {
        const here = names.filter(name => fleet.serverOf(name) === server);
        return here.length === 0 ? undefined : server.ask('restart', { names: here, downMs: ms });
      }),
    );
  await restart(fleet.names, downMs);
  results.judge(`all restarted at once, ${downMs / 1000} s down: back after`, await verdict(fleet, subject));
  for (const name of fleet.names) await restart([name], 500);
  results.judge('restarted one by one, 0.5 s down: back after the last', await verdict(fleet, subject));
  for (const server of fleet.servers) await server.ask('touch', undefined);
  results.judge('follow a change in each cluster after', await verdict(fleet, subject));
}

async function verdict(fleet: Fleet, subject: Child<Subject>): Promise<Verdict> {
  const started = performance.now();
  const left = await differing(fleet, subject, { limitMs: patienceMs });
  const took = inSeconds(performance.now() - started);
  const all = fleet.names.length;
  if (left.length === 0) return { text: `${all} of ${all}, ${took}`, isRight: true };
  return { text: `${all - left.length} of ${all} in ${took}`, isRight: false };
}

/** Each holder meets API servers of its own, so that nobody else has asked them. */
async function whoAsked(fleet: Fleet): Promise<Verdict> {
  const callers = (await Promise.all(fleet.servers.map(server => server.ask('callers', undefined)))).flat();
  const users = new Set(callers.map(({ user }) => user));
  return { text: [...users].join(', '), isRight: users.size > 0 && !callers.some(each => each.isAdministrator) };
}

const pods = size.clusters * size.nodes * size.podsPerNode;
console.log(
  `${size.clusters} clusters x ${size.nodes} nodes x ${size.podsPerNode} pods = ${pods} pods; node ${process.version}, ${cpus().length} cores, ${changing * 100} % of the pods change in a minute`,
);
const columns = new Map<string, Results>();
const fleet = await startFleet(size);
try {
  columns.set('mirror', await measure(fleet, 'mirror'));
} finally {
  await fleet.stop();
}
if (compared > 0) {
  const other = await startFleet({ ...size, clusters: compared });
  try {
    const title = compared === size.clusters ? 'informers' : `informers, ${compared} clusters only`;
    columns.set(title, await measure(other, 'informer'));
  } finally {
    await other.stop();
  }
}
const rows = [...new Set([...columns.values()].flatMap(results => [...results.keys()]))];
const table = rows.map(row => [row, ...[...columns.values()].map(results => results.get(row) ?? '')]);
const widths = ['', ...columns.keys()].map((title, index) =>
  Math.max(title.length, ...table.map(row => row[index]?.length ?? 0)),
);
for (const row of [['', ...columns.keys()], ...table]) {
  console.log(
    row
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
const wrong = columns.get('mirror')?.wrong ?? ['the mirror was not measured'];
for (const each of wrong) console.error(`wrong: ${each}`);
process.exitCode = wrong.length === 0 ? 0 : 1;
