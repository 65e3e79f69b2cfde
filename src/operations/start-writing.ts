/**
 * Lets a BMC write the image that it was sent and has checked. A request of its own, with an intent of its own: between the
 * two nothing is written yet, so whatever stops a start stops this one; after it the machine must not be disturbed.
 */
import { digestOf } from '../core/canonical.ts';
import { FleetError } from '../core/errors.ts';
import type { EffectRow } from '../core/records.ts';
import type { Observation } from '../guard/effects.ts';
import { proveDrained } from './drain.ts';
import { changeOf, isWanted, readShown, runningVersion } from './firmware-change.ts';
import { accepted, type Flash } from './flash.ts';
import type { NodeJob } from './job.ts';
import { mayHaveHappened } from './may-have-happened.ts';
import { proveIdentity } from './prove-identity.ts';
import { proveQuorum } from './prove-quorum.ts';
import { proveNoRemediator } from './refuse-remediators.ts';
import { waitFor } from './wait.ts';

type Before = { tasks: string[]; settleMs: number };

/** Answers the task that writes; not the one that checked the image. */
export async function startWriting(job: NodeJob): Promise<Flash> {
  const { bmc, target } = job;
  return job.effect<Flash>({
    step: 'write',
    action: 'flashFirmware',
    settling: false,
    async prepare() {
      const [where, tasks, { settleMs }] = await Promise.all([
        bmc.writeTarget(),
        bmc.tasks(),
        bmc.updateTraits(changeOf(job).component),
      ]);
      const before: Before = { tasks: tasks.map(task => task.uri), settleMs };
      return { before, request: { target: target.bmcUrl, ...where, bodyDigest: digestOf({}) } };
    },
    async prove() {
      await proveIdentity(job);
      await proveDrained(job);
      await proveNoRemediator(job);
      await proveQuorum(job);
    },
    send: async grant => accepted(job, await bmc.startWriting(grant)),
    observe: open => observeWriting(job, open),
    describe: done => (done.task ? `accepted, task ${done.task}` : 'accepted, the BMC named no task'),
  });
}

/**
 * Whether all that the BMC did is to take and check the image: it keeps that, writes it on no word but ours, and takes no other
 * one before it was restarted.
 */
export async function isUnwritten(job: NodeJob): Promise<boolean> {
  const { waitsForStart } = await job.bmc.updateTraits(changeOf(job).component);
  return waitsForStart && !(await mayHaveHappened(job, 'write'));
}

async function observeWriting(job: NodeJob, open: EffectRow): Promise<Observation<Flash>> {
  const { bmc, timings } = job;
  const { tasks: earlier, settleMs } = open.before as Before;
  const known = new Set(earlier);
  const settledAt = Date.now() + settleMs;
  const look = async (): Promise<{ value: Observation<Flash> } | { missing: string }> => {
    const [tasks, shown] = await Promise.all([bmc.tasks(), readShown(job)]);
    const task = tasks.find(candidate => !known.has(candidate.uri))?.uri;
    const happened = (evidence: string) => ({ value: { finding: 'happened', result: { task }, evidence } as const });
    if (task) return happened(`the BMC has a task that was not there before: ${task}`);
    if (isWanted(job, runningVersion(job, shown))) return happened('the wanted version is active');
    if (Date.now() < settledAt) return { missing: 'evidence either way' };
    const evidence = `no new task and no version change within ${Math.round(settleMs / 1000)} s`;
    return { value: { finding: 'not-happened', evidence } };
  };
  const by = settledAt + 60_000;
  return waitFor({ what: 'evidence that the image is written', everyMs: timings.pollMs, by, look }).catch(
    thrown => ({ finding: 'ambiguous', evidence: FleetError.from(thrown).message }) as const,
  );
}
