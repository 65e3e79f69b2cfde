/** What an operation has asked for, by its own records. */
import type { NodeJob } from './job.ts';

/** Whether this effect on the node was asked for, or may have been: only a clear refusal says that it was not. */
export async function mayHaveHappened({ records, operation, target }: NodeJob, step: string): Promise<boolean> {
  const request = await records.effects.latest(operation, `${target.node}/${step}`);
  return request !== undefined && request.state !== 'failed' && request.state !== 'not-happened';
}
