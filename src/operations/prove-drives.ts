/** The drives of a change as they were planned, and nothing of the server's storage failing: read before the drain, and right before the image. */
import { FleetError } from '../core/errors.ts';
import { placesOf, whyNotWritten } from '../planning/drives-now.ts';
import { changeOf } from './firmware-change.ts';
import type { NodeJob } from './job.ts';

/** Answers where they are, for the request; undefined for what is no change of drives. Throws `precondition_failed`. */
export async function proveDrives(job: NodeJob): Promise<string[] | undefined> {
  const { bmc, target } = job;
  const change = changeOf(job);
  if (!change.drives) return undefined;
  const storage = await bmc.storage();
  const why = whyNotWritten(change, storage);
  if (why === undefined) return placesOf(change, storage);
  throw new FleetError({
    code: 'precondition_failed',
    message: `${target.node}: no drive is written to: ${why}`,
    hint: 'see to its storage first, then plan again',
  });
}
