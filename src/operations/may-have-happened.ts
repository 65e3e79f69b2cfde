/** What an operation has asked for, by its own records. */
import { effectStates } from '../core/records.ts';
import type { NodeJob } from './job.ts';

type Asking = Pick<NodeJob, 'records' | 'operation' | 'stepName'>;

/**
 * Whether this effect on the node was asked for, or may have been: only a clear refusal says that it was not. That one which
 * was sent did nothing is doubted once the next one is not sent because the machine is not as it was.
 */
export async function mayHaveHappened({ records, operation, stepName }: Asking, name: string): Promise<boolean> {
  const step = stepName(name);
  const rows = await records.effects.list(operation, { prefix: step, states: effectStates });
  const attempts = rows.filter(row => row.step === step);
  const last = attempts.at(-1);
  if (last === undefined) return false;
  if (last.state !== 'failed' && last.state !== 'not-happened') return true;
  const refused = last.state === 'failed' && !last.mayBeSent;
  return refused && attempts.some(({ state, mayBeSent }) => state === 'not-happened' && mayBeSent);
}
