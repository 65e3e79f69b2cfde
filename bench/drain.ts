/**
 * How long a drain takes, side by side with `kubectl drain`: the same nodes and
 * pods in one run, turn and turn about. The lab is a process of its own, and so
 * is the service; kubectl is started for each drain, as people start it.
 *
 *   node bench/drain.ts [--rounds 8] [--speed 1]
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import type { ChangeAnswer } from '../src/core/change.ts';
import { hasEnded, type Operation } from '../src/core/operation.ts';
import { startChild } from '../src/demo/child.ts';
import { type LabConfig, writeLabConfig } from '../src/demo/lab-config.ts';
import { type Client, connect } from '../src/surfaces/cli/client.ts';
import type { DrainLab, RequestCounts, Started } from './parts/drain-lab.ts';
import { type Child, start } from './parts/messages.ts';
import { numberFlag } from './parts/number-flag.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '8' },
    speed: { type: 'string', default: '1' },
  },
});
const rounds = numberFlag(values, 'rounds');
const run = promisify(execFile);

type Tool = 'kubectl' | 'groundskeeper';
type Measured = { tool: Tool; node: string; ms: number; requests: RequestCounts };
type Bench = {
  lab: Child<DrainLab>;
  started: Started;
  kubeconfig: string;
  asker: Client;
  voter: Client;
  passphrase: string;
};

/** Milliseconds of the whole command, its start included. */
async function byKubectl({ kubeconfig }: Bench, node: string): Promise<number> {
  const args = ['drain', node, '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=300s'];
  const began = performance.now();
  await run('kubectl', ['--kubeconfig', kubeconfig, ...args]);
  return performance.now() - began;
}

/** Milliseconds of the operation, from its start to its end on record; it was planned and its approval asked for before. */
async function byGroundskeeper(bench: Bench, node: string): Promise<number> {
  const { asker, voter, passphrase, lab } = bench;
  const planned = (await asker.callTool('drainNode', { node, deleteEmptyDir: true, dryRun: true })).output;
  const { plan, digest } = planned as unknown as ChangeAnswer;
  const { approval = '' } = (await asker.callTool('startPlan', { plan, digest })).output as unknown as ChangeAnswer;
  await lab.ask('takeRequests', undefined);
  const { operation = '' } = await voter.vote(approval, { vote: 'approve', reason: 'bench', passphrase });
  const ended = await toTheEnd(asker, operation);
  if (ended.state !== 'done') throw new Error(`${operation} is ${ended.state}: ${ended.reason}`);
  return Date.parse(ended.endedAt ?? '') - Date.parse(ended.createdAt);
}

async function toTheEnd(client: Client, operation: string): Promise<Operation> {
  for (let after = 0; ; ) {
    const { operation: seen, events } = await client.operationEvents(operation, { after, waitMs: 25_000 });
    if (hasEnded(seen.state)) return seen;
    after = events.at(-1)?.seq ?? after;
  }
}

const drains = { kubectl: byKubectl, groundskeeper: byGroundskeeper } as const;

