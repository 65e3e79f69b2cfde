/**
 * The only proof of a BMC's own update: after it restarted (nobody listens, connections are cut, 503, a tree with
 * parts missing) it reads well several times in a row, and its active member shows the wanted version. Before it restarts it
 * shows the old one as steadily, so that alone proves nothing.
 */
import type { FirmwareMember } from '../core/bmc.ts';
import { FleetError } from '../core/errors.ts';
import type { BeforeChange } from './change-bmc.ts';
import { changeOf, isWanted, runningVersion } from './firmware-change.ts';
import type { NodeJob } from './job.ts';
import { watchRestart } from './prove-bmc-restart.ts';
import { enough, waitFor, whileStarting } from './wait.ts';

const goodReads = 3;

/** Throws `precondition_failed` when it restarted and steadily shows another version, `timeout` when it shows nothing new. */
export async function proveBmcVersion(job: NodeJob, { lastReset }: BeforeChange, by: number): Promise<string> {
  const { bmc, target, timings } = job;
  const { to } = changeOf(job);
  const watch = watchRestart(bmc, lastReset);
  let last: string | undefined;
  let reads = 0;
  return waitFor<string>({
    what: `the BMC of ${target.node} to run ${to}`,
    everyMs: timings.pollMs,
    by: enough(by, timings.pollMs),
    async look() {
      const [restart, firmware] = await readBoth(job, watch).catch(thrown => {
        reads = 0;
        throw thrown;
      });
      if (typeof restart === 'object') {
        reads = 0;
        return restart;
      }
      const version = runningVersion(job, { members: firmware });
      reads = version !== undefined && version === last ? reads + 1 : 1;
      last = version;
      if (version === undefined || reads < goodReads)
        return { missing: `active bmc is ${version ?? 'unknown'}, read ${reads} of ${goodReads}` };
      const proved = isWanted(job, version);
      if (!proved && restart === undefined)
        return { missing: `active bmc is ${version}, and it was not seen to restart` };
      await job.keep('after', 'verify', { firmware });
      if (proved) return { value: `active bmc is ${version}${restart ? `, ${restart}` : ''}` };
      throw new FleetError({
        code: 'precondition_failed',
        message: `the BMC of ${target.node} restarted and still runs ${version}; wanted ${to}, although it reported the update as done`,
        hint: 'the node stays cordoned; look at the BMC and its log, then plan again',
      });
    },
  });
}

/** Evidence of a restart, if any, or why it cannot be read now; and the firmware. */
async function readBoth(
  job: NodeJob,
  watch: ReturnType<typeof watchRestart>,
): Promise<[string | undefined | { missing: string }, FirmwareMember[]]> {
  const seen = await watch.look();
  if (typeof seen === 'object') return [seen, []];
  return [seen, await whileStarting(() => job.bmc.firmware())];
}
