/** The one-node changes: cordon, uncordon, drain, taint, and what is set on a BMC. */
import type { PlannedBmcChange } from '../core/bmc-change.ts';
import { cordonOwner } from '../core/cluster-marks.ts';
import { FleetError } from '../core/errors.ts';
import { hasEnded } from '../core/operation.ts';
import type { Plan, TaintChange } from '../core/plan.ts';
import type { Taint } from '../core/scheduling.ts';
import { awaitPodsGone } from '../operations/await-pods-gone.ts';
import { changeBmc, proveBmcChange, readBeforeChange } from '../operations/change-bmc.ts';
import { cordon, isCordonOf, uncordon } from '../operations/cordon.ts';
import { drain } from '../operations/drain.ts';
import type { NodeJob, Parts } from '../operations/job.ts';
import { clearRemediators, giveBackLeft } from '../operations/pause-remediators.ts';
import { proveIdentity } from '../operations/prove-identity.ts';
import { proveStuck } from '../operations/prove-no-task.ts';
import { changeTaint } from '../operations/taint.ts';
import { disrupts } from '../planning/plan-kinds.ts';
import {
  budgets,
  giveBack,
  type NodeSteps,
  type NodeWorkflow,
  nodeWorkflow,
  outcomeOf,
  Stopped,
} from './node-steps.ts';

export function cordonNode(parts: Parts): NodeWorkflow {
  return nodeWorkflow('cordon-node', parts, async steps => {
    await steps.step('identity', proveIdentity, proof => proof);
    await steps.stopHere('cordon');
    const cordoned = await steps.step('cordon', cordon);
    const { ours } = cordoned;
    if (ours) await steps.tell({ reason: 'Cordoned', message: 'cordoned on request', maintenance: true });
    return { state: 'done', message: ours ? 'cordoned' : `was cordoned before, by ${cordoned.by}` };
  });
}

export function uncordonNode(parts: Parts): NodeWorkflow {
  return nodeWorkflow('uncordon-node', parts, async steps => {
    await steps.step('identity', proveIdentity, proof => proof);
    await steps.stopHere('uncordon');
    const owner = await steps.step('owner', ownerToRelease, found =>
      found ? `cordoned by operation ${found}` : 'not cordoned',
    );
    if (!owner) return { state: 'done', message: 'was schedulable already' };
    await steps.step('uncordon', async job => {
      await uncordon(job, owner);
      // It is a node like any other again, whatever becomes of those.
      await giveBackLeft(job).catch(() => undefined);
    });
    await steps.tell({ reason: 'Uncordoned', message: `cordon of operation ${owner} taken back`, maintenance: false });
    return { state: 'done', message: 'schedulable again' };
  });
}

/** Drains and leaves the node cordoned: that is what a drained node is. A drain that stops early takes its cordon back. */
export function drainNode(parts: Parts): NodeWorkflow {
  return nodeWorkflow('drain-node', parts, async steps => {
    await steps.step('identity', proveIdentity, proof => proof);
    await steps.step('remediators', clearRemediators, proof => proof);
    await steps.stopHere('cordon');
    try {
      const { ours } = await steps.step('cordon', cordon);
      await steps.tell({ reason: 'DrainStarted', message: 'cordoned, pods are being moved', maintenance: true });
      await budgets(parts, steps);
      await steps.stopHere('drain');
      const by = await steps.deadline('drain', parts.timings.drainMs);
      const done = await steps.step('drain', job => drain(job, by));
      if (done.outcome === 'stopped') throw new Stopped(`stopped, not drained: ${done.why}`);
      const message = `${done.evicted} pods evicted and gone; stays cordoned`;
      await steps.tell({ reason: 'Drained', message, maintenance: ours }); // nobody would tell the end of their cordon
      return { state: 'done', message };
    } catch (thrown) {
      return giveBack(steps, outcomeOf(thrown), 'NotDrained');
    }
  });
}

