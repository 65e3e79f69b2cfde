/** Sends one change, again and again only while the BMC clearly says that the moment is wrong, as iLO does in POST. */
import { setTimeout as delay } from 'node:timers/promises';
import type { BmcChange, BmcChangeOutcome } from '../core/bmc-change.ts';
import type { EffectGrant } from '../core/effect.ts';
import { FleetError } from '../core/errors.ts';
import type { NodeJob } from './job.ts';

/** Throws as the BMC's own change does; bmc_refused also when the moment stays wrong for as long as a start may take. */
export async function sendPatiently(
  { bmc, timings }: NodeJob,
  change: BmcChange,
  { grant, stillAllowed }: { grant: EffectGrant; stillAllowed: () => Promise<void> },
): Promise<BmcChangeOutcome> {
  const by = Date.now() + timings.rebootMs;
  for (;;) {
    const answer = await bmc.change(grant, change).catch(FleetError.from);
    if (!(answer instanceof FleetError)) return answer;
    if (answer.code !== 'bmc_refused' || answer.retry !== 'later' || Date.now() >= by) throw answer;
    await delay(timings.pollMs);
    await stillAllowed();
  }
}
