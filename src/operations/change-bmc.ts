/** One change to a BMC: sent once, and proved by what the BMC says afterwards. */
import { factValue } from '../core/bmc.ts';
import type { BmcChange, BmcStatus } from '../core/bmc-change.ts';
import { digestOf } from '../core/canonical.ts';
import { FleetError } from '../core/errors.ts';
import type { EffectRow } from '../core/records.ts';
import type { Observation } from '../guard/effects.ts';
import type { NodeJob } from './job.ts';
import { proveIdentity } from './prove-identity.ts';
import { proveNoTask } from './prove-no-task.ts';
import { waitFor } from './wait.ts';

/** A BMC that restarts answers well several times in a row before it counts as back. */
const goodReads = 3;

type Before = { lastReset: string | null };

/** Throws `precondition_failed` while the BMC works on an update: a restart would damage it. */
export async function changeBmc(job: NodeJob, change: BmcChange): Promise<Before> {
  const { bmc, target } = job;
  const before: Before = { lastReset: factValue((await bmc.status()).lastReset) ?? null };
  await job.effect<null>({
    step: change.act,
    action: change.act,
    settling: false,
    async prepare() {
      const { body, ...where } = await bmc.changeTarget(change);
      return { before, request: { target: target.bmcUrl, ...where, bodyDigest: digestOf(body) } };
    },
    async send(grant) {
      await proveIdentity(job);
      await proveNoTask(job);
      await bmc.change(grant, change);
      return null;
    },
    observe: open => observe(job, change, open),
  });
  return before;
}

/** Waits until the BMC shows the change. Throws `timeout` naming what it shows instead. */
export async function proveBmcChange(
  { bmc, target, timings }: NodeJob,
  change: BmcChange,
  { before, by }: { before: Before; by: number },
): Promise<string> {
  let good = 0;
  return waitFor<string>({
    what: `the BMC of ${target.node} to show the change`,
    everyMs: timings.pollMs,
    by,
    async look() {
      const status = await bmc.status().catch(FleetError.from);
      if (status instanceof FleetError) {
        good = 0;
        // A BMC that starts shows parts of its tree, and answers nonsense, before it is whole.
        if (change.act === 'reset-bmc' && status.code !== 'certificate_changed') return { missing: status.message };
        throw status;
      }
      const shown = shows(status, change, before);
      good = shown === undefined ? 0 : good + 1;
      if (shown !== undefined && (change.act !== 'reset-bmc' || good >= goodReads)) return { value: shown };
      return {
        missing: shown === undefined ? 'the BMC shows what it showed before' : `good reads ${good} of ${goodReads}`,
      };
    },
  });
}

/** How the change shows; undefined where it does not, or not yet. */
function shows(status: BmcStatus, change: BmcChange, before: Before): string | undefined {
  switch (change.act) {
    case 'identify':
      return factValue(status.lit) === change.lit ? `the locating light is ${change.lit ? 'on' : 'off'}` : undefined;
    case 'boot-once':
      return factValue(status.bootOnce) === change.from ? `the next start is set to ${change.from}` : undefined;
    case 'reset-bmc': {
      const last = factValue(status.lastReset);
      return last !== undefined && last !== before.lastReset ? `the BMC started at ${last}` : undefined;
    }
  }
}

async function observe({ bmc }: NodeJob, change: BmcChange, open: EffectRow): Promise<Observation<null>> {
  const shown = shows(await bmc.status(), change, open.before as Before);
  if (shown !== undefined) return { finding: 'happened', result: null, evidence: shown };
  // What is only set may be set again; a restart that has not begun yet may still come.
  return change.act === 'reset-bmc'
    ? { finding: 'ambiguous', evidence: 'the BMC does not show a new start' }
    : { finding: 'not-happened', evidence: 'the BMC shows what it showed before' };
}
