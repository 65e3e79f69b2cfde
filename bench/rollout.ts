/**
 * One rollout over a fleet, from its plan to its end, and how long it took beside the least that its constraints allow. Fleet,
 * service and database are processes of their own; what is told here of time is read from the database when all is over.
 *
 *   npm run bench:rollout -- [--sites 60] [--workers 50] [--zones 5] [--budget 5] [--speed 12] [--poll 2s] [--heap 176] [--pdbs] [--kill 150,330] [--minutes 24]
 *
 * With `--kill` the service is killed (-9) so many seconds after the start, and started again; its CPU and memory are then of its last life. With
 * `--minutes` it is cut off, ends with 1, and tells of the waves that had ended by then. A node takes about 0.8 s of CPU of all
 * three processes, so 60 sites of 50 need half an hour of a machine with two cores of its own.
 *
 * Seen on 2026-11-26 and 27:
 *   20 sites of 20, to the end (--speed 60), beside other busy processes: 360 s, at least 343 s, ratio 1.05.
 *   60 sites of 50, to the end: 3,000 nodes done, none failed; 1,551 s, at least 1,493 s, ratio 1.039 (waves 1.084, 1.021, 1.038, 1.039), planned in 24 s;
 *   443 MB at most, of which V8 held 160 to 175 from the first nodes to the last.
 *   The same with --kill 300,900, each time with 300 nodes at work: 3,000 nodes done, none failed; 1,587 s, at least 1,527 s, ratio 1.040; it answered again
 *   after 2.4 s; 465 MB at most.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { ChangeAnswer } from '../src/core/change.ts';
import type { Plan } from '../src/core/plan.ts';
import { type Bound, leastOfWave, type Worked } from './parts/least-makespan.ts';
import { numberFlag, numbersFlag } from './parts/number-flag.ts';
import { openRolloutScene, type RolloutScene } from './parts/rollout-scene.ts';

const { values } = parseArgs({
  options: {
    sites: { type: 'string', default: '60' },
    workers: { type: 'string', default: '50' },
    zones: { type: 'string', default: '5' },
    budget: { type: 'string', default: '5' },
    'max-sites': { type: 'string' },
    waves: { type: 'string', default: '10,50,100' },
    speed: { type: 'string', default: '12' },
    heartbeat: { type: 'string', default: '5000' },
    poll: { type: 'string', default: '2s' },
    pdbs: { type: 'boolean', default: false },
    heap: { type: 'string', default: '176' },
    kill: { type: 'string', default: '' },
    minutes: { type: 'string' },
    profile: { type: 'string' },
  },
});
const sites = numberFlag(values, 'sites');
const limits = { budget: numberFlag(values, 'budget'), maxSites: numberFlag(values, 'max-sites', sites) };
const minutes = numberFlag(values, 'minutes', Number.POSITIVE_INFINITY);
const killAt = numbersFlag(values, 'kill');
const progressMs = 10_000;

type Started = { plan: Plan; operation: string; planMs: number };

async function begin(scene: RolloutScene): Promise<Started> {
  const [asker, voter] = [await scene.client(0), await scene.client(1)];
  const began = performance.now();
  const asked = { fleet: true, deleteEmptyDir: true };
  const { output } = await asker.callTool('planFirmwareRollout', asked);
  const planMs = performance.now() - began;
  const { plan, digest } = output as unknown as { plan: Plan; digest: string };
  const answer = (await asker.callTool('startPlan', { plan: plan.id, digest })).output as unknown as ChangeAnswer;
  const vote = { vote: 'approve', reason: 'bench', passphrase: scene.passphrase(1) } as const;
  const { operation } = await voter.vote(answer.approval ?? '', vote);
  if (!operation) throw new Error(`nothing was started: ${JSON.stringify(answer).slice(0, 500)}`);
  return { plan, operation, planMs };
}

/** Tells now and then how far it is. Answers how it ended. */
async function toTheEnd(scene: RolloutScene, operation: string): Promise<{ state: string; reason: string }> {
  const began = performance.now();
  const kills = [...killAt];
  for (;;) {
    await delay(progressMs);
    const counted = await scene.query<{ wave: number; state: string; count: number }>(
      'select max(wave) as wave, state, count(*)::int as count from operation_node where operation = $1 group by state',
      [operation],
    );
    const [head] = await scene.query<{ state: string; reason: string }>(
      'select state, reason from operation where id = $1',
      [operation],
    );
    const { cpu, peakRssBytes } = await scene.use();
    const told = counted.map(({ state, count }) => `${count} ${state}`).join(', ');
    const cores = Object.entries(cpu).map(([who, ms]) => `${who} ${seconds(ms)}`);
    console.error(
      `  ${seconds(performance.now() - began)}: ${told}; CPU so far: ${cores.join(', ')}; ${megabytes(peakRssBytes)} at most`,
    );
    if (kills[0] !== undefined && performance.now() - began > kills[0] * 1_000) {
      kills.shift();
      console.log(`  killed, with ${told}; it answers again after ${seconds(await scene.killService())}`);
    }
    if (head && head.state !== 'running' && head.state !== 'queued') return head;
    if (performance.now() - began > minutes * 60_000)
      return { state: 'cut off', reason: `after ${minutes} minutes; what follows is of the waves that had ended` };
  }
}

