/**
 * One node's firmware and BIOS settings, in one maintenance: drained once, and given back once all of it is proved. Until the
 * first change is handed over, stopping takes back the cordon; from then on the node settles, and only proved changes and a
 * proved rejoin lead to uncordon.
 */
import { showChanges } from '../core/planned-change.ts';
import { cordon, uncordon } from '../operations/cordon.ts';
import type { Parts } from '../operations/job.ts';
import { type BeforeGate, passNodeGate, readBeforeGate } from '../operations/pass-node-gate.ts';
import { clearRemediators } from '../operations/pause-remediators.ts';
import { precheckChanges } from '../operations/precheck-changes.ts';
import { proveIdentity } from '../operations/prove-identity.ts';
import { makeChanges } from './make-changes.ts';
import {
  empty,
  giveBack,
  type NodeSteps,
  type NodeWorkflow,
  nodeWorkflow,
  outcomeOf,
  stayCordoned,
} from './node-steps.ts';

export function updateNode(parts: Parts): NodeWorkflow {
  return nodeWorkflow('update-node', parts, async (steps, flow) => {
    await steps.step('identity', proveIdentity, proof => proof);
    const todo = await steps.step('precheck', precheckChanges, found =>
      found.length > 0 ? 'as planned' : 'nothing to do',
    );
    if (todo.length === 0) return { state: 'done', message: 'is so already: nothing was done' };
    await steps.step('remediators', clearRemediators, proof => proof);
    await steps.stopHere('cordon');
    const { changes, wanted, before } = await steps.quietly('wanted', async job => {
      const { plan, target } = job;
      const { changes: all = [] } = target;
      const stood = plan.gates ? await readBeforeGate(job) : null;
      return { changes: all, wanted: `${showChanges(all)}, plan ${plan.id}`, before: stood };
    });
    let ours = false;
    try {
      ({ ours } = await steps.step('cordon', cordon, done =>
        done.ours ? '' : `was cordoned by ${done.by}, and stays so`,
      ));
      await steps.tell({ reason: 'MaintenanceStarted', message: wanted, maintenance: true });
      await empty(parts, steps);
    } catch (thrown) {
      return giveBack(steps, outcomeOf(thrown), 'MaintenanceCancelled');
    }
    const made = await makeChanges(parts, steps, { changes, todo, ours });
    if ('ended' in made) return made.ended;
    try {
      const message = made.proofs.join('; ');
      if (ours) await steps.step('uncordon', job => uncordon(job));
      await steps.tell({ reason: 'MaintenanceEnded', message, maintenance: false });
      if (before) await soak(parts, steps, { before, bootId: made.bootId, sleep: flow.sleep });
      return { state: 'done', message };
    } catch (thrown) {
      return stayCordoned(steps, ours, outcomeOf(thrown));
    }
  });
}

type Soak = { before: BeforeGate; bootId: string; sleep(ms: number): Promise<void> };

async function soak(parts: Parts, steps: NodeSteps, { before, bootId, sleep }: Soak): Promise<void> {
  const ms = await steps.step(
    'soak',
    async job => job.plan.soakMs,
    soakMs => `${soakMs / 1000} s`,
  );
  await sleep(ms);
  const by = await steps.deadline('steady', parts.timings.gateMs);
  await steps.step(
    'steady',
    job => passNodeGate(job, { before, bootId, by }),
    proof => proof,
  );
}
