/**
 * Folds the task and job states of all vendors into six. What nobody knows
 * counts as running: a reset during an unknown state is the one mistake that
 * cannot be taken back.
 */
import type { TaskState } from '../../core/bmc.ts';
import type { DellJob, Task } from './schema.ts';

const finished: Record<string, TaskState> = {
  exception: 'failed',
  killed: 'failed',
  cancelled: 'failed',
  failed: 'failed',
  completedwitherrors: 'failed',
};

/** Message ids that say: done preparing, send the reset. */
const waitsForReset = /JCP001\b|SUP0?19\b|PendingReboot|AwaitToActivate/i;
/** "made no progress for the allocated time" (Dell), in whatever registry. */
const stoodStill = /(^|\.)JCP052$/i;
const waitsForResetText = /\bschedul|\breboot|\breset|\brestart/i;

export function taskState(task: Task): TaskState {
  const state = (task.TaskState ?? '').toLowerCase();
  const ended = finished[state];
  if (ended !== undefined) return ended;
  switch (state) {
    case 'completed':
      // Completed with a bad status is an end without success.
      return task.TaskStatus == null || /^ok$/i.test(task.TaskStatus) ? 'completed' : 'failed';
    case 'scheduled':
      return 'awaiting-reset';
    case 'new':
    case 'pending':
    case 'starting':
      return isScheduled(task) ? 'awaiting-reset' : 'pending';
    default:
      return 'running';
  }
}

export function jobState(job: DellJob): TaskState {
  const state = (job.JobState ?? '').toLowerCase();
  const ended = finished[state];
  if (ended !== undefined) return ended;
  switch (state) {
    case 'completed':
      return 'completed';
    case 'rebootfailed':
      return 'failed';
    case 'scheduled':
    case 'pendingactivation':
      return 'awaiting-reset';
    case 'new':
    case 'readyforexecution':
    case 'waiting':
      return 'pending';
    default:
      return 'running';
  }
}

/** Whether a task failed, says the BMC, because it stood still. */
export function isStalled(state: TaskState, messageIds: (string | null | undefined)[]): boolean {
  return state === 'failed' && messageIds.some(id => id != null && stoodStill.test(id));
}

function isScheduled(task: Task): boolean {
  return task.Messages.some(
    each => waitsForReset.test(each.MessageId ?? '') || waitsForResetText.test(each.Message ?? ''),
  );
}
