/** The only proof of a BIOS change: the host has started again, and the settings that are in force are the wanted ones. */
import { showBios } from '../core/bios.ts';
import { FleetError } from '../core/errors.ts';
import type { NodeJob } from './job.ts';
import type { BeforeReset } from './reset-host.ts';
import { type BiosTask, biosOf, missingBios } from './set-bios.ts';
import { enough, waitFor, whileStarting } from './wait.ts';

const goodReads = 3;

/**
 * Throws `precondition_failed` when the host has started again and steadily shows other settings, `bmc_refused` when the
 * job failed, `timeout` when the BMC does not become readable or the host does not start.
 */
export async function proveBios(
  job: NodeJob,
  { before, task }: BiosTask & { before: BeforeReset },
  by: number,
): Promise<string> {
  const { bmc, cluster, target, timings } = job;
  let restartedAt: number | undefined;
  let good = 0;
  let wrong = 0;
  return waitFor<string>({
    what: `the BIOS settings of ${target.node}`,
    everyMs: timings.pollMs,
    by: enough(by, timings.pollMs),
    async look() {
      if ((await cluster.node(target.node)).bootId === before.bootId)
        return { missing: 'the host has not started again' };
      restartedAt ??= Date.now();
      const carried = task === undefined ? undefined : await whileStarting(() => bmc.task(task));
      if (carried?.state === 'failed')
        throw new FleetError({
          code: 'bmc_refused',
          message: `the job for the BIOS settings of ${target.node} failed`,
          untrusted: carried.message,
        });
      const bios = await whileStarting(() => bmc.bios());
      const missing = missingBios(job, bios);
      good = missing.length === 0 ? good + 1 : 0;
      // BMCs gather the settings during POST, and may show them late.
      const early = carried?.state === 'running' || Date.now() < restartedAt + timings.resetSettleMs;
      wrong = missing.length === 0 || early ? 0 : wrong + 1;
      if (good >= goodReads) {
        await job.keep('after', 'verify', { bios: bios.active });
        return {
          value: `in force: ${biosOf(job)
            .map(({ attribute, to }) => `${attribute} = ${showBios(to)}`)
            .join(', ')}`,
        };
      }
      const shown = missing.map(({ attribute, to }) => {
        const now = bios.active[attribute];
        return `${attribute} is ${now === undefined ? 'not shown' : showBios(now)}, wanted ${showBios(to)}`;
      });
      if (wrong < goodReads) return { missing: shown.join('; ') || `good reads ${good} of ${goodReads}` };
      await job.keep('after', 'verify', { bios: bios.active });
      throw new FleetError({
        code: 'precondition_failed',
        message: `${target.node} started again, and its BIOS did not take what its BMC had accepted: ${shown.join('; ')}`,
        hint: 'the node stays cordoned; look at the BMC and its log, then plan again',
      });
    },
  });
}
