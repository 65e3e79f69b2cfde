/**
 * What holds the starts of an operation back for a while: a person paused it, or has to let the wave begin. Nothing of it
 * survives in memory, and it lasts no longer than anything of the operation may begin.
 */
import { holdReason, type Operation } from '../core/operation.ts';
import type { Plan } from '../core/plan.ts';
import type { Parts } from '../operations/job.ts';

type Held = { operation: Operation; plan: Pick<Plan, 'advance'>; wave: number };

/** Why no node of the wave starts now, told once; undefined where nothing holds it. */
export async function holdOf({ records }: Parts, { operation, plan, wave }: Held): Promise<string | undefined> {
  const held = holdReason(operation, plan, wave);
  if (held === undefined) return undefined;
  const step = `wave ${wave}`;
  await records.operations.addEvent(operation.id, `${step}/held/${held}`, { step, status: 'progress', message: held });
  return held;
}
