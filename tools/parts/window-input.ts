/** What a caller says of a change that is asked for while no maintenance window is open. */
import { z } from 'zod';
import type { PlanDraft } from '../../src/core/plan.ts';

export const windowInput = {
  waitForWindow: z
    .boolean()
    .default(false)
    .describe('Wait for the next maintenance window of the site, instead of being denied outside of one'),
};

export function mayWait(draft: PlanDraft, waitForWindow: unknown): PlanDraft {
  return waitForWindow === true ? { ...draft, waitForWindow } : draft;
}
