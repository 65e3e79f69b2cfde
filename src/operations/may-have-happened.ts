/** What an operation has asked for, by its own records. */
import type { NodeJob } from './job.ts';

/** Whether this effect on the node was asked for, or may have been: only a clear refusal says that it was not. */
export async function mayHaveHappened(job: NodeJob, step: string): Promise<boolean> {
  const request = await job.records.effects.latest(job.operation, job.stepName(step));
  return request !== undefined && request.state !== 'failed' && request.state !== 'not-happened';
}
