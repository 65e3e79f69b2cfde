/**
 * Hands BIOS settings to one BMC, where they wait for the next start. What
 * waits there already would come into force with them, so nothing is sent
 * while anything does.
 */
import { type BiosChange, type BiosReading, showBios } from '../core/bios.ts';
import { factValue, type UpdateTask } from '../core/bmc.ts';
import type { BmcChange } from '../core/bmc-change.ts';
import { digestOf } from '../core/canonical.ts';
import { FleetError } from '../core/errors.ts';
import { isFirmware } from '../core/planned-change.ts';
import type { EffectRow } from '../core/records.ts';
import type { Observation } from '../guard/effects.ts';
import { proveDrained } from './drain.ts';
import type { NodeJob } from './job.ts';
import { proveIdentity } from './prove-identity.ts';
import { proveQuorum } from './prove-quorum.ts';
import { proveNoRemediator } from './refuse-remediators.ts';
import { sendPatiently } from './send-patiently.ts';
import { enough, waitFor } from './wait.ts';

/** The job that carries the settings; undefined where the BMC has none, and only the active settings can tell. */
export type BiosTask = { task: string | undefined };

type Before = { tasks: string[] };

export function biosOf({ plan, target, change }: NodeJob): BiosChange[] {
  if (change && !isFirmware(change.wanted)) return change.wanted.settings;
  throw new FleetError({ code: 'internal', message: `plan ${plan.id} has no BIOS change here for ${target.node}` });
}

/** Those of the plan that are not in force. */
export function missingBios(job: NodeJob, { active }: BiosReading): BiosChange[] {
  return biosOf(job).filter(({ attribute, to }) => active[attribute] !== to);
}

/** Reads what must still be as it was planned. Answers `current` when all is in force. Throws `precondition_failed` otherwise. */
export async function precheckBios(job: NodeJob): Promise<'set' | 'current'> {
  const { bmc, cluster, target } = job;
  const [bios, tasks, power, node] = await Promise.all([
    bmc.bios(),
    bmc.tasks(),
    bmc.power(),
    cluster.node(target.node),
  ]);
  const fail = (message: string, hint?: string) =>
    new FleetError({ code: 'precondition_failed', message: `${target.node}: ${message}`, hint });
  const missing = missingBios(job, bios);
  if (missing.length === 0) return 'current';
  const moved = missing.find(({ attribute, from }) => bios.active[attribute] !== from);
  if (moved) {
    const shown = bios.active[moved.attribute];
    const now = shown === undefined ? 'not shown' : showBios(shown);
    throw fail(`the BIOS setting ${moved.attribute} is ${now}, the plan is for ${showBios(moved.from)}`);
  }
  if (tasks.some(isOpen)) throw fail('a job waits or works on its BMC', 'let it end, or delete it on the BMC first');
  if ('unknown' in bios.waiting) throw fail(`what waits for its next start is not known: ${bios.waiting.unknown}`);
  const waiting = Object.keys(bios.waiting.value);
  if (waiting.length > 0)
    throw fail(
      `BIOS settings wait for its next start that this plan does not name: ${waiting.slice(0, 5).join(', ')}`,
      'restart the server, or take them back on the BMC first',
    );
  if (factValue(power) !== 'on') throw fail('is not powered on');
  if (!node.ready) throw fail('is not Ready before the change, so its return could not be proved');
  return 'set';
}

function isOpen({ state }: UpdateTask): boolean {
  return state === 'pending' || state === 'running' || state === 'awaiting-reset';
}

/** Sends the settings once, or finds what an interrupted attempt sent. */
export async function setBios(job: NodeJob): Promise<BiosTask> {
  const { bmc, target } = job;
  const attributes = Object.fromEntries(biosOf(job).map(({ attribute, to }) => [attribute, to]));
  const change: BmcChange = { act: 'set-bios', attributes };
  return job.effect<BiosTask>({
    step: 'set',
    action: 'setBios',
    settling: false,
    async prepare() {
      const [{ body, ...where }, tasks] = await Promise.all([bmc.changeTarget(change), bmc.tasks()]);
      const before: Before = { tasks: tasks.map(task => task.uri) };
      return { before, request: { target: target.bmcUrl, ...where, bodyDigest: digestOf(body) } };
    },
    async prove() {
      await proveIdentity(job);
      await proveDrained(job);
      await proveNoRemediator(job);
      await proveQuorum(job);
      if ((await precheckBios(job)) === 'current')
        throw new FleetError({
          code: 'precondition_failed',
          message: `${target.node} got the BIOS settings from someone else meanwhile`,
        });
    },
    async send(grant, stillAllowed) {
      const { task } = await sendPatiently(job, change, { grant, stillAllowed });
      return { task };
    },
    observe: open => observeBios(job, open),
    describe: ({ task }) => (task ? `accepted, task ${task}` : 'accepted, the BMC named no task'),
  });
}

/** Looks until there is evidence either way, at what waits and at the jobs. */
async function observeBios(job: NodeJob, open: EffectRow): Promise<Observation<BiosTask>> {
  const { bmc, timings } = job;
  const known = new Set((open.before as Before).tasks);
  const settledAt = Date.now() + timings.resetSettleMs;
  const look = async (): Promise<{ value: Observation<BiosTask> } | { missing: string }> => {
    const [bios, tasks] = await Promise.all([bmc.bios(), bmc.tasks()]);
    const task = tasks.find(candidate => !known.has(candidate.uri))?.uri;
    const happened = (evidence: string) => ({ value: { finding: 'happened', result: { task }, evidence } as const });
    if (task) return happened(`the BMC has a task that was not there before: ${task}`);
    if ('unknown' in bios.waiting) return { missing: `what waits on the BMC: ${bios.waiting.unknown}` };
    const waiting = bios.waiting.value;
    if (missingBios(job, bios).every(({ attribute, to }) => waiting[attribute] === to))
      return happened('the settings wait on the BMC');
    if (Date.now() < settledAt) return { missing: 'evidence either way' };
    const evidence = `no new task, and nothing waits, within ${Math.round(timings.resetSettleMs / 1000)} s`;
    return { value: { finding: 'not-happened', evidence } };
  };
  const by = enough(settledAt + timings.rebootMs, timings.pollMs);
  return waitFor({ what: 'evidence of the BIOS settings', everyMs: timings.pollMs, by, look }).catch(
    thrown => ({ finding: 'ambiguous', evidence: FleetError.from(thrown).message }) as const,
  );
}

/**
 * Asked right before the reset: throws `precondition_failed` when more waits for it than the plan names, or another value, and
 * `bmc_unreachable` where what waits cannot be read.
 */
export async function proveOnlyOurs(job: NodeJob): Promise<void> {
  await proveDrained(job);
  const { waiting } = await job.bmc.bios();
  if ('unknown' in waiting)
    throw new FleetError({
      code: 'bmc_unreachable',
      retry: 'later',
      message: `${job.target.node} is not reset: what waits for its next start is not known: ${waiting.unknown}`,
    });
  const ours = new Map(biosOf(job).map(({ attribute, to }) => [attribute, to]));
  const others = Object.entries(waiting.value).flatMap(([name, value]) => (ours.get(name) === value ? [] : [name]));
  if (others.length === 0) return;
  throw new FleetError({
    code: 'precondition_failed',
    message: `${job.target.node} is not reset: somebody else's BIOS settings wait beside the plan's: ${others.slice(0, 5).join(', ')}`,
  });
}
