/**
 * Proof, right before a disruption, that nothing else in the cluster would
 * reboot, replace or power the node meanwhile. Two that repair one machine
 * break it.
 */
import { FleetError } from '../core/errors.ts';
import { remediatorRefusal } from '../planning/remediators.ts';
import type { NodeJob } from './job.ts';

/**
 * Throws `precondition_failed` naming each that is not paused and how to pause it, and what reading them throws: a
 * kind that may not be read counts as present. Answers with the evidence.
 */
export async function proveNoRemediator({ cluster, target }: Pick<NodeJob, 'cluster' | 'target'>): Promise<string> {
  const all = await cluster.remediators();
  const refusal = remediatorRefusal(target, all);
  if (refusal !== undefined)
    throw new FleetError({
      code: 'precondition_failed',
      message: `${target.node} is not disrupted while something else may act on it: ${refusal}`,
      hint: 'pause what is named here, begin again, and take the pause back afterwards; or set remediators: pause for the cluster, and plan again',
    });
  if (all.length === 0) return 'nothing else in the cluster reboots or replaces nodes';
  const known = `${all.length} ${all.length === 1 ? 'controller that reboots' : 'controllers that reboot'}`;
  return `${known} or replace nodes, none of which acts on ${target.node} now`;
}
