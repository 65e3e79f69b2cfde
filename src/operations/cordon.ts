/**
 * Cordon and uncordon with ownership. The Node itself says whose the cordon
 * is, and only our own mark is ever taken back (a node cordoned by a person
 * stays cordoned).
 */
import type { NodeFacts } from '../core/cluster-facts.ts';
import { cordonOwner, cordonReason, fieldManager } from '../core/cluster-marks.ts';
import { FleetError } from '../core/errors.ts';
import type { NodeJob } from './job.ts';
import { proveQuorum } from './prove-quorum.ts';
import { answered, briefly } from './wait.ts';
import { writeNode } from './write-node.ts';

/** Whether the cordon is ours to take back; where it is not, whose it is. */
export type Cordoned = { ours: true } | { ours: false; by: string };

/**
 * Cordons, unless the node is cordoned already. `prove` is asked before each request, and throws where the node is not to
 * be cordoned any more.
 */
export async function cordon(
  job: NodeJob,
  { reason, prove }: { reason?: string; prove?: () => Promise<unknown> } = {},
): Promise<Cordoned> {
  const node = await nodeNow(job);
  const owner = node.annotations[cordonOwner];
  // Our own goes on: an interrupted attempt still needs its outcome on record.
  if (node.unschedulable && owner !== job.operation)
    return { ours: false, by: owner && isCordonOf(node, owner) ? `operation ${owner}` : 'someone else' };
  await writeNode(job, {
    step: 'cordon',
    action: 'cordon',
    settling: false,
    change: {
      unschedulable: true,
      annotations: {
        [cordonOwner]: job.operation,
        [cordonReason]: reason ?? `${job.plan.kind}, plan ${job.plan.id}`,
      },
    },
    written: seen => seen.unschedulable && seen.annotations[cordonOwner] === job.operation,
    async check(seen) {
      if (seen.unschedulable && seen.annotations[cordonOwner] !== job.operation)
        throw new FleetError({
          code: 'precondition_failed',
          message: `${seen.name} was cordoned by someone else at this moment`,
        });
      await proveQuorum(job);
      await prove?.();
    },
  });
  return { ours: true };
}

/** Takes back this operation's cordon, where the Node or an interrupted attempt says that there is one. */
export async function takeBackCordon(job: NodeJob): Promise<'taken back' | 'not ours'> {
  const begun = await job.records.effects.latest(job.operation, `${job.target.node}/uncordon`);
  if (!begun && !isCordonOf(await nodeNow(job), job.operation)) return 'not ours';
  await uncordon(job);
  return 'taken back';
}

/** The mark alone is not enough: whoever uncordons with kubectl leaves it, and somebody else may have cordoned since. */
export function isCordonOf(node: NodeFacts, operation: string): boolean {
  const byUs = node.cordonManager === undefined || node.cordonManager === fieldManager;
  return node.annotations[cordonOwner] === operation && (!node.unschedulable || byUs);
}

function nodeNow(job: NodeJob): Promise<NodeFacts> {
  const by = Date.now() + job.timings.rejoinMs;
  return answered({ job, by }, () => job.cluster.node(job.target.node));
}

/**
 * Takes back the cordon of `owner` (this operation, or an earlier one that is released); refuses anybody else's. `prove` is
 * asked before each request, and throws where the cordon is to stay.
 */
export async function uncordon(
  job: NodeJob,
  owner: string = job.operation,
  prove?: () => Promise<unknown>,
): Promise<void> {
  await writeNode(job, {
    step: 'uncordon',
    action: 'uncordon',
    settling: owner === job.operation,
    change: { unschedulable: false, annotations: { [cordonOwner]: null, [cordonReason]: null } },
    written: node => !node.unschedulable && node.annotations[cordonOwner] === undefined,
    async check(node) {
      if (!isCordonOf(node, owner))
        throw new FleetError({
          code: 'precondition_failed',
          message: `the cordon of ${node.name} is not ours to take back`,
        });
      await prove?.();
    },
  });
}

/** Leaves the node cordoned and writes on it why, for whoever runs `kubectl describe node`. */
export async function explainCordon(job: NodeJob, reason: string): Promise<void> {
  const text = `${reason} (operation ${job.operation})`;
  await writeNode(job, {
    step: 'explain',
    action: 'annotate',
    settling: true,
    by: briefly(job.timings.pollMs),
    change: { unschedulable: true, annotations: { [cordonReason]: text } },
    written: node => node.annotations[cordonReason] === text,
    check: node => {
      if (node.annotations[cordonOwner] !== job.operation)
        throw new FleetError({
          code: 'precondition_failed',
          message: `the cordon of ${node.name} is not ours to explain`,
        });
      if (!node.unschedulable)
        throw new FleetError({
          code: 'precondition_failed',
          message: `${node.name} was uncordoned by someone else, and stays so`,
        });
    },
  });
}
