/**
 * One node of a firmware rollout. Until the image is handed over, stopping
 * takes back the cordon; from then on the node settles: only a proved version
 * and a proved rejoin lead to uncordon, everything else leaves it cordoned
 * with the reason written on it.
 */
import type { UpdateTraits } from '../core/bmc.ts';
import type { NodeOutcome } from '../core/operation.ts';
import { readBeforeChange } from '../operations/change-bmc.ts';
import { cordon, uncordon } from '../operations/cordon.ts';
import { changeOf } from '../operations/firmware-change.ts';
import { flash } from '../operations/flash.ts';
import type { Parts } from '../operations/job.ts';
import { mayHaveHappened } from '../operations/may-have-happened.ts';
import { precheckFlash } from '../operations/precheck-flash.ts';
import { proveIdentity } from '../operations/prove-identity.ts';
import { proveSteady } from '../operations/prove-rejoin.ts';
import { proveNoRemediator } from '../operations/refuse-remediators.ts';
import { readBeforeReset } from '../operations/reset-host.ts';
import { activate, isOfBmc, type Ready } from './activate.ts';
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

async function emptyAndFlash(parts: Parts, steps: NodeSteps): Promise<Ready> {
  await empty(parts, steps);
  const traits = await steps.quietly('traits', job => job.bmc.updateTraits(changeOf(job).component));
  const before = await steps.quietly('before reset', readBeforeReset);
  const bmcBefore = isOfBmc(traits) ? await steps.quietly('before restart of the BMC', readBeforeChange) : null;
  await steps.stopHere('flash');
  const flashed = await steps.step('flash', flash, done => (done.task ? `accepted, task ${done.task}` : 'accepted'));
  await steps.tell({ reason: 'FirmwareHandedOver', message: handedOver(traits) });
  return { flashed, traits, before, bmcBefore };
}

function handedOver({ activation }: UpdateTraits): string {
  const runsOn = activation === 'bmc-restarts' || activation === 'restart-bmc';
  return `the BMC took the image; ${runsOn ? 'it restarts soon, and the server runs on' : 'the server restarts soon'}`;
}

/** What the plan changes on this node, in one line. */
function wanted(steps: NodeSteps): Promise<string> {
  return steps.quietly('wanted', async job => {
    const { component, from, to } = changeOf(job);
    return `${component} ${from} → ${to}, plan ${job.plan.id}`;
  });
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
