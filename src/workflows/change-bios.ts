/**
 * One node's BIOS settings. Until they are handed over, stopping takes back
 * the cordon; from then on they wait for whatever starts the host next, so the
 * node settles: only settings that are proved to be in force, and a proved
 * rejoin, lead to uncordon.
 */
import { showBiosChange } from '../core/bios.ts';
import { cordon, uncordon } from '../operations/cordon.ts';
import { followTask } from '../operations/follow-task.ts';
import type { Parts } from '../operations/job.ts';
import { mayHaveHappened } from '../operations/may-have-happened.ts';
import { proveBios } from '../operations/prove-bios.ts';
import { proveIdentity } from '../operations/prove-identity.ts';
import { proveRejoin } from '../operations/prove-rejoin.ts';
import { proveNoRemediator } from '../operations/refuse-remediators.ts';
import { type BeforeReset, readBeforeReset, resetHost } from '../operations/reset-host.ts';
import { type BiosTask, biosOf, precheckBios, proveOnlyOurs, setBios } from '../operations/set-bios.ts';
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

export function changeBios(parts: Parts): NodeWorkflow {
  return nodeWorkflow('change-bios', parts, async steps => {
    await steps.step('identity', proveIdentity, proof => proof);
    const need = await steps.step('precheck', precheckBios, found =>
      found === 'set' ? 'as planned' : 'nothing to do',
    );
    if (need === 'current') return { state: 'done', message: 'has these BIOS settings already' };
    await steps.step('remediators', proveNoRemediator, proof => proof);
    await steps.stopHere('cordon');
    let ready: Ready;
    let ours = false;
    try {
      ({ ours } = await steps.step('cordon', cordon));
      await steps.tell({ reason: 'MaintenanceStarted', message: await wanted(steps), maintenance: true });
      ready = await emptyAndSet(parts, steps);
    } catch (thrown) {
      const outcome = outcomeOf(thrown);
      if (await steps.step('handed over?', job => mayHaveHappened(job, 'set')))
        return stayCordoned(steps, ours, outcome);
      return giveBack(steps, outcome, 'MaintenanceCancelled');
    }
    try {
      const proof = await bringIntoForce(parts, steps, ready);
      if (ours) await steps.step('uncordon', job => uncordon(job));
      await steps.tell({ reason: 'MaintenanceEnded', message: proof, maintenance: false });
      return { state: 'done', message: proof };
    } catch (thrown) {
      return stayCordoned(steps, ours, await offerRecovery(steps, thrown));
    }
  });
}

type Ready = BiosTask & { before: BeforeReset };

async function emptyAndSet(parts: Parts, steps: NodeSteps): Promise<Ready> {
  await empty(parts, steps);
  const before = await steps.quietly('before reset', readBeforeReset);
  await steps.stopHere('set');
  const { task } = await steps.step('set', setBios, done => (done.task ? `accepted, task ${done.task}` : 'accepted'));
  return { before, task };
}

function wanted(steps: NodeSteps): Promise<string> {
  return steps.quietly(
    'wanted',
    async job => `BIOS ${biosOf(job).map(showBiosChange).join(', ')}, plan ${job.plan.id}`,
  );
}

/** Returns the proof in one line. */
async function bringIntoForce(parts: Parts, steps: NodeSteps, { before, task }: Ready): Promise<string> {
  const { timings } = parts;
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
  await steps.step(
    'rejoin',
    job => proveRejoin(job, before, rejoinedBy),
    back => back.proof,
  );
  return proof;
}
