/**
 * The one request that brings a BMC's own new firmware into force, on machines where the image alone does not: a restart of the
 * BMC, or a moment without power for the whole server. The image is on the machine by then, so this settles.
 */
import { factValue } from '../core/bmc.ts';
import type { BmcChange } from '../core/bmc-change.ts';
import { digestOf } from '../core/canonical.ts';
import { FleetError } from '../core/errors.ts';
import type { BeforeChange } from './change-bmc.ts';
import type { NodeJob } from './job.ts';
import { observeBmcRestart, watchRestart } from './prove-bmc-restart.ts';
import { proveIdentity } from './prove-identity.ts';
import { proveNoTask } from './prove-no-task.ts';
import { proveNoRemediator } from './refuse-remediators.ts';
import { sendPatiently } from './send-patiently.ts';
import { enough, waitFor } from './wait.ts';

type Restarting = Extract<BmcChange, { act: 'reset-bmc' | 'power-cycle' }>;

/**
 * Restarts a BMC that does not restart by itself. Some builds do after all: one that is seen to go within the settle time, or is
 * gone when it is to be asked, is not asked. Answers what happened.
 */
export async function restartBmc(job: NodeJob, before: BeforeChange): Promise<string> {
  for (;;) {
    const own = await goesByItself(job, before);
    if (own !== undefined) return own;
    const sent = await restart(job, { act: 'reset-bmc' }, before).catch(FleetError.from);
    if (!(sent instanceof FleetError)) return 'it was told to restart';
    if (sent.code !== 'bmc_unreachable') throw sent;
  }
}

/** Throws `precondition_failed` while the host is on: it would lose its power too. */
export async function powerCycle(job: NodeJob, before: BeforeChange): Promise<string> {
  await restart(job, { act: 'power-cycle' }, before);
  return 'the server lost its power for a moment';
}

async function restart(job: NodeJob, change: Restarting, before: BeforeChange): Promise<void> {
  const { bmc, target, timings } = job;
  let sessionsBefore: number | undefined;
  await job.effect<null>({
    step: change.act,
    action: change.act,
    settling: true,
    async prepare() {
      const { body, ...where } = await bmc.changeTarget(change);
      return { before, request: { target: target.bmcUrl, ...where, bodyDigest: digestOf(body) } };
    },
    async prove() {
      await proveIdentity(job);
      if (change.act === 'power-cycle') await proveOff(job);
      await proveNoRemediator(job);
      await proveNoTask(job);
    },
    async send(grant, stillAllowed) {
      sessionsBefore = bmc.sessionsOpened;
      await sendPatiently(job, change, { grant, stillAllowed });
      return null;
    },
    async observe(open) {
      const { lastReset } = open.before as BeforeChange;
      const by = enough(Date.now() + timings.rebootMs, timings.pollMs);
      const seen = await observeBmcRestart(job, { lastReset, sessionsBefore, by });
      return seen.finding === 'happened' ? { ...seen, result: null } : seen;
    },
  });
}

async function goesByItself({ bmc, timings, target }: NodeJob, before: BeforeChange): Promise<string | undefined> {
  const watch = watchRestart(bmc, before.lastReset);
  const settledAt = Date.now() + timings.resetSettleMs;
  return waitFor<string | undefined>({
    what: `the BMC of ${target.node} to restart, or to be there to be asked`,
    everyMs: timings.pollMs,
    by: enough(settledAt + timings.rebootMs, timings.pollMs),
    async look() {
      const seen = await watch.look();
      if (typeof seen === 'object') return seen;
      if (seen !== undefined) return { value: seen };
      return Date.now() < settledAt ? { missing: 'it answers, and was not seen to be away' } : { value: undefined };
    },
  });
}

async function proveOff({ bmc, target }: NodeJob): Promise<void> {
  if (factValue(await bmc.power()) === 'off') return;
  throw new FleetError({
    code: 'precondition_failed',
    message: `${target.node} is not off: a power cycle of the whole server would cut it`,
  });
}
