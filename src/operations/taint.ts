/**
 * Adds or removes one taint. Ours are named on the Node, and only those are
 * ever removed. The out-of-service taint makes Kubernetes give up a node's
 * pods and volumes, so it waits for proof that the machine is off: a machine
 * that still writes to a volume would corrupt it.
 */
import { factValue, showFact } from '../core/bmc.ts';
import type { NodeFacts } from '../core/cluster-facts.ts';
import { outOfService, taintOwner } from '../core/cluster-marks.ts';
import { FleetError } from '../core/errors.ts';
import type { TaintChange } from '../core/plan.ts';
import type { Taint } from '../core/scheduling.ts';
import { disrupts } from '../planning/plan-kinds.ts';
import { taintName, taintOwners } from '../planning/taints.ts';
import { holdBudgets } from './hold-budgets.ts';
import type { NodeJob } from './job.ts';
import { proveQuorum } from './prove-quorum.ts';
import { proveNoRemediator } from './refuse-remediators.ts';
import { writeNode } from './write-node.ts';

/** Throws `precondition_failed` where the taint is not ours to remove, or the machine is not proved to be off. */
export async function changeTaint(job: NodeJob, wanted: TaintChange): Promise<void> {
  const { taint, remove } = wanted;
  await writeNode(job, {
    step: remove ? 'untaint' : 'taint',
    action: remove ? 'untaint' : 'taint',
    settling: false,
    change: { determinedBy: wanted, on: node => changedBy(wanted, node, job.operation) },
    written: node => {
      const there = node.taints.some(each => sameTaint(each, taint) && each.value === taint.value);
      return remove ? !there : there && taintOwners(node).get(taintName(taint)) === job.operation;
    },
    async check(node) {
      const there = node.taints.some(each => sameTaint(each, taint));
      const ours = taintOwners(node).has(taintName(taint));
      if (there && !ours)
        throw new FleetError({
          code: 'precondition_failed',
          message: `the taint ${taintName(taint)} of ${node.name} is not ours`,
          hint: 'whoever set it takes it back, for example with: kubectl taint node',
        });
      if (!remove && taint.key === outOfService) await proveOff(job, node);
      if (disrupts(job.plan)) await proveFree(job);
    },
  });
}

function changedBy({ taint, remove }: TaintChange, node: NodeFacts, operation: string) {
  const others = node.taints.filter(each => !sameTaint(each, taint));
  const owners = taintOwners(node);
  if (remove) owners.delete(taintName(taint));
  else owners.set(taintName(taint), operation);
  return {
    taints: remove ? others : [...others, taint],
    annotations: { [taintOwner]: owners.size === 0 ? null : JSON.stringify(Object.fromEntries(owners)) },
  };
}

/** Nothing else repairs the node, etcd can spare it, and the budgets are ours that cover pods which came since they were held. */
async function proveFree(job: NodeJob): Promise<void> {
  await proveNoRemediator(job);
  await proveQuorum(job);
  await holdBudgets(job, Date.now());
}

/** The machine is off by its BMC's word, and Kubernetes does not hear from it either. */
async function proveOff({ bmc, target }: NodeJob, node: NodeFacts): Promise<void> {
  const power = await bmc.power();
  if (factValue(power) !== 'off')
    throw new FleetError({
      code: 'precondition_failed',
      message: `${target.node} is not proved to be off (its BMC says: ${showFact(power)}): it may still write to its volumes`,
      hint: 'power the server off first',
    });
  if (node.ready)
    throw new FleetError({
      code: 'precondition_failed',
      message: `${target.node} is Ready, although its BMC says that it is off: is it the same machine?`,
    });
}

/** A Node has at most one taint of a key and effect. */
function sameTaint(a: Taint, b: Taint): boolean {
  return a.key === b.key && a.effect === b.effect;
}
