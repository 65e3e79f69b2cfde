/**
 * One node of a firmware rollout. Until the image is handed over, stopping
 * takes back the cordon; from then on the node settles: only a proved version
 * and a proved rejoin lead to uncordon, everything else leaves it cordoned
 * with the reason written on it.
 */
import type { NodeOutcome } from '../core/operation.ts';
import { cordon, explainCordon, uncordon } from '../operations/cordon.ts';
import { drain } from '../operations/drain.ts';
import { changeOf, type Flash, flash, followTask, mayBeFlashing, precheckFlash } from '../operations/flash.ts';
import type { Parts } from '../operations/job.ts';
import { proveIdentity } from '../operations/prove-identity.ts';
import { proveRejoin, proveSteady } from '../operations/prove-rejoin.ts';
import { proveVersion } from '../operations/prove-version.ts';
import { type BeforeReset, readBeforeReset, resetHost } from '../operations/reset-host.ts';
import { budgets, type NodeSteps, type NodeWorkflow, nodeWorkflow, outcomeOf, Stopped } from './node-steps.ts';

export function updateNode(parts: Parts): NodeWorkflow {
  return nodeWorkflow('update-node', parts, async (steps, flow) => {
    await steps.step('identity', proveIdentity, proof => proof);
    const need = await steps.step('precheck', precheckFlash, found =>
      found === 'flash' ? 'as planned' : 'nothing to do',
    );
    if (need === 'current') return { state: 'done', message: 'runs the wanted version already' };
    await steps.stopHere('cordon');
    const cordoned = await steps.step('cordon', cordon, done =>
      done.ours ? '' : 'was cordoned by someone else, and stays so',
    );

    let flashed: Flash;
    try {
      flashed = await emptyAndFlash(parts, steps);
    } catch (thrown) {
      return retreat(steps, cordoned.ours, outcomeOf(thrown));
    }
    try {
      const proof = await activate(parts, steps, flashed);
      if (cordoned.ours) await steps.step('uncordon', job => uncordon(job));
      await soak(parts, steps, flow.sleep);
      return { state: 'done', message: proof };
    } catch (thrown) {
      return stayCordoned(steps, cordoned.ours, outcomeOf(thrown));
    }
  });
}

async function emptyAndFlash(parts: Parts, steps: NodeSteps): Promise<Flash> {
  await budgets(parts, steps);
  await steps.stopHere('drain');
  const by = await steps.deadline('drain', parts.timings.drainMs);
  const drained = await steps.step(
    'drain',
    job => drain(job, by),
    done => (done.outcome === 'drained' ? `${done.evicted} pods evicted and gone` : `stopped: ${done.why}`),
  );
  if (drained.outcome === 'stopped') throw new Stopped(`stopped during the drain: ${drained.why}`);
  await steps.stopHere('flash');
  return steps.step('flash', flash, done => (done.task ? `accepted, task ${done.task}` : 'accepted'));
}

/** Task, reset, version, rejoin; returns the proof in one line. */
async function activate(parts: Parts, steps: NodeSteps, flashed: Flash): Promise<string> {
  const { timings } = parts;
  const traits = await steps.quietly('traits', job => job.bmc.updateTraits(changeOf(job).component));
  const updatedBy = await steps.deadline('update', timings.updateMs);
  const before: BeforeReset = await steps.quietly('before reset', readBeforeReset);
  await steps.step(
    'transfer',
    job => followTask(job, flashed, updatedBy),
    end => `task ${end}`,
  );
  if (traits.activation !== 'none') await steps.step('reset', job => resetHost(job, before));
  if (traits.activation === 'reset-while-pending')
    await steps.step(
      'apply',
      job => followTask(job, flashed, updatedBy),
      end => `task ${end}`,
    );
  const rebootedBy = await steps.deadline('reboot', timings.rebootMs);
  const version = await steps.step(
    'verify',
    job => proveVersion(job, before, rebootedBy),
    proof => proof,
  );
  const rejoinedBy = await steps.deadline('rejoin', timings.rejoinMs);
  await steps.step(
    'rejoin',
    job => proveRejoin(job, before, rejoinedBy),
    proof => proof,
  );
  return version;
}

async function soak(parts: Parts, steps: NodeSteps, sleep: (ms: number) => Promise<void>): Promise<void> {
  const ms = await steps.step(
    'soak',
    async job => job.plan.soakMs,
    soakMs => `${soakMs / 1000} s`,
  );
  await sleep(ms);
  const by = await steps.deadline('steady', parts.timings.rejoinMs);
  await steps.step(
    'steady',
    job => proveSteady(job, by),
    proof => proof,
  );
}

/** Before the hand-over nothing was changed but the cordon, so it is taken back; what may have been handed over stays cordoned. */
async function retreat(steps: NodeSteps, ours: boolean, outcome: NodeOutcome): Promise<NodeOutcome> {
  if (outcome.state === 'ambiguous' || (await steps.step('handed over?', mayBeFlashing)))
    return stayCordoned(steps, ours, outcome);
  if (ours)
    await steps.step(
      'uncordon',
      job => uncordon(job),
      () => 'nothing was flashed; cordon taken back',
    );
  return outcome;
}

async function stayCordoned(steps: NodeSteps, ours: boolean, outcome: NodeOutcome): Promise<NodeOutcome> {
  if (ours) await steps.step('explain', job => explainCordon(job, outcome.message)).catch(() => undefined);
  return outcome;
}
