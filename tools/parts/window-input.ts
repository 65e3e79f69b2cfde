/** What a caller says of a change that is asked for while no maintenance window is open. */
import type { PlanDraft } from '../../src/core/plan.ts';
import { sharpSwitch } from '../../src/core/switches.ts';

export const windowInput = {
  waitForWindow: sharpSwitch(
    'Wait for the next maintenance window of the site, instead of being denied outside of one',
    ['wait', 'window', 'later', 'tonight'],
  ),
};

export function mayWait(draft: PlanDraft, waitForWindow: unknown): PlanDraft {
  return waitForWindow === true ? { ...draft, waitForWindow } : draft;
}
