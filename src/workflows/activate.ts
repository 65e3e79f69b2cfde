/**
 * From the image on the machine to the version that runs, by the way that its vendor profile names. All of it settles: it goes
 * on after a cancel, because a machine with half an update is worse than either version. Where the BMC writes only on a word of
 * its own, that is the moment from which on it settles.
 */
import type { UpdateTraits } from '../core/bmc.ts';
import { FleetError, unreachable } from '../core/errors.ts';
import type { BeforeChange } from '../operations/change-bmc.ts';
import { proveDrained } from '../operations/drain.ts';
import type { Flash } from '../operations/flash.ts';
import { followTask, refuseUnlessEnded, type TaskEnd } from '../operations/follow-task.ts';
import type { Parts } from '../operations/job.ts';
import { powerHost } from '../operations/power-host.ts';
import { proveBmcRestart } from '../operations/prove-bmc-restart.ts';
import { proveBmcVersion } from '../operations/prove-bmc-version.ts';
import { proveNothingStaged } from '../operations/prove-no-task.ts';
import { proveRejoin, proveSteady } from '../operations/prove-rejoin.ts';
import { proveVersion } from '../operations/prove-version.ts';
import { type BeforeReset, resetHost } from '../operations/reset-host.ts';
import { powerCycle, restartBmc } from '../operations/restart-for-firmware.ts';
import { startWriting } from '../operations/start-writing.ts';
import { askToEnd, endOrCut } from './go-off.ts';
import type { NodeSteps } from './node-steps.ts';

/** The image is handed over; what the steps after it need was read before, where stopping was still safe. */
export type Ready = { flashed: Flash; traits: UpdateTraits; before: BeforeReset; bmcBefore: BeforeChange | null };

export type Active = { proof: string; bootId: string };

/** Whether the BMC's own firmware is what is brought into force. */
export function isOfBmc({ activation }: UpdateTraits): boolean {
  return activation === 'bmc-restarts' || activation === 'restart-bmc' || activation === 'power-cycle';
}

/** Task, restart, version, the node's return; answers the proof in one line, and the boot that it holds for. */
export async function activate(parts: Parts, steps: NodeSteps, ready: Ready): Promise<Active> {
  const { traits, before } = ready;
  const { activation } = traits;
  const updatedBy = await steps.deadline('update', parts.timings.updateMs);
  const end = await written(steps, ready, updatedBy);
  // What restarts on our word must not do so while it may be writing.
  const restartsItself = activation === 'bmc-restarts' || activation === 'reset-while-pending';
  if (!restartsItself) await steps.quietly('ended?', async job => refuseUnlessEnded(job, end));
  const bmcBefore = ready.bmcBefore ?? { lastReset: null };
  switch (activation) {
    case 'reset-while-pending':
    case 'reset-after':
      return byReset(parts, steps, { ready, updatedBy });
    case 'bmc-restarts':
      return ranOn(parts, steps, { before, bmcBefore });
    case 'restart-bmc':
      await steps.step(
        'restart of the BMC',
        job => restartBmc(job, bmcBefore),
        said => said,
      );
      return ranOn(parts, steps, { before, bmcBefore });
    case 'power-cycle':
      return byPowerCycle(parts, steps, { before, bmcBefore });
    default:
      return unreachable(activation);
  }
}

/** Until the image is where it comes into force from. */
async function written(steps: NodeSteps, { flashed, traits }: Ready, updatedBy: number): Promise<TaskEnd> {
  const transferred = await steps.step(
    'transfer',
    job => followTask(job, flashed, updatedBy),
    end => `task ${end}`,
  );
  if (!traits.waitsForStart) return transferred;
  await steps.stopHere('write');
  const writing = await steps.step('write', startWriting, done =>
    done.task ? `accepted, task ${done.task}` : 'accepted',
  );
  return steps.step(
    'written',
    job => followTask(job, writing, updatedBy),
    end => `task ${end}`,
  );
}

async function byReset(
  { timings }: Parts,
  steps: NodeSteps,
  { ready, updatedBy }: { ready: Ready; updatedBy: number },
): Promise<Active> {
  const { flashed, traits, before } = ready;
  await steps.step('reset', job => resetHost(job, before, { settling: true, prove: proveDrained }));
  if (traits.activation === 'reset-while-pending')
    await steps.step(
      'apply',
      job => followTask(job, flashed, updatedBy),
      end => `task ${end}`,
    );
  const rebootedBy = await steps.deadline('reboot', timings.rebootMs);
  const proof = await steps.step(
    'verify',
    job => proveVersion(job, before, rebootedBy),
    seen => seen,
  );
  return { proof, bootId: await rejoined(timings, steps, before) };
}

type BmcBefore = { before: BeforeReset; bmcBefore: BeforeChange };

/** The BMC restarts, and the host must have run on all the while. */
async function ranOn({ timings }: Parts, steps: NodeSteps, { before, bmcBefore }: BmcBefore): Promise<Active> {
  const proof = await bmcVersion(timings, steps, bmcBefore);
  const { bootId } = before;
  const steadyBy = await steps.deadline('ran on', timings.rejoinMs);
  await steps.step(
    'ran on',
    job => proveSteady(job, bootId, steadyBy),
    seen => `the same boot, ${seen}`,
  );
  return { proof, bootId };
}

/** The host is shut down in order before the power goes, and is switched on again once the BMC runs the new version. */
async function byPowerCycle(parts: Parts, steps: NodeSteps, { before, bmcBefore }: BmcBefore): Promise<Active> {
  const down = { prove: proveDrained, settling: true };
  const asked = await askToEnd(steps, down);
  await endOrCut(parts, steps, { asked, ...down });
  const proof = await withoutPower(parts, steps, bmcBefore).catch(thrown => {
    throw leftOff(FleetError.from(thrown));
  });
  await steps.step('on', job => powerHost(job, { purpose: 'on', prove: proveNothingStaged, settling: true }));
  return { proof, bootId: await rejoined(parts.timings, steps, before) };
}

/** Until the power is seen to have gone, the inventory may show what is written and does not run. */
async function withoutPower({ timings }: Parts, steps: NodeSteps, bmcBefore: BeforeChange): Promise<string> {
  await steps.step(
    'power cycle',
    job => powerCycle(job, bmcBefore),
    said => said,
  );
  const by = await steps.deadline('power cycle', timings.rebootMs);
  await steps.step(
    'power back',
    job => proveBmcRestart(job, { ...bmcBefore, seen: null }, by),
    seen => seen,
  );
  return bmcVersion(timings, steps, bmcBefore);
}

/** Nobody knows what a host would start on now, so it is not started. */
function leftOff(error: FleetError): FleetError {
  const { code, retry, hint, untrusted } = error;
  return new FleetError({
    code,
    retry,
    message: `${error.message}; its host is left off`,
    hint,
    untrusted,
    cause: error,
  });
}

async function bmcVersion(timings: Parts['timings'], steps: NodeSteps, bmcBefore: BeforeChange): Promise<string> {
  const restartedBy = await steps.deadline('restart of the BMC', timings.rebootMs);
  return steps.step(
    'verify',
    job => proveBmcVersion(job, bmcBefore, restartedBy),
    seen => seen,
  );
}

async function rejoined(timings: Parts['timings'], steps: NodeSteps, before: BeforeReset): Promise<string> {
  const rejoinedBy = await steps.deadline('rejoin', timings.rejoinMs);
  const { bootId } = await steps.step(
    'rejoin',
    job => proveRejoin(job, before, rejoinedBy),
    back => back.proof,
  );
  return bootId;
}
