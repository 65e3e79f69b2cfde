/**
 * One change of a node that is empty. Handing it over is the last moment at which stopping leaves the machine as it was; what
 * that returns brings the change into force and proves it, and settles: it runs on after a cancel.
 */
import type { UpdateTraits } from '../core/bmc.ts';
import { isFirmware, type PlannedChange } from '../core/planned-change.ts';
import { readBeforeChange } from '../operations/change-bmc.ts';
import { changeOf } from '../operations/firmware-change.ts';
import { flash } from '../operations/flash.ts';
import { followTask } from '../operations/follow-task.ts';
import type { Parts } from '../operations/job.ts';
import { proveBios } from '../operations/prove-bios.ts';
import { proveRejoin } from '../operations/prove-rejoin.ts';
import { type BeforeReset, readBeforeReset, resetHost } from '../operations/reset-host.ts';
import { type BiosTask, proveOnlyOurs, setBios } from '../operations/set-bios.ts';
import { type Active, activate, isOfBmc } from './activate.ts';
import type { NodeSteps } from './node-steps.ts';

export type Settle = () => Promise<Active>;

/** Throws {@link Stopped}. */
export function handOver(parts: Parts, steps: NodeSteps, change: PlannedChange): Promise<Settle> {
  return isFirmware(change) ? handOverImage(parts, steps) : handOverSettings(parts, steps);
}

/** The step after which the machine may have changed. */
export function handOverStep(change: PlannedChange): string {
  return isFirmware(change) ? 'flash' : 'set';
}

async function handOverImage(parts: Parts, steps: NodeSteps): Promise<Settle> {
  const traits = await steps.quietly('traits', job => job.bmc.updateTraits(changeOf(job).component));
  const before = await steps.quietly('before reset', readBeforeReset);
  const bmcBefore = isOfBmc(traits) ? await steps.quietly('before restart of the BMC', readBeforeChange) : null;
  await steps.stopHere('flash');
  const flashed = await steps.step('flash', flash, done => (done.task ? `accepted, task ${done.task}` : 'accepted'));
  await steps.tell({ reason: 'FirmwareHandedOver', message: handedOver(traits) });
  return () => activate(parts, steps, { flashed, traits, before, bmcBefore });
}

function handedOver({ activation }: UpdateTraits): string {
  const runsOn = activation === 'bmc-restarts' || activation === 'restart-bmc';
  return `the BMC took the image; ${runsOn ? 'it restarts soon, and the server runs on' : 'the server restarts soon'}`;
}

/** From then on they wait for whatever starts the host next. */
async function handOverSettings(parts: Parts, steps: NodeSteps): Promise<Settle> {
  const before = await steps.quietly('before reset', readBeforeReset);
  await steps.stopHere('set');
  const { task } = await steps.step('set', setBios, done => (done.task ? `accepted, task ${done.task}` : 'accepted'));
  return () => activateSettings(parts, steps, { before, task });
}

async function activateSettings(
  { timings }: Parts,
  steps: NodeSteps,
  { before, task }: BiosTask & { before: BeforeReset },
): Promise<Active> {
  const stagedBy = await steps.deadline('staged', timings.rebootMs);
  await steps.step(
    'staged',
    job => followTask(job, { task }, stagedBy),
    end => `task ${end}`,
  );
  await steps.step('reset', job => resetHost(job, before, { settling: true, prove: proveOnlyOurs }));
  const by = await steps.deadline('verify', timings.rebootMs);
  const proof = await steps.step(
    'verify',
    job => proveBios(job, { before, task }, by),
    seen => seen,
  );
  const rejoinedBy = await steps.deadline('rejoin', timings.rejoinMs);
  const { bootId } = await steps.step(
    'rejoin',
    job => proveRejoin(job, before, rejoinedBy),
    back => back.proof,
  );
  return { proof, bootId };
}
