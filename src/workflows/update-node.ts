/**
 * One node of a firmware rollout. Until the image is handed over, stopping
 * takes back the cordon; from then on the node settles: only a proved version
 * and a proved rejoin lead to uncordon, everything else leaves it cordoned
 * with the reason written on it.
 */
import type { UpdateTraits } from '../core/bmc.ts';
import type { NodeOutcome } from '../core/operation.ts';
import { type BeforeChange, readBeforeChange } from '../operations/change-bmc.ts';
import { cordon, uncordon } from '../operations/cordon.ts';
import { proveDrained } from '../operations/drain.ts';
import { changeOf } from '../operations/firmware-change.ts';
import { type Flash, flash } from '../operations/flash.ts';
import { followTask } from '../operations/follow-task.ts';
import type { Parts } from '../operations/job.ts';
import { mayHaveHappened } from '../operations/may-have-happened.ts';
import { precheckFlash } from '../operations/precheck-flash.ts';
import { proveBmcVersion } from '../operations/prove-bmc-version.ts';
import { proveIdentity } from '../operations/prove-identity.ts';
import { proveRejoin, proveSteady } from '../operations/prove-rejoin.ts';
import { proveVersion } from '../operations/prove-version.ts';
import { proveNoRemediator } from '../operations/refuse-remediators.ts';
import { type BeforeReset, readBeforeReset, resetHost } from '../operations/reset-host.ts';
import { startWriting } from '../operations/start-writing.ts';
import {
  empty,
  giveBack,
  type NodeSteps,
  type NodeWorkflow,
  nodeWorkflow,
  offerRecovery,
  outcomeOf,
  stayCordoned,
} from './node-steps.ts';

export function updateNode(parts: Parts): NodeWorkflow {
  return nodeWorkflow('update-node', parts, async (steps, flow) => {
    await steps.step('identity', proveIdentity, proof => proof);
    const need = await steps.step('precheck', precheckFlash, found =>
      found === 'flash' ? 'as planned' : 'nothing to do',
    );
    if (need === 'current') return { state: 'done', message: 'runs the wanted version already' };
    await steps.step('remediators', proveNoRemediator, proof => proof);
    await steps.stopHere('cordon');
    let ready: Ready;
    let ours = false;
    try {
      ({ ours } = await steps.step('cordon', cordon, done =>
        done.ours ? '' : `was cordoned by ${done.by}, and stays so`,
      ));
      await steps.tell({ reason: 'MaintenanceStarted', message: await wanted(steps), maintenance: true });
      ready = await emptyAndFlash(parts, steps);
    } catch (thrown) {
      return retreat(steps, ours, outcomeOf(thrown));
    }
    try {
      const { proof, bootId } = await activate(parts, steps, ready);
      if (ours) await steps.step('uncordon', job => uncordon(job));
      await steps.tell({ reason: 'MaintenanceEnded', message: proof, maintenance: false });
      await soak(parts, steps, { bootId, sleep: flow.sleep });
      return { state: 'done', message: proof };
    } catch (thrown) {
      return stayCordoned(steps, ours, await offerRecovery(steps, thrown));
    }
  });
}

/** The image is handed over; what the steps after it need was read before, where stopping was still safe. */
type Ready = { flashed: Flash; traits: UpdateTraits; before: BeforeReset; bmcBefore: BeforeChange | null };

async function emptyAndFlash(parts: Parts, steps: NodeSteps): Promise<Ready> {
  await empty(parts, steps);
  const traits = await steps.quietly('traits', job => job.bmc.updateTraits(changeOf(job).component));
  const before = await steps.quietly('before reset', readBeforeReset);
  const bmcBefore =
    traits.activation === 'bmc-restarts' ? await steps.quietly('before restart of the BMC', readBeforeChange) : null;
  await steps.stopHere('flash');
  const flashed = await steps.step('flash', flash, done => (done.task ? `accepted, task ${done.task}` : 'accepted'));
  await steps.tell({ reason: 'FirmwareHandedOver', message: handedOver(traits) });
  return { flashed, traits, before, bmcBefore };
}

function handedOver({ activation }: UpdateTraits): string {
  const next = activation === 'bmc-restarts' ? 'it restarts soon, and the server runs on' : 'the server restarts soon';
  return `the BMC took the image; ${next}`;
}

/** What the plan changes on this node, in one line. */
function wanted(steps: NodeSteps): Promise<string> {
  return steps.quietly('wanted', async job => {
    const { component, from, to } = changeOf(job);
    return `${component} ${from} → ${to}, plan ${job.plan.id}`;
  });
}

type Active = { proof: string; bootId: string };

/** Task, restart, version, the node's return; answers the proof in one line, and the boot that it holds for. */
async function activate(parts: Parts, steps: NodeSteps, ready: Ready): Promise<Active> {
  const { timings } = parts;
  const { flashed, traits, before } = ready;
  const { activation, waitsForStart } = traits;
  const updatedBy = await steps.deadline('update', timings.updateMs);
  await steps.step(
    'transfer',
    job => followTask(job, flashed, updatedBy),
    end => `task ${end}`,
  );
  if (waitsForStart) {
    const writing = await steps.step('write', startWriting, done =>
      done.task ? `accepted, task ${done.task}` : 'accepted',
    );
    await steps.step(
      'written',
      job => followTask(job, writing, updatedBy),
      end => `task ${end}`,
    );
  }
  if (ready.bmcBefore) return proveBmc(parts, steps, { before, bmcBefore: ready.bmcBefore });
  await steps.step('reset', job => resetHost(job, before, { settling: true, prove: proveDrained }));
  if (activation === 'reset-while-pending')
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
  const rejoinedBy = await steps.deadline('rejoin', timings.rejoinMs);
  const { bootId } = await steps.step(
    'rejoin',
    job => proveRejoin(job, before, rejoinedBy),
    back => back.proof,
  );
  return { proof, bootId };
}

/** The BMC restarts by itself; the host must have run on all the while. */
async function proveBmc(
  { timings }: Parts,
  steps: NodeSteps,
  { before, bmcBefore }: { before: BeforeReset; bmcBefore: BeforeChange },
): Promise<Active> {
  const restartedBy = await steps.deadline('restart of the BMC', timings.rebootMs);
  const proof = await steps.step(
    'verify',
    job => proveBmcVersion(job, bmcBefore, restartedBy),
    seen => seen,
  );
  const { bootId } = before;
  const steadyBy = await steps.deadline('ran on', timings.rejoinMs);
  await steps.step(
    'ran on',
    job => proveSteady(job, bootId, steadyBy),
    seen => `the same boot, ${seen}`,
  );
  return { proof, bootId };
}

type Soak = { bootId: string; sleep(ms: number): Promise<void> };

async function soak(parts: Parts, steps: NodeSteps, { bootId, sleep }: Soak): Promise<void> {
  const ms = await steps.step(
    'soak',
    async job => job.plan.soakMs,
    soakMs => `${soakMs / 1000} s`,
  );
  await sleep(ms);
  const by = await steps.deadline('steady', parts.timings.rejoinMs);
  await steps.step(
    'steady',
    job => proveSteady(job, bootId, by),
    proof => proof,
  );
}

/** Before the hand-over nothing was changed but the cordon, so it is taken back; what may have been handed over stays cordoned. */
async function retreat(steps: NodeSteps, ours: boolean, outcome: NodeOutcome): Promise<NodeOutcome> {
  if (await steps.step('handed over?', job => mayHaveHappened(job, 'flash'))) return stayCordoned(steps, ours, outcome);
  return giveBack(steps, outcome, 'MaintenanceCancelled');
}