export function taintNode(parts: Parts): NodeWorkflow {
  return nodeWorkflow('taint-node', parts, async (steps, flow) => {
    await steps.step('identity', proveIdentity, proof => proof);
    const { taint, remove, disrupting } = await steps.quietly('taint wanted', async ({ plan }) => ({
      ...wantedTaint(plan),
      disrupting: disrupts(plan),
    }));
    if (disrupting) await steps.step('remediators', clearRemediators, proof => proof);
    const held = disrupting ? await budgets(parts, steps) : [];
    await steps.stopHere('taint');
    await steps.step('taint', job => changeTaint(job, { taint, remove }));
    const left = disrupting && (await flow.patch('pods gone')) ? await podsGone(parts, steps, { taint, held }) : '';
    const message = `${taint.key}:${taint.effect} ${remove ? 'removed' : 'added'}${left && `; ${left}`}`;
    await steps.tell({ reason: remove ? 'TaintRemoved' : 'Tainted', message });
    return { state: 'done', message };
  });
}

async function podsGone({ timings }: Parts, steps: NodeSteps, { taint, held }: { taint: Taint; held: string[] }) {
  const by = await steps.deadline('pods gone', timings.drainMs);
  const wait = (job: NodeJob) => awaitPodsGone(job, taint, { held, by });
  return steps.step('pods gone', wait, left => left || 'gone, and their budgets are well');
}

export function changeNodeBmc(parts: Parts): NodeWorkflow {
  return nodeWorkflow('change-bmc', parts, async steps => {
    await steps.step('identity', proveIdentity, proof => proof);
    const change = await steps.quietly('change wanted', async ({ plan }) => wantedChange(plan));
    const recovers = change.act === 'reset-bmc' && change.recover === true;
    const stuck = recovers ? await steps.step('stuck', proveStuck, found => `${found.length} stand still`) : [];
    await steps.stopHere('change');
    const before = await steps.quietly('before change', readBeforeChange);
    const restart = await steps.step(
      'change',
      job => changeBmc(job, change, { before, stuck }),
      () => 'sent',
    );
    const by = await steps.deadline('prove', parts.timings.rebootMs);
    const proof = await steps.step(
      'prove',
      job => proveBmcChange(job, change, { restart, by }),
      seen => seen,
    );
    const { alongside = [] } = await steps.quietly('alongside', async ({ target }) => ({
      alongside: target.alongside,
    }));
    const message = alongside.length === 0 ? proof : `${proof}; it serves ${alongside.join(', ')} too`;
    await steps.tell({ reason: 'ServerChanged', message });
    return { state: 'done', message };
  });
}

function wantedChange({ id, bmcChange }: Plan): PlannedBmcChange {
  if (bmcChange) return bmcChange;
  throw new FleetError({ code: 'internal', message: `plan ${id} names no change of the BMC` });
}

function wantedTaint({ id, taint }: Plan): TaintChange {
  if (taint) return taint;
  throw new FleetError({ code: 'internal', message: `plan ${id} names no taint` });
}

/** As {@link endedOwner}; of a node that is in service already nothing but what is paused for it is left to give back. */
async function ownerToRelease(job: NodeJob): Promise<string | null> {
  const owner = await endedOwner(job);
  if (!owner) await giveBackLeft(job).catch(() => undefined);
  return owner;
}

/** The operation whose cordon the node carries, if it has ended. Throws when the cordon is nobody's we know, or still in use. */
async function endedOwner({ cluster, target, records }: NodeJob): Promise<string | null> {
  const node = await cluster.node(target.node);
  const owner = node.annotations[cordonOwner];
  // A mark that somebody's kubectl uncordon left behind is taken away, with the condition that goes with it.
  if (!node.unschedulable && !owner) return null;
  if (!owner || !isCordonOf(node, owner))
    throw new FleetError({
      code: 'precondition_failed',
      message: `${target.node} was cordoned by someone else, not by Groundskeeper`,
      hint: `whoever did it takes it back, for example with: kubectl uncordon ${target.node}`,
    });
  const operation = await records.operations.head(owner);
  if (!hasEnded(operation.state))
    throw new FleetError({
      code: 'conflict',
      message: `operation ${owner} still works on ${target.node}`,
      hint: 'cancel it first',
    });
  return owner;
}
