/**
 * What holds the starts of an operation back for a while: a person paused it, or has to let the wave begin. Nothing of it
 * survives in memory, and it lasts no longer than anything of the operation may begin.
 */
import { holdReason, type Operation } from '../core/operation.ts';
import type { Plan } from '../core/plan.ts';
import type { Parts } from '../operations/job.ts';

type Held = { operation: Operation; plan: Pick<Plan, 'advance'>; wave: number };

/** Why no node of the wave starts now, and whether none ever will; undefined where nothing holds it. Told once. */
export async function holdOf(
  { records }: Parts,
  { operation, plan, wave }: Held,
): Promise<{ why: string; forGood: boolean } | undefined> {
  const held = holdReason(operation, plan, wave);
  if (held === undefined) return undefined;
  const step = `wave ${wave}`;
  const { executeUntil } = operation;
  if (new Date(executeUntil) <= new Date())
    return { why: `nothing may begin since ${executeUntil}, and before ${step} ${held}`, forGood: true };
  await records.operations.addEvent(operation.id, `${step}/held/${held}`, { step, status: 'progress', message: held });
  return { why: held, forGood: false };
}
