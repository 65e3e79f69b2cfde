/** The one-node changes: cordon, uncordon, drain. */
import { cordonOwner } from '../core/cluster.ts';
import { FleetError } from '../core/errors.ts';
import { hasEnded } from '../core/operation.ts';
import { cordon, uncordon } from '../operations/cordon.ts';
import { drain } from '../operations/drain.ts';
import type { NodeJob, Parts } from '../operations/job.ts';
import { proveIdentity } from '../operations/prove-identity.ts';
import { budgets, type NodeWorkflow, nodeWorkflow, outcomeOf } from './node-steps.ts';

export function cordonNode(parts: Parts): NodeWorkflow {
  return nodeWorkflow('cordon-node', parts, async steps => {
    await steps.step('identity', proveIdentity, proof => proof);
    await steps.stopHere('cordon');
    const { ours } = await steps.step('cordon', cordon);
    return { state: 'done', message: ours ? 'cordoned' : 'was cordoned before, by someone else' };
  });
}

export function uncordonNode(parts: Parts): NodeWorkflow {
  return nodeWorkflow('uncordon-node', parts, async steps => {
    await steps.step('identity', proveIdentity, proof => proof);
    await steps.stopHere('uncordon');
    const owner = await steps.step('owner', endedOwner, found =>
      found ? `cordoned by operation ${found}` : 'not cordoned',
    );
    if (!owner) return { state: 'done', message: 'was schedulable already' };
    await steps.step('uncordon', job => uncordon(job, owner));
    return { state: 'done', message: 'schedulable again' };
  });
}

/** Drains and leaves the node cordoned: that is what a drained node is. A drain that stops early takes its cordon back. */
export function drainNode(parts: Parts): NodeWorkflow {
  return nodeWorkflow('drain-node', parts, async steps => {
    await steps.step('identity', proveIdentity, proof => proof);
    await steps.stopHere('cordon');
    const { ours } = await steps.step('cordon', cordon);
    try {
      await budgets(parts, steps);
      await steps.stopHere('drain');
      const by = await steps.deadline('drain', parts.timings.drainMs);
      const done = await steps.step('drain', job => drain(job, by));
      if (done.outcome === 'drained')
        return { state: 'done', message: `${done.evicted} pods evicted and gone; stays cordoned` };
      if (ours) await steps.step('uncordon', job => uncordon(job));
      return { state: 'cancelled', message: `stopped, not drained: ${done.why}` };
    } catch (thrown) {
      if (ours) await steps.step('uncordon', job => uncordon(job));
      return outcomeOf(thrown);
    }
  });
}

/** The operation whose cordon the node carries, if it has ended. Throws when the cordon is nobody's we know, or still in use. */
async function endedOwner({ cluster, target, records }: NodeJob): Promise<string | null> {
  const node = await cluster.node(target.node);
  if (!node.unschedulable) return null;
  const owner = node.annotations[cordonOwner];
  if (!owner)
    throw new FleetError({
      code: 'precondition_failed',
      message: `${target.node} was cordoned by someone else, not by Groundskeeper`,
      hint: `whoever did it takes it back, for example with: kubectl uncordon ${target.node}`,
    });
  const operation = await records.operations.get(owner);
  if (!hasEnded(operation.state))
    throw new FleetError({
      code: 'conflict',
      message: `operation ${owner} still works on ${target.node}`,
      hint: 'cancel it first',
    });
  return owner;
}