async function measure(bench: Bench, tool: Tool, { node, round }: { node: string; round: number }): Promise<Measured> {
  await bench.lab.ask('reset', { round });
  await bench.lab.ask('takeRequests', undefined);
  const ms = await drains[tool](bench, node);
  const requests = (await bench.lab.ask('takeRequests', undefined))[tool] ?? {};
  console.log(`${node}  ${tool.padEnd(14)} ${seconds(ms)}`);
  return { tool, node, ms, requests };
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

function sorted(all: Measured[], tool: Tool): number[] {
  return all.flatMap(each => (each.tool === tool ? [each.ms] : [])).toSorted((a, b) => a - b);
}

function median(ordered: number[]): number {
  const middle = Math.floor(ordered.length / 2);
  const upper = ordered[middle] ?? Number.NaN;
  return ordered.length % 2 === 1 ? upper : (upper + (ordered[middle - 1] ?? Number.NaN)) / 2;
}

/** The mean number of each request in one drain. */
function meanRequests(all: Measured[], tool: Tool): Map<string, number> {
  const of = all.filter(each => each.tool === tool);
  const kinds = new Set(of.flatMap(({ requests }) => Object.keys(requests)));
  return new Map(
    [...kinds].map(kind => [kind, of.reduce((sum, each) => sum + (each.requests[kind] ?? 0), 0) / of.length]),
  );
}

function report(all: Measured[], { pods }: Started, startupMs: number): number {
  const { evicted, waiting, all: everyPod } = pods;
  console.log(
    `\n${everyPod} pods on each node, ${evicted} of them evicted, ${waiting} of which wait for another's replacement`,
  );
  for (const tool of ['kubectl', 'groundskeeper'] as const) {
    const ordered = sorted(all, tool);
    const [least = 0, most = 0] = [ordered[0], ordered.at(-1)];
    console.log(
      `${tool.padEnd(14)} median ${seconds(median(ordered))}  from ${seconds(least)} to ${seconds(most)}  n=${ordered.length}`,
    );
  }
  const ratio = median(sorted(all, 'groundskeeper')) / median(sorted(all, 'kubectl'));
  console.log(`ratio of medians, groundskeeper to kubectl: ${ratio.toFixed(2)}`);
  console.log(`kubectl itself needs ${seconds(startupMs)} to read one node, its start included`);
  const [theirs, ours] = [meanRequests(all, 'kubectl'), meanRequests(all, 'groundskeeper')];
  const total = (counts: Map<string, number>) => [...counts.values()].reduce((sum, count) => sum + count, 0);
  console.log(`\n${'API requests of one drain'.padEnd(34)}${'kubectl'.padStart(10)}${'groundskeeper'.padStart(15)}`);
  const line = (kind: string, a: number, b: number) =>
    console.log(`${kind.padEnd(34)}${a.toFixed(1).padStart(10)}${b.toFixed(1).padStart(15)}`);
  for (const kind of [...new Set([...theirs.keys(), ...ours.keys()])].toSorted())
    line(kind, theirs.get(kind) ?? 0, ours.get(kind) ?? 0);
  line('all', total(theirs), total(ours));
  return ratio;
}

/** Median milliseconds of the smallest command. */
async function startupOf({ kubeconfig }: Bench, node: string): Promise<number> {
  const times: number[] = [];
  for (let turn = 0; turn < 5; turn++) {
    const began = performance.now();
    await run('kubectl', ['--kubeconfig', kubeconfig, 'get', 'node', node]);
    times.push(performance.now() - began);
  }
  return median(times.toSorted((a, b) => a - b));
}

async function kubectlIsMissing(): Promise<string | undefined> {
  try {
    const { stdout } = await run('kubectl', ['version', '--client', '-o', 'json']);
    const { major, minor } = (JSON.parse(stdout) as { clientVersion: { major: string; minor: string } }).clientVersion;
    return Number(major) > 1 || Number.parseInt(minor, 10) >= 28 ? undefined : `kubectl is ${major}.${minor}`;
  } catch {
    return 'there is no kubectl';
  }
}

async function withBench(dir: string, body: (bench: Bench) => Promise<void>): Promise<void> {
  const lab = start<DrainLab>('./drain-lab.ts');
  try {
    const size = { addressBase: '127.69', speed: numberFlag(values, 'speed'), nodes: 2 };
    const started = await lab.ask('start', { dir, ...size });
    const config = await writeLabConfig(started.lab, {
      dir,
      port: 0,
      database: 'embedded',
      mcpScope: 'read',
      rollout: { soak: '1s', pollInterval: '2s' }, // the default
      sampleEvery: 'off',
    });
    const service = await startChild<{ url: string }>(['serve', '--config', config.file]);
    try {
      const people = await logIn(service.ready.url, config);
      await body({ lab, started, kubeconfig: started.lab.sites[0]?.cluster.adminKubeconfigFile ?? '', ...people });
    } finally {
      await service.stop();
    }
  } finally {
    await lab.stop();
  }
}

async function logIn(url: string, { people }: LabConfig): Promise<Pick<Bench, 'asker' | 'voter' | 'passphrase'>> {
  const [asker, voter] = await Promise.all(
    people.map(async person => {
      const { token } = await connect({ url }).login({ ...person, channel: 'cli' });
      return connect({ url, token });
    }),
  );
  if (!asker || !voter) throw new Error('there are not two people');
  return { asker, voter, passphrase: people[1].passphrase };
}

const missing = await kubectlIsMissing();
if (missing) {
  console.log(`skipped: drain beside kubectl drain (${missing}; 1.28 or newer is needed)`);
} else {
  const dir = await mkdtemp(join(tmpdir(), 'groundskeeper-bench-'));
  try {
    await withBench(dir, async bench => {
      const [first = '', second = ''] = bench.started.nodes;
      const all: Measured[] = [];
      for (let round = 0; round < rounds; round++) {
        // Each tool begins every other round, and both drain the same node of a round.
        const node = round % 2 === 0 ? first : second;
        const order: Tool[] = round % 4 < 2 ? ['kubectl', 'groundskeeper'] : ['groundskeeper', 'kubectl'];
        for (const tool of order) all.push(await measure(bench, tool, { node, round }));
      }
      await bench.lab.ask('reset', { round: rounds });
      if (report(all, bench.started, await startupOf(bench, first)) > 1) process.exitCode = 1;
    });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
