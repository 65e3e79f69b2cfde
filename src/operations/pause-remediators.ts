/**
 * Others that repair nodes, kept away from the one that is worked on: those that the plan names are paused before it is
 * touched and given back at its end, whatever that end is. For whom they are paused stands on their own objects, so nobody
 * else's pause is taken back, and ours is found again after a crash.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { digestOf } from '../core/canonical.ts';
import type { RemediatorFacts } from '../core/cluster-facts.ts';
import { FleetError } from '../core/errors.ts';
import { hasNodeEnded, type NodeOutcome } from '../core/operation.ts';
import { isToPause, nameOf } from '../planning/remediators.ts';
import type { NodeJob } from './job.ts';
import { proveNoTask } from './prove-no-task.ts';
import { proveNoRemediator } from './refuse-remediators.ts';
import { waitFor } from './wait.ts';

/**
 * Pauses those that the plan names for this node, then proves that none is left that may act on it. Throws `precondition_failed`
 * where the configuration has come to refuse that since the plan was made.
 */
export async function clearRemediators(job: NodeJob): Promise<string> {
  const { pauses = [] } = job.target;
  const all = pauses.length === 0 ? [] : await job.cluster.remediators();
  for (const one of all)
    if (pauses.includes(nameOf(one)) && isToPause(job.target, one)) {
      if (!job.mayPause(job.target.cluster)) throw notAnyMore(job, one);
      await turn(job, one, { to: 'pause', holder: holderOf(job) });
    }
  return proveNoRemediator(job);
}

/**
 * Gives back what is paused for this node, and tells what is not. While the machine may still be written to, they stay
 * paused: the first thing that they would do to a node that does not answer is to cut its power. Throws where the database is away.
 */
export async function giveRemediatorsBack(job: NodeJob, outcome: NodeOutcome): Promise<string | undefined> {
  const { pauses = [] } = job.target;
  if (pauses.length === 0) return undefined;
  try {
    if (outcome.state === 'ambiguous')
      throw new FleetError({ code: 'ambiguous', message: 'what happened is not known' });
    if (outcome.state === 'failed') await proveNoTask(job);
    await release(job, async holder => holder === holderOf(job));
    return undefined;
  } catch (thrown) {
    const { code, message: why } = FleetError.from(thrown);
    if (code === 'database') throw thrown;
    return `what is paused for it may stay so (groundskeeper.io/paused-by says ${holderOf(job)}) until it is uncordoned by a plan: ${why}`;
  }
}

/** Gives back what earlier operations left paused for this node, whichever of them cordoned it. */
export async function giveBackLeft(job: NodeJob): Promise<void> {
  await release(job, async holder => {
    const [operation = '', node] = holder.split('/');
    const part = node === job.target.node ? await job.records.operations.part(operation, node) : undefined;
    return part !== undefined && hasNodeEnded(part.state);
  });
}

function notAnyMore({ target }: NodeJob, one: RemediatorFacts): FleetError {
  return new FleetError({
    code: 'precondition_failed',
    message: `${nameOf(one)} is not paused for ${target.node}: since the plan was made, the configuration has come to refuse that`,
    hint: `pause it by hand, or set remediators: pause for ${target.cluster}, and plan again`,
  });
}

function holderOf({ operation, target }: NodeJob): string {
  return `${operation}/${target.node}`;
}

async function release(job: NodeJob, isTo: (holder: string) => Promise<boolean>): Promise<void> {
  await waitFor({
    what: `what is paused for ${job.target.node} to be given back`,
    everyMs: job.timings.pollMs,
    by: Date.now() + job.timings.rejoinMs,
    async look() {
      for (const one of await job.cluster.remediators())
        for (const holder of one.holders ?? []) if (await isTo(holder)) await turn(job, one, { to: 'resume', holder });
      return { value: undefined };
    },
  });
}

type Turn = { to: 'pause' | 'resume'; holder: string };

/** Our own part in the pause of one of them, as one effect. */
async function turn(job: NodeJob, one: RemediatorFacts, { to, holder }: Turn): Promise<void> {
  const { cluster, target, timings } = job;
  const name = nameOf(one);
  const hold = { remediator: one, holder };
  await job.effect({
    step: `${to} ${name}${holder === holderOf(job) ? '' : ` for ${holder}`}`,
    action: to,
    settling: to === 'resume',
    prepare: async () => ({
      request: {
        target: `cluster:${target.cluster}`,
        method: 'PATCH',
        path: one.object ?? '',
        bodyDigest: digestOf({ [to]: holder }),
      },
    }),
    async send(grant, stillAllowed) {
      const write = () =>
        to === 'pause' ? cluster.holdRemediator(grant, hold) : cluster.releaseRemediator(grant, hold);
      const by = Date.now() + timings.rejoinMs;
      // Its own controller writes to it too.
      while ((await write().then(() => 'written', ifConflict)) !== 'written') {
        if (Date.now() >= by)
          throw new FleetError({ code: 'conflict', retry: 'later', message: `${name} changes all the time` });
        await delay(timings.pollMs);
        await stillAllowed();
      }
    },
    async observe() {
      const now = (await cluster.remediators()).find(each => nameOf(each) === name);
      const holds = now?.holders?.includes(holder) ?? false;
      const evidence = `${name} is ${holds ? '' : 'not '}paused for ${holder}`;
      return holds === (to === 'pause')
        ? { finding: 'happened', result: undefined, evidence }
        : { finding: 'not-happened', evidence };
    },
  });
}

function ifConflict(thrown: unknown): 'conflict' {
  const error = FleetError.from(thrown);
  if (error.code === 'conflict') return 'conflict';
  throw error;
}
