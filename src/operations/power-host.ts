/** Switches a host on or off. Acts on the power state that the BMC shows, never on a remembered one. */
import { factValue, type PowerPurpose, type PowerState, showFact } from '../core/bmc.ts';
import { digestOf } from '../core/canonical.ts';
import type { NodeJob } from './job.ts';
import { proveIdentity } from './prove-identity.ts';
import { proveNoTask } from './prove-no-task.ts';
import { proveQuorum } from './prove-quorum.ts';
import { proveNoRemediator } from './refuse-remediators.ts';
import { waitFor } from './wait.ts';

export type PowerStep = {
  purpose: Exclude<PowerPurpose, 'restart'>;
  /** Runs on after a cancel: the host is on its way down. */
  settling?: boolean;
  /** Throws where the host may not be switched now; asked right before the request. */
  prove(job: NodeJob): Promise<void>;
};

const wanted: Record<PowerStep['purpose'], PowerState> = { on: 'on', 'shut-down': 'off', cut: 'off' };

/** Asks once, and not at all where the host is so already. */
export async function powerHost(job: NodeJob, { purpose, prove, settling = false }: PowerStep): Promise<void> {
  const { bmc, target } = job;
  await job.effect<null>({
    step: `power/${purpose}`,
    action: `power-${purpose}`,
    settling,
    async prepare() {
      const { type, ...where } = await bmc.resetTarget(purpose);
      return { request: { target: target.bmcUrl, ...where, bodyDigest: digestOf({ ResetType: type }) } };
    },
    async prove() {
      await proveIdentity(job);
      await prove(job);
      if (purpose !== 'on') {
        await proveNoRemediator(job);
        await proveQuorum(job);
      }
      await proveNoTask(job);
    },
    async send(grant) {
      if (factValue(await bmc.power()) === wanted[purpose]) return null;
      const { type } = await bmc.resetTarget(purpose);
      await bmc.reset(grant, type);
      return null;
    },
    async observe() {
      const power = await bmc.power();
      if (factValue(power) === wanted[purpose])
        return { finding: 'happened', result: null, evidence: `the BMC says ${showFact(power)}` };
      // An operating system that was asked to shut down may still be at it.
      return { finding: 'ambiguous', evidence: `the BMC says ${showFact(power)}` };
    },
  });
}

/** Throws `timeout` naming the state that the BMC shows instead. */
export async function provePower({ bmc, target, timings }: NodeJob, state: 'on' | 'off', by: number): Promise<string> {
  return waitFor<string>({
    what: `${target.node} to be ${state}`,
    everyMs: timings.pollMs,
    by,
    async look() {
      const power = await bmc.power();
      return factValue(power) === state ? { value: `the BMC says ${state}` } : { missing: showFact(power) };
    },
  });
}