type Row = { node: string; wave: number; site: string; cluster: string; state: string; from: Date; to: Date };

/** Of each node from the end of its first step to its end; what it waited in the queue for is not its own work. */
async function workedOf(scene: RolloutScene, { plan, operation }: Started): Promise<Worked[]> {
  const rows = await scene.query<Row>(
    `select part.node, part.wave, part.site, part.cluster, part.state, min(event.time) as from, max(event.time) as to
     from operation_node part join operation_event event on event.operation = part.operation and event.node = part.node
     where part.operation = $1 and part.state = 'done' group by 1, 2, 3, 4, 5`,
    [operation],
  );
  const targets = new Map(plan.targets.map(target => [target.node, target]));
  return rows.map(({ node, wave, site, cluster, from, to }) => {
    const { zone, rack, drain } = targets.get(node) ?? {};
    const exclusive = [`zone ${zone} of ${cluster}`, `rack ${rack} of ${site}`];
    exclusive.push(...(drain?.pdbs ?? []).map(pdb => `PodDisruptionBudget ${pdb} of ${cluster}`));
    return { wave, site, cluster, exclusive, from: from.getTime(), to: to.getTime() };
  });
}

type WaveRow = { wave: number; nodes: number; tookMs: number; least: Bound };

/** A wave lasts until the next one begins: what is between them is counted too. */
function waveRows(worked: Worked[], endedAt: number): WaveRow[] {
  const waves = [...Map.groupBy(worked, ({ wave }) => wave)].sort(([a], [b]) => a - b);
  const begins = waves.map(([, nodes]) => Math.min(...nodes.map(({ from }) => from)));
  return waves.map(([wave, nodes], index) => ({
    wave,
    nodes: nodes.length,
    tookMs: (begins[index + 1] ?? endedAt) - (begins[index] ?? 0),
    least: leastOfWave(nodes, limits),
  }));
}

