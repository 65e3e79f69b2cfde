/** The drives of a change as they were planned, and nothing of the server's storage failing: read before the drain, and right before the image. */
import { FleetError } from '../core/errors.ts';
import type { Storage } from '../core/hardware.ts';
import { placesOf, whyNotWritten } from '../planning/drives-now.ts';
import { changeOf } from './firmware-change.ts';
import type { NodeJob } from './job.ts';

/** Answers where they are, for the request; undefined for what is no change of drives. Throws `precondition_failed`. */
export async function proveDrives(job: NodeJob): Promise<string[] | undefined> {
  const change = changeOf(job);
  if (!change.drives) return undefined;
  const storage = await job.bmc.storage();
  refuseDrives(job, storage);
  return placesOf(change, storage);
}

/** Throws `precondition_failed` where no drive is to be written to now. */
export function refuseDrives(job: NodeJob, storage: Storage): void {
  const why = whyNotWritten(changeOf(job), storage);
  if (why === undefined) return;
  throw new FleetError({
    code: 'precondition_failed',
    message: `${job.target.node}: no drive is written to: ${why}`,
    hint: 'see to its storage first, then plan again',
  });
}
