/**
 * What it costs to look at thousands of BMCs: the product's own client, and
 * beside it `curl --parallel` and python3-sushy in threads, on the same lab in
 * one run. Lab and readers are processes of their own, started for each turn.
 *
 *   npm run bench:sweep -- [--bmcs 3000] [--every 60] [--sushy 3000] [--heap 208] [--skip curl,sushy]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { BmcLab, Seen, Started } from './parts/bmc-lab.ts';
import { type Child, start } from './parts/messages.ts';
import { numberFlag } from './parts/number-flag.ts';
import { byCurl, bySushy, missing, type Run } from './parts/other-readers.ts';
import { singleReads } from './parts/single-reads.ts';
import type { Sweeper } from './parts/sweeper.ts';

const { values } = parseArgs({
  options: {
    bmcs: { type: 'string', default: '3000' },
    every: { type: 'string', default: '60' },
    sushy: { type: 'string' },
    heap: { type: 'string', default: '208' },
    skip: { type: 'string', default: '' },
  },
});
const everyMs = numberFlag(values, 'every') * 1000;
const size = numberFlag(values, 'bmcs');
const sushySize = Math.min(numberFlag(values, 'sushy', size), size);
const skipped = values.skip.split(',');
/** Left alone, V8 takes what a large machine has before it collects; in a container it is given a limit. */
const heap = [`--max-old-space-size=${values.heap}`, '--max-semi-space-size=8'];
/** glibc gives each thread a heap of its own unless told, and returns little of any. */
const allocator = { MALLOC_ARENA_MAX: '1' };
const bmcsPerSite = Math.min(50, size);
const sites = Math.ceil(size / bmcsPerSite);

type Turn = Run & { name: string; seen: Seen; bmcs: number; note?: string };
type Scene = { lab: Child<BmcLab>; started: Started; folder: string; turns: Turn[] };

async function turn(scene: Scene, name: string, act: () => Promise<Run & { bmcs: number; note?: string }>) {
  await scene.lab.ask('begin', undefined);
  const done = await act();
  const seen = await scene.lab.ask('seen', undefined);
  const row = { name, seen, ...done };
  scene.turns.push(row);
  console.error(`  ${row.name}: ${Object.values(cells(row)).join(', ')}`);
}

/** Answers what the cold sweep read. */
async function ours(scene: Scene): Promise<string[]> {
  const { lab, started } = scene;
  const began = performance.now();
  const sweeper = start<Sweeper>('./sweeper.ts', heap, allocator);
  let urls: string[] = [];
  try {
    let usedBefore = 0;
    const sweep = async (from: number) => {
      const { failed, readings, unread } = await sweeper.ask('sweep', undefined);
      const ms = performance.now() - from;
      const used = await sweeper.ask('used', undefined);
      const cpuMs = used.cpuMs - usedBefore;
      usedBefore = used.cpuMs;
      const note = `${readings} readings, ${unread} parts unread`;
      return { ms, cpuMs, mostRss: used.mostRss, failed, bmcs: size, note };
    };
    await turn(scene, 'ours, cold', async () => {
      await sweeper.ask('open', started);
      return sweep(began);
    });
    urls = await lab.ask('read', undefined);
    const again = performance.now();
    await turn(scene, 'ours, right after', () => sweep(again));
    // As the product does: a look at each BMC every minute.
    await delay(Math.max(0, again + everyMs - performance.now()));
    await turn(scene, 'ours, warm', () => sweep(performance.now()));
    const open = await lab.ask('sessions', undefined);
    const repeated = await sweeper.ask('close', undefined);
    const left = await lab.ask('sessions', undefined);
    console.log(`sessions: ${open} open after the sweeps, ${left} after the end (${repeated} times repeated)`);
  } finally {
    await sweeper.stop();
  }
  return urls;
}

async function others(scene: Scene, urls: string[]): Promise<void> {
  const { started, folder } = scene;
  const without = { curl: await missing('curl'), sushy: await missing('sushy') };
  for (const [reader, why] of Object.entries(without)) if (why !== undefined) console.log(`no ${reader}: ${why}`);
  if (without.curl === undefined && !skipped.includes('curl')) {
    const curl = async (read: string[]) => {
      const { connections, ...done } = await byCurl(read, started.account, folder);
      return { ...done, bmcs: size, note: `${connections} connections for ${read.length} reads` };
    };
    await turn(scene, 'curl, the same addresses', () => curl(urls));
    const single = await singleReads(urls, started);
    await turn(scene, 'curl, one by one', () => curl(single));
  }
  if (without.sushy === undefined && !skipped.includes('sushy')) {
    const read = started.bmcs.slice(0, sushySize).map(({ url }) => url);
    await turn(scene, 'sushy', async () => ({ ...(await bySushy(read, started.account, folder)), bmcs: sushySize }));
  }
}

function cells({ ms, cpuMs, mostRss, failed, seen, bmcs, note }: Turn): Record<string, string> {
  const { requests, handshakes } = seen;
  return {
    BMCs: String(bmcs),
    wall: `${(ms / 1000).toFixed(1)} s`,
    CPU: `${(cpuMs / 1000).toFixed(1)} s`,
    'most RSS': `${(mostRss / 2 ** 20).toFixed(0)} MB`,
    requests: String(requests),
    handshakes: String(handshakes),
    'CPU a request': `${(cpuMs / requests).toFixed(2)} ms`,
    failed: String(failed),
    "lab's CPU": `${(seen.cpuMs / ms).toFixed(2)} cores`,
    '': note ?? '',
  };
}

function show(turns: Turn[]): void {
  const rows = turns.map(row => ({ '  ': row.name, ...cells(row) }));
  const titles = Object.keys(rows[0] ?? {});
  const table = [titles, ...rows.map(row => Object.values(row))];
  const widths = titles.map((_, column) => Math.max(...table.map(row => row[column]?.length ?? 0)));
  for (const row of table)
    console.log(
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    );
}

/** How many times as long, and what share of the CPU time. Other numbers of BMCs are no comparison. */
function compare(turns: Turn[]): void {
  const named = (name: string) => turns.filter(each => each.name.startsWith(name) && each.bmcs === size);
  for (const other of [...named('curl'), ...named('sushy')]) {
    for (const own of named('ours')) {
      const faster = (other.ms / own.ms).toFixed(2);
      const share = (own.cpuMs / other.cpuMs).toFixed(2);
      console.log(`${own.name} against ${other.name}: ${faster}x faster, ${share}x its CPU`);
    }
  }
}

const scene: Scene = {
  lab: start<BmcLab>('./bmc-lab.ts', ['--max-old-space-size=16000']),
  started: { account: { username: '', password: '' }, bmcs: [], tookMs: 0 },
  folder: await mkdtemp(join(tmpdir(), 'gk-sweep-')),
  turns: [],
};
try {
  scene.started = await scene.lab.ask('start', { sites, bmcsPerSite, addressBase: '127.80' });
  const { bmcs, tookMs } = scene.started;
  console.log(
    `${bmcs.length} BMCs of ${new Set(bmcs.map(({ machine }) => machine)).size} machines at ${sites} sites, ready in ${(tookMs / 1000).toFixed(1)} s; node ${process.version}, ${cpus().length} cores that readers and lab share`,
  );
  await others(scene, await ours(scene));
  show(scene.turns);
  compare(scene.turns);
} finally {
  await scene.lab.stop();
  await rm(scene.folder, { recursive: true });
}
