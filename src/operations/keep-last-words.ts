/** What can be read of a server when its part failed: its event log forgets, and a BMC that is replaced takes it along. */
import { FleetError } from '../core/errors.ts';
import type { NodeOutcome } from '../core/operation.ts';
import type { NodeJob } from './job.ts';

/** The rest of the node's end waits no longer for a BMC that answers nothing. */
const withinMs = 5_000;

/** Keeps the failure as it was told, with the newest entries of the event log, or why there are none. */
export async function keepLastWords(job: NodeJob, outcome: NodeOutcome): Promise<void> {
  const log = await job.bmc.sample({ withinMs }).then(
    sample => sample.log,
    thrown => ({ unknown: FleetError.from(thrown).message }),
  );
  await job.keep('failure', 'explain', { outcome, log });
}
