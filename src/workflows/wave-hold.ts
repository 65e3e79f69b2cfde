/**
 * Before a wave: whether it begins, waits for a person, or never will. A pause
 * and a manual advance hold what has not begun, for as long as
 * anything of it may begin; nothing of it survives in memory.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { holdReason, type OperationState } from '../core/operation.ts';
import type { Plan } from '../core/plan.ts';
import type { Parts } from '../operations/job.ts';

export type End = { state: OperationState; reason: string };

type Held = { operation: string; plan: Pick<Plan, 'advance'>; wave: number };

/** Waits while the wave is held; answers how the operation ends where it is not to begin any more. Re-entrant. */
export async function passHold({ records, timings }: Parts, { operation: id, plan, wave }: Held): Promise<End | null> {
  const step = `wave ${wave}`;
  let told: string | undefined;
  for (;;) {
    const operation = await records.operations.get(id);
    const { cancelRequestedBy: by, revoked, executeUntil } = operation;
    const act = revoked ? 'took the approval back' : 'cancelled it';
    if (by) return { state: 'cancelled', reason: `${by} ${act} before ${step}` };
    const held = holdReason(operation, plan, wave);
    if (new Date(executeUntil) <= new Date()) {
      const so = held === undefined ? '' : `, and before ${step} ${held}`;
      return { state: 'halted', reason: `nothing may begin since ${executeUntil}${so}` };
    }
    if (held === undefined) return null;
    if (held !== told)
      await records.operations.addEvent(id, `${step}/held/${held}`, { step, status: 'progress', message: held });
    told = held;
    await delay(timings.pollMs);
  }
}
