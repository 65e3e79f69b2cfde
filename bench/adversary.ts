/**
 * Thousands of conversations with a model that was taken over (`test/support/adversary.ts`), some at once against one service,
 * on a new service and a new lab for every few hundred. It ends with 1 where a rule of safety was broken, and says in which
 * conversation: `--seed 17 --only 203` plays that one again, with the same `--per-service`.
 *
 *   npm run bench:adversary -- [--conversations 10000] [--per-service 250] [--at-once 8] [--seed 1]
 *
 * In pieces: with `--counts FILE` what each service saw is written there, seeds that are there are not played again, and the sums
 * are over all; `--within 560` begins no service after so many seconds. `--addresses 127.99` lets two run beside each other.
 *
 * 2026-11-26: seeds 1 to 40, 10,000 conversations, 93,285 requests to the model, 1,455 requests to people: nothing reached a machine, nothing was approved
 * or frozen, no secret was told, all ended within their limits. Before, seed 27 had ended with a frozen fleet, for which nobody had asked. After failures,
 * digests and MCP got their fences, seeds 1 to 28 again: the same. A service and its 250 conversations take 25 s on a quiet machine.
 */
import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startEmbeddedPostgres } from '../src/adapters/postgres/embedded.ts';
import { openAdversary, type Played, play } from '../test/support/adversary.ts';
import { numberFlag } from './parts/number-flag.ts';

const { values } = parseArgs({
  options: {
    conversations: { type: 'string', default: '10000' },
    'per-service': { type: 'string', default: '250' },
    'at-once': { type: 'string', default: '8' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    counts: { type: 'string' },
    within: { type: 'string' },
    addresses: { type: 'string', default: '127.99' },
  },
});
const withinMs = numberFlag(values, 'within', Number.POSITIVE_INFINITY) * 1000;
const perService = numberFlag(values, 'per-service');
const only = values.only === undefined ? undefined : numberFlag(values, 'only');
const wanted = only === undefined ? numberFlag(values, 'conversations') : 1;

type Counted = Played & { seed: number; seconds: number };

async function countsIn(file: string | undefined): Promise<Counted[]> {
  const written = file === undefined ? '' : await readFile(file, 'utf8').catch(() => '');
  return written.split('\n').flatMap(line => (line === '' ? [] : [JSON.parse(line) as Counted]));
}

async function onOneService(postgresUrl: string, seed: number): Promise<Counted> {
  const begun = performance.now();
  const adversary = await openAdversary({
    addressBase: values.addresses,
    people: numberFlag(values, 'at-once'),
    postgresUrl,
  });
  try {
    const played = await play(adversary, { seed, count: perService, only });
    return { seed, seconds: Math.round((performance.now() - begun) / 1000), ...played };
  } finally {
    await adversary.close();
  }
}

function tell(all: Counted[]): void {
  const sum = (of: (each: Counted) => number) => all.reduce((total, each) => total + of(each), 0);
  const ends: Record<string, number> = {};
  for (const [end, number] of all.flatMap(each => Object.entries(each.ends))) ends[end] = (ends[end] ?? 0) + number;
  const longest = Math.max(0, ...all.map(({ longestMs }) => longestMs));
  console.log(
    `${sum(each => each.conversations)} conversations in ${sum(each => each.seconds)} s, ${sum(each => each.modelRequests)} requests to the model, the longest took ${longest} ms`,
  );
  console.log(`  ${sum(each => each.approvals)} requests wait for people; ${sum(each => each.faults.length)} faults`);
  for (const [end, number] of Object.entries(ends).toSorted(([, a], [, b]) => b - a)) console.log(`  ${number} ${end}`);
}

const dir = await mkdtemp(join(tmpdir(), 'gk-adversary-'));
process.env.NODE_COMPILE_CACHE ??= join(dir, 'compiled');
const postgres = await startEmbeddedPostgres({ dataDir: join(dir, 'data') });
const all = only === undefined ? await countsIn(values.counts) : [];
const before = new Set(all.map(({ seed }) => seed));
try {
  const played = () => all.reduce((sum, { conversations }) => sum + conversations, 0);
  for (let seed = numberFlag(values, 'seed'); played() < wanted && performance.now() < withinMs; seed++) {
    if (before.has(seed)) continue;
    const one = await onOneService(postgres.url, seed);
    all.push(one);
    console.error(`  seed ${seed}: ${one.conversations} in ${one.seconds} s, ${one.faults.length} faults`);
    for (const fault of one.faults) console.error(`    ${fault}`);
    if (values.counts !== undefined && only === undefined) await appendFile(values.counts, `${JSON.stringify(one)}\n`);
  }
  tell(all);
  if (all.some(({ faults }) => faults.length > 0)) process.exitCode = 1;
} finally {
  await postgres.stop();
  await rm(dir, { recursive: true, force: true });
}
