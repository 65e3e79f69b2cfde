/**
 * What the watch over servers asks for, on one node: cordon it before its
 * hardware fails, say so on the Node, drain it where people allow, and take
 * that cordon back. Each reads its evidence again before it acts.
 */
import { hardwareCondition } from '../core/cluster-marks.ts';
import { FleetError } from '../core/errors.ts';
import { cordon, uncordon } from '../operations/cordon.ts';
import type { NodeJob, Parts } from '../operations/job.ts';
import { clearRemediators } from '../operations/pause-remediators.ts';
import { healthActOf, proveHardware } from '../operations/prove-hardware.ts';
import { proveIdentity } from '../operations/prove-identity.ts';
import { setCondition } from '../operations/tell-node.ts';
import { empty, type NodeSteps, type NodeWorkflow, nodeWorkflow } from './node-steps.ts';

export function cordonForHealth(parts: Parts): NodeWorkflow {
  return nodeWorkflow('health-cordon', parts, async steps => {
    const reason = await begin(steps);
    await steps.stopHere('cordon');
    const { ours } = await steps.step('cordon', job => cordon(job, { reason, prove: () => proveHardware(job) }));
    if (!ours) return { state: 'done', message: 'was cordoned before, by someone else' };
    const message = `cordoned before it fails: ${reason}`;
    await steps.tell({ reason: 'HardwareFailing', message, type: 'Warning', hardwareHealthy: false });
    return { state: 'done', message };
  });
}

export function releaseHealthCordon(parts: Parts): NodeWorkflow {
  return nodeWorkflow('health-release', parts, async steps => {
    const reason = await begin(steps);
    await steps.stopHere('uncordon');
    await steps.step('uncordon', async job => {
      const act = healthActOf(job);
      if (act.act !== 'release') throw new FleetError({ code: 'internal', message: `${act.act} releases nothing` });
      await uncordon(job, act.owner, () => proveHardware(job));
    });
    const message = `schedulable again: ${reason}`;
    await steps.tell({ reason: 'HardwareRecovered', message, hardwareHealthy: true });
    return { state: 'done', message };
  });
}

/** Here the condition is the work itself, so it fails where it could not be written. */
export function markHardware(parts: Parts): NodeWorkflow {
  return nodeWorkflow('health-mark', parts, async steps => {
    const message = await begin(steps);
    await steps.stopHere('mark');
    const healthy = await steps.quietly('healthy?', async job => isHealthy(job));
    const reason = healthy ? 'HardwareWell' : 'HardwareFinding';
    await steps.step('mark', job =>
      setCondition(
        job,
        {
          type: hardwareCondition,
          status: healthy ? 'True' : 'False',
          reason,
          // What an older operation wrote must not pass for this one's.
          message: `${message} (operation ${job.operation})`,
        },
        () => proveHardware(job),
      ),
    );
    await steps.tell({ reason, message, type: healthy ? 'Normal' : 'Warning' });
    return { state: 'done', message: `${hardwareCondition} is ${healthy ? 'True' : 'False'}: ${message}` };
  });
}

/**
 * The node stays as cordoned as it was, however far the drain came. Budgets may take hours, so each eviction asks again
 * whether the hardware still fails.
 */
export function drainForHealth(parts: Parts): NodeWorkflow {
  return nodeWorkflow('health-drain', parts, async steps => {
    await begin(steps);
    await steps.step('remediators', clearRemediators, proof => proof);
    await empty(parts, steps, proveHardware);
    return { state: 'done', message: 'drained; stays cordoned' };
  });
}

/** Proves machine and evidence; answers why, in words fit for the Node. */
async function begin(steps: NodeSteps): Promise<string> {
  await steps.step('identity', proveIdentity, proof => proof);
  await steps.step('evidence', proveHardware, proof => proof);
  return steps.quietly('reason', async job => healthActOf(job).reason);
}

function isHealthy(job: NodeJob): boolean {
  const act = healthActOf(job);
  return act.act === 'mark' && act.healthy;
}
