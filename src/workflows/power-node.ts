/**
 * Restart, power-off and power-on of one host. It is emptied before it goes
 * down; a node that Kubernetes does not hear from cannot be emptied, and is
 * only touched where the plan says so and it is silent still.
 */
import { factValue } from '../core/bmc.ts';
import type { NodeOutcome } from '../core/operation.ts';
import { cordon, uncordon } from '../operations/cordon.ts';
import { proveDrained } from '../operations/drain.ts';
import type { Parts } from '../operations/job.ts';
import { clearRemediators } from '../operations/pause-remediators.ts';
import { powerHost } from '../operations/power-host.ts';
import { proveIdentity } from '../operations/prove-identity.ts';
import { proveNothingStaged } from '../operations/prove-no-task.ts';
import { proveRejoin } from '../operations/prove-rejoin.ts';
import { proveSilent } from '../operations/prove-silent.ts';
import { readBeforeReset, resetHost } from '../operations/reset-host.ts';
import { proveStart } from '../operations/waiting-bios.ts';
import { askToEnd, endOrCut, type Prove } from './go-off.ts';
import {
  empty,
  giveBack,
  type NodeSteps,
  type NodeWorkflow,
  nodeWorkflow,
  outcomeOf,
  stayCordoned,
} from './node-steps.ts';

export function restartNode(parts: Parts): NodeWorkflow {
  return nodeWorkflow('restart-node', parts, async steps =>
    goDown(parts, steps, {
      prove: proveStart,
      down: async ours => {
        const before = await steps.quietly('before reset', readBeforeReset);
        await steps.stopHere('reset');
        await steps.step('reset', job => resetHost(job, before, { settling: false, prove: empties(proveStart) }));
        return async () => {
          const by = await steps.deadline('rejoin', parts.timings.rebootMs + parts.timings.rejoinMs);
          const { proof } = await steps.step(
            'rejoin',
            job => proveRejoin(job, before, by),
            back => back.proof,
          );
          if (ours) await steps.step('uncordon', job => uncordon(job));
          await steps.tell({ reason: 'MaintenanceEnded', message: `restarted: ${proof}`, maintenance: false });
          return { state: 'done', message: `restarted: ${proof}` };
        };
      },
    }),
  );
}

/** The node stays cordoned: a host that is switched on again is released by a person. */
export function powerOffNode(parts: Parts): NodeWorkflow {
  return nodeWorkflow('power-off-node', parts, async steps =>
    goDown(parts, steps, {
      prove: proveNothingStaged,
      down: async () => {
        await steps.stopHere('off');
        const { undrained = false } = await steps.quietly('plan', async ({ plan }) => ({ undrained: plan.undrained }));
        // A silent operating system does not hear a request either.
        const prove = empties(proveNothingStaged);
        const asked = !undrained && (await askToEnd(steps, { prove, settling: false }));
        return async () => {
          const proof = await endOrCut(parts, steps, { asked, prove, settling: asked });
          await steps.tell({ reason: 'PoweredOff', message: proof, maintenance: true });
          return { state: 'done', message: `${proof}; the node stays cordoned` };
        };
      },
    }),
  );
}

export function powerOnNode(parts: Parts): NodeWorkflow {
  return nodeWorkflow('power-on-node', parts, async steps => {
    await steps.step('identity', proveIdentity, proof => proof);
    const before = await steps.quietly('before', readBeforeReset);
    const power = await steps.quietly('power', async ({ bmc }) => factValue(await bmc.power()) ?? null);
    if (power === 'on') return { state: 'done', message: 'was on already' };
    await steps.stopHere('on');
    await steps.step('on', job => powerHost(job, { purpose: 'on', prove: proveStart }));
    try {
      const by = await steps.deadline('rejoin', parts.timings.rebootMs + parts.timings.rejoinMs);
      const { proof } = await steps.step(
        'rejoin',
        job => proveRejoin(job, before, by),
        back => back.proof,
      );
      await steps.tell({ reason: 'PoweredOn', message: proof });
      return { state: 'done', message: proof };
    } catch (thrown) {
      const outcome = outcomeOf(thrown);
      await steps.tell({ reason: 'PowerOnFailed', message: outcome.message, type: 'Warning' });
      return outcome;
    }
  });
}

/**
 * Cordons and empties the node, then runs `down`; what `down` returns is the part after the power was touched. A failure
 * before that takes the cordon back, one after it leaves the node cordoned and says why.
 */
async function goDown(
  parts: Parts,
  steps: NodeSteps,
  { prove, down }: { prove: Prove; down(ours: boolean): Promise<() => Promise<NodeOutcome>> },
): Promise<NodeOutcome> {
  await steps.step('identity', proveIdentity, proof => proof);
  await steps.step('nothing staged', prove);
  await steps.step('remediators', clearRemediators, proof => proof);
  await steps.stopHere('cordon');
  let ours = false;
  let after: () => Promise<NodeOutcome>;
  try {
    ({ ours } = await steps.step('cordon', cordon));
    await steps.tell({ reason: 'MaintenanceStarted', message: 'cordoned, the host goes down', maintenance: true });
    await emptyOrSilent(parts, steps);
    after = await down(ours);
  } catch (thrown) {
    const outcome = outcomeOf(thrown);
    return outcome.state === 'ambiguous'
      ? stayCordoned(steps, ours, outcome)
      : giveBack(steps, outcome, 'MaintenanceCancelled');
  }
  return after().catch(thrown => stayCordoned(steps, ours, outcomeOf(thrown)));
}

async function emptyOrSilent(parts: Parts, steps: NodeSteps): Promise<void> {
  const { undrained } = await steps.quietly('emptied?', async ({ plan }) => ({ undrained: plan.undrained ?? false }));
  if (undrained) {
    await steps.step('silent', proveSilent);
    return;
  }
  await empty(parts, steps);
}

/** With that the node is empty, or silent where the plan says so; asked right before the power is touched. */
function empties(prove: Prove): Prove {
  return async job => {
    await prove(job);
    await (job.plan.undrained ? proveSilent(job) : proveDrained(job));
  };
}
