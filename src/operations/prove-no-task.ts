/** While a firmware task transfers or applies, its BMC and its host are left alone; unless it is proved to be stuck. */
import type { UpdateTask } from '../core/bmc.ts';
import { FleetError } from '../core/errors.ts';
import type { NodeJob } from './job.ts';
import { waitFor } from './wait.ts';

/** Throws `precondition_failed` while the BMC runs a task, or holds one that waits for its turn. */
export async function proveNoTask({ bmc, target }: NodeJob): Promise<void> {
  if (!(await bmc.tasks()).some(works)) return;
  throw new FleetError({
    code: 'precondition_failed',
    message: `the BMC of ${target.node} is applying an update: nothing is reset or switched now`,
  });
}

/** Throws `precondition_failed` when an update waits for the next start: it would be applied by a start that means something else. */
export async function proveNothingStaged({ bmc, target }: NodeJob): Promise<void> {
  if (!(await bmc.tasks()).some(task => task.state === 'awaiting-reset')) return;
  throw new FleetError({
    code: 'precondition_failed',
    message: `an update is staged on the BMC of ${target.node}, and the next start would apply it`,
    hint: 'roll that update out, or delete its job on the BMC first',
  });
}

/** A task that works, and what it showed of its progress. */
export type StuckTask = Pick<UpdateTask, 'uri' | 'state' | 'percent' | 'message'>;

/**
 * Watches the tasks that work for the whole stall limit. Answers with those that stood still all the while; none where
 * nothing works. Throws `precondition_failed` as soon as one moves, `timeout` when the BMC does not let itself be watched.
 */
export async function proveStuck(job: NodeJob): Promise<StuckTask[]> {
  const { timings, target } = job;
  const first = await working(job);
  if (first.length === 0) return [];
  const stuckAt = Date.now() + timings.stallMs;
  return waitFor<StuckTask[]>({
    what: `the tasks of ${target.node}'s BMC to be stuck`,
    everyMs: timings.pollMs,
    by: stuckAt + timings.rebootMs,
    async look() {
      await proveStillStuck(job, first);
      return Date.now() >= stuckAt ? { value: first } : { missing: 'the stall limit is not over' };
    },
  });
}

/** Throws `precondition_failed` when the tasks that work are others, or further, than these. */
export async function proveStillStuck(job: NodeJob, stuck: StuckTask[]): Promise<void> {
  const now = await working(job);
  if (JSON.stringify(now) === JSON.stringify(stuck)) return;
  throw new FleetError({
    code: 'precondition_failed',
    message: `the BMC of ${job.target.node} makes progress: it is not restarted while it applies an update`,
    hint: 'wait until the task ends; only one that stands still for the stall limit is stuck',
  });
}

async function working({ bmc }: NodeJob): Promise<StuckTask[]> {
  const tasks = (await bmc.tasks()).filter(works);
  return tasks
    .map(({ uri, state, percent, message }) => ({ uri, state, percent, message }))
    .toSorted((a, b) => a.uri.localeCompare(b.uri));
}

function works({ state }: UpdateTask): boolean {
  return state === 'running' || state === 'pending';
}
