/**
 * Follows a task to its end, and tells one that works from one that is stuck: it stands still for the stall limit, or its BMC
 * itself gave it up as standing still. Then nothing comes of waiting, and nothing but a restart of the BMC helps.
 */
import type { UpdateTask } from '../core/bmc.ts';
import { FleetError } from '../core/errors.ts';
import type { NodeJob } from './job.ts';
import { waitFor, whileStarting } from './wait.ts';

export type TaskEnd = 'awaiting-reset' | 'completed' | 'gone';

/**
 * Answers once the task of an update, or of settings, waits for a reset, completes, or is gone (404 says nothing of success).
 * Throws `bmc_refused` when it failed, `task_stuck` when it stands still, `timeout` when it takes too long.
 */
export async function followTask(job: NodeJob, { task }: { task: string | undefined }, by: number): Promise<TaskEnd> {
  if (!task) return 'gone';
  const what = job.change?.wanted.kind === 'bios-settings' ? 'job for the BIOS settings' : 'update task';
  const watch = stallWatch(job.timings.stallMs);
  return waitFor<TaskEnd>({
    what: `the ${what} of ${job.target.node}`,
    everyMs: job.timings.pollMs,
    by,
    async look() {
      const seen = await whileStarting(() => job.bmc.task(task)).catch(async thrown => {
        watch.lostSight();
        await job.report('transfer', 'progress', `not seen now: ${FleetError.from(thrown).message}`);
        throw thrown;
      });
      switch (seen.state) {
        case 'pending':
        case 'running': {
          const told = seen.percent === undefined ? 'the BMC works on it' : `${seen.percent} %`;
          await job.report('transfer', 'progress', told);
          if (watch.standsStill(seen)) throw stuck(job, `the ${what} of ${job.target.node} stands still at ${told}`);
          return { missing: `the task is ${seen.state}` };
        }
        case 'awaiting-reset':
        case 'completed':
        case 'gone':
          await keepEnd(job, seen);
          return { value: seen.state };
        case 'failed':
          await keepEnd(job, seen);
          if (seen.stalled)
            throw stuck(
              job,
              `the ${what} of ${job.target.node} made no progress, and its BMC gave it up`,
              seen.message,
            );
          throw new FleetError({
            code: 'bmc_refused',
            message: `the ${what} of ${job.target.node} failed`,
            untrusted: seen.message,
          });
      }
    },
  });
}

/** A task may end twice: as one that waits for a reset, and once that came. */
function keepEnd(job: NodeJob, task: UpdateTask): Promise<void> {
  return job.keep('task-end', `task ${task.uri} ${task.state}`, task);
}

/**
 * Where a flash is written while its host runs, a task that is gone says nothing: it may be over, or still write, and a restart
 * during that damages the machine. Throws `ambiguous`, so that a person looks.
 */
export function refuseUnlessEnded({ target }: NodeJob, end: TaskEnd): void {
  if (end !== 'gone') return;
  throw new FleetError({
    code: 'ambiguous',
    retry: 'ask',
    message: `the BMC of ${target.node} shows no end of the update: no task is left to follow, and it may still be writing, so the server is not restarted`,
    hint: 'look at the BMC; once it rests, restart the node and read its version',
  });
}

function stuck({ target }: NodeJob, message: string, untrusted?: string): FleetError {
  return new FleetError({
    code: 'task_stuck',
    message,
    hint: `a restart of the BMC frees it: groundskeeper reset-bmc ${target.node} --recover`,
    ...(untrusted === undefined ? {} : { untrusted }),
  });
}

/** What was not seen does not count as standing still: after a time without answers the limit begins anew. */
function stallWatch(limitMs: number): { standsStill(task: UpdateTask): boolean; lostSight(): void } {
  let shown: string | undefined;
  let since = 0;
  return {
    standsStill({ state, percent, message }) {
      const now = JSON.stringify([state, percent, message]);
      if (now !== shown) {
        shown = now;
        since = Date.now();
      }
      return Date.now() - since >= limitMs;
    },
    lostSight() {
      shown = undefined;
    },
  };
}
