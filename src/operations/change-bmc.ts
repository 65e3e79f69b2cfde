/** One change to a BMC: sent once, and proved by what the BMC says afterwards. */
import { factValue } from '../core/bmc.ts';
import type { BmcStatus, PlannedBmcChange } from '../core/bmc-change.ts';
import { digestOf } from '../core/canonical.ts';
import { FleetError } from '../core/errors.ts';
import type { Observation } from '../guard/effects.ts';
import type { NodeJob } from './job.ts';
import { observeBmcRestart, proveBmcRestart, type Restart } from './prove-bmc-restart.ts';
import { proveIdentity } from './prove-identity.ts';
import { proveNoTask, proveStillStuck, type StuckTask } from './prove-no-task.ts';
import { sendPatiently } from './send-patiently.ts';
import { enough, waitFor } from './wait.ts';

export type BeforeChange = Pick<Restart, 'lastReset'>;

/** What a restart of the BMC will change; read once, while the BMC is still there to be asked. */
export async function readBeforeChange({ bmc }: NodeJob): Promise<BeforeChange> {
  return { lastReset: factValue((await bmc.status()).lastReset) ?? null };
}

/**
 * Answers with evidence of a restart that was found because its answer was lost. Throws `precondition_failed` while the BMC
 * works on an update: a restart would damage it. `stuck` are the tasks that a recovery was approved for, and it is refused
 * when any of them moved after all.
 */
export async function changeBmc(
  job: NodeJob,
  change: PlannedBmcChange,
  { before, stuck }: { before: BeforeChange; stuck: StuckTask[] },
): Promise<Restart> {
  const { bmc, target, timings } = job;
  let sessionsBefore: number | undefined;
  const seen = await job.effect<string | null>({
    step: change.act,
    action: change.act,
    settling: false,
    async prepare() {
      const { body, ...where } = await bmc.changeTarget(change);
      return { before, request: { target: target.bmcUrl, ...where, bodyDigest: digestOf(body) } };
    },
    async prove() {
      await proveIdentity(job);
      await (stuck.length > 0 ? proveStillStuck(job, stuck) : proveNoTask(job));
    },
    async send(grant, stillAllowed) {
      sessionsBefore = bmc.sessionsOpened;
      await sendPatiently(job, change, { grant, stillAllowed });
      return null;
    },
    observe(open) {
      if (change.act !== 'reset-bmc') return observe(job, change);
      const { lastReset } = open.before as BeforeChange;
      const by = enough(Date.now() + timings.rebootMs, timings.pollMs);
      return observeBmcRestart(job, { lastReset, sessionsBefore, by });
    },
  });
  return { ...before, seen };
}

/** Waits until the BMC shows the change. Throws `timeout` naming what it shows instead. */
export async function proveBmcChange(
  job: NodeJob,
  change: PlannedBmcChange,
  { restart, by }: { restart: Restart; by: number },
): Promise<string> {
  if (change.act === 'reset-bmc') return proveBmcRestart(job, restart, by);
  return waitFor<string>({
    what: `the BMC of ${job.target.node} to show the change`,
    everyMs: job.timings.pollMs,
    by,
    async look() {
      const shown = shows(await job.bmc.status(), change);
      return shown === undefined ? { missing: 'the BMC shows what it showed before' } : { value: shown };
    },
  });
}

type Setting = Exclude<PlannedBmcChange, { act: 'reset-bmc' }>;

/** How the change shows; undefined where it does not, or not yet. */
function shows(status: BmcStatus, change: Setting): string | undefined {
  switch (change.act) {
    case 'identify':
      return factValue(status.lit) === change.lit ? `the locating light is ${change.lit ? 'on' : 'off'}` : undefined;
    case 'boot-once':
      return factValue(status.bootOnce) === change.from ? `the next start is set to ${change.from}` : undefined;
  }
}

/** Looks until the setting shows, or does not for the settle time: then it may be set again. */
async function observe({ bmc, timings }: NodeJob, change: Setting): Promise<Observation<null>> {
  const settledAt = Date.now() + timings.resetSettleMs;
  return waitFor<Observation<null>>({
    what: 'evidence of the change',
    everyMs: timings.pollMs,
    by: enough(settledAt + timings.rebootMs, timings.pollMs),
    async look() {
      const shown = shows(await bmc.status(), change);
      if (shown !== undefined) return { value: { finding: 'happened', result: null, evidence: shown } };
      if (Date.now() < settledAt) return { missing: 'evidence either way' };
      return { value: { finding: 'not-happened', evidence: 'the BMC shows what it showed before' } };
    },
  }).catch(thrown => ({ finding: 'ambiguous', evidence: FleetError.from(thrown).message }) as const);
}
