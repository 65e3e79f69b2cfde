/** While a firmware task transfers or applies, its BMC and its host are left alone. */
import { FleetError } from '../core/errors.ts';
import type { NodeJob } from './job.ts';

/** Throws `precondition_failed` while the BMC runs a task, or holds one that waits for a reset. */
export async function proveNoTask({ bmc, target }: NodeJob): Promise<void> {
  if (!(await bmc.tasks()).some(task => task.state === 'running' || task.state === 'pending')) return;
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