async function report(scene: RolloutScene, started: Started): Promise<number> {
  const { operation, planMs } = started;
  const [times] = await scene.query<{ created_at: Date; ended_at: Date | null }>(
    'select created_at, ended_at from operation where id = $1',
    [operation],
  );
  if (!times) throw new Error(`there is no operation ${operation}`);
  const worked = await workedOf(scene, started);
  const all = waveRows(worked, times.ended_at?.getTime() ?? Date.now());
  const rows = times.ended_at ? all : all.slice(0, -1);
  for (const { wave, nodes, tookMs, least } of rows)
    console.log(
      `wave ${wave}: ${nodes} nodes in ${seconds(tookMs)}, at least ${seconds(least.ms)} (${least.by}), ratio ${(tookMs / least.ms).toFixed(3)}`,
    );
  const begun = Math.min(...worked.map(({ from }) => from));
  const makespan = rows.reduce((sum, { tookMs }) => sum + tookMs, begun - times.created_at.getTime());
  const least = rows.reduce((sum, row) => sum + row.least.ms, 0);
  const lengths = worked.map(({ from, to }) => to - from).sort((a, b) => a - b);
  const at = (part: number) => seconds(lengths[Math.min(lengths.length - 1, Math.floor(lengths.length * part))] ?? 0);
  console.log(
    `${worked.length} nodes: shortest ${at(0)}, median ${at(0.5)}, 95 % ${at(0.95)}, longest ${at(1)}; planned in ${seconds(planMs)}`,
  );
  await tellSteps(scene, operation);
  console.log(
    `makespan ${seconds(makespan)}, least that the constraints allow ${seconds(least)}: ratio ${(makespan / least).toFixed(3)}`,
  );
  const [shortest = 0] = lengths;
  const whole = worked.filter(({ wave }) => rows.some(row => row.wave === wave));
  const quick = whole.map(each => ({ ...each, to: each.from + shortest }));
  const leastQuick = waveRows(quick, 0).reduce((sum, row) => sum + row.least.ms, 0);
  console.log(
    `if each node took no longer than the shortest did, which the load of all together prevents: least ${seconds(leastQuick)}, ratio ${(makespan / leastQuick).toFixed(3)}`,
  );
  const { cpu, peakRssBytes } = await scene.use();
  const requests = await scene.lab.ask('requests', undefined);
  const used = Object.entries(cpu).map(([who, ms]) => `${who} ${seconds(ms)}`);
  console.log(`service: ${megabytes(peakRssBytes)} resident at most; CPU of ${used.join(', ')}; ${requests} requests`);
  return makespan / least;
}

/** Where the time of a node goes: from the end of the step before to the end of this one, the median over all nodes. */
async function tellSteps(scene: RolloutScene, operation: string): Promise<void> {
  const rows = await scene.query<{ step: string; ms: number; most: number }>(
    `select step, percentile_cont(0.5) within group (order by ms) as ms, max(ms) as most from (
       select step, extract(epoch from time - lag(time) over (partition by node order by seq))::float8 * 1000 as ms, seq
       from operation_event where operation = $1 and node is not null and status = 'ok') as gap
     where ms is not null group by step order by min(seq)`,
    [operation],
  );
  console.log(
    `steps, median and most: ${rows.map(({ step, ms, most }) => `${step} ${seconds(ms)}/${seconds(most)}`).join(', ')}`,
  );
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}

const dir = await mkdtemp(join(tmpdir(), 'gk-rollout-'));
try {
  const scene = await openRolloutScene({
    dir,
    lab: {
      sites,
      controlPlanes: 0,
      workers: numberFlag(values, 'workers'),
      zones: numberFlag(values, 'zones'),
      machines: ['dell'],
      speed: numberFlag(values, 'speed'),
      heartbeatMs: numberFlag(values, 'heartbeat'),
      pdbs: values.pdbs,
    },
    rollout: { waves: numbersFlag(values, 'waves'), maxSites: limits.maxSites, pollInterval: values.poll },
    budget: limits.budget,
    heap: numberFlag(values, 'heap'),
    ...(values.profile === undefined ? {} : { profile: values.profile }),
  });
  try {
    const started = await begin(scene);
    const { plan } = started;
    console.error(
      `${plan.targets.length} nodes of ${plan.scopes.length} clusters in ${plan.waves.length} waves, planned in ${seconds(started.planMs)}; ${plan.excluded.length} left out${plan.excluded[0] ? `, such as ${plan.excluded[0].node}: ${plan.excluded[0].reason}` : ''}`,
    );
    const { state, reason } = await toTheEnd(scene, started.operation);
    console.log(`${state}: ${reason}`);
    const ratio = await report(scene, started);
    if (state !== 'done' || ratio > 1.1) process.exitCode = 1;
  } finally {
    await scene.close();
  }
} finally {
  await rm(dir, { recursive: true, force: true });
}
