/** The only proof of an update: the active inventory member shows the wanted version, in several good reads, after the host came back. */
import { FleetError } from '../core/errors.ts';
import { changeOf, isWanted, readShown, runningVersion, showRunning } from './firmware-change.ts';
import type { NodeJob } from './job.ts';
import type { BeforeReset } from './reset-host.ts';
import { enough, waitFor, whileStarting } from './wait.ts';

const goodReads = 3;

/**
 * Throws `precondition_failed` when the host has started again and steadily
 * shows another version, `timeout` when the BMC does not become readable or
 * the host does not start.
 */
export async function proveVersion(job: NodeJob, before: BeforeReset, by: number): Promise<string> {
  const { cluster, target, timings } = job;
  const change = changeOf(job);
  let last: string | undefined;
  let reads = 0;
  return waitFor<string>({
    what: `version ${change.to} on ${target.node}`,
    everyMs: timings.pollMs,
    by: enough(by, timings.pollMs),
    async look() {
      const restarted = (await cluster.node(target.node)).bootId !== before.bootId;
      const seen = await whileStarting(() => readShown(job));
      const version = runningVersion(job, seen);
      reads = version !== undefined && version === last ? reads + 1 : 1;
      last = version;
      const ofDrives = 'storage' in seen;
      const told = ofDrives ? showRunning(job, seen) : `active ${change.component} is ${version ?? 'unknown'}`;
      const shown = `${told}, read ${reads} of ${goodReads}`;
      if (!restarted || reads < goodReads) return { missing: restarted ? shown : `${shown}, host not started again` };
      await job.keep('after', 'verify', ofDrives ? seen : { firmware: seen.members });
      if (isWanted(job, version)) return { value: told };
      throw new FleetError({
        code: 'precondition_failed',
        message: `${target.node} started again and ${ofDrives ? told : `still ${showRunning(job, seen)}`}; wanted ${change.to}, although the BMC reported the update as done`,
        hint: 'the node stays cordoned; look at the BMC and its log, then plan again',
      });
    },
  });
}
