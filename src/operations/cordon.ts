/**
 * Cordon and uncordon with ownership. The Node itself says whose the cordon
 * is, and only our own mark is ever taken back (a node cordoned by a person
 * stays cordoned).
 */
import { digestOf } from '../core/canonical.ts';
import { cordonOwner, cordonReason, type NodeFacts } from '../core/cluster.ts';
import { FleetError } from '../core/errors.ts';
import type { NodeJob } from './job.ts';

type NodeWrite = {
  step: string;
  action: string;
  settling: boolean;
  unschedulable: boolean;
  annotations: Record<string, string | null>;
  /** Whether the node already is as this write would leave it. */
  written(node: NodeFacts): boolean;
  /** Throws when the node may not be written as it is now. */
  check?(node: NodeFacts): void;
};

async function writeNode(job: NodeJob, write: NodeWrite): Promise<void> {
  const { cluster, plan, target } = job;
  const name = target.node;
  const body = { unschedulable: write.unschedulable, annotations: write.annotations };
  await job.effect({
    step: write.step,
    action: write.action,
    settling: write.settling,
    prepare: async () => ({
      request: {
        target: `cluster:${plan.cluster}`,
        method: 'PATCH',
        path: `/api/v1/nodes/${name}`,
        bodyDigest: digestOf(body),
      },
    }),
    async send(grant) {
      const node = await cluster.node(name);
      write.check?.(node);
      await cluster.patchNode(grant, { name, resourceVersion: node.resourceVersion, ...body });
      return null;
    },
    async observe() {
      const node = await cluster.node(name);
      if (write.written(node)) return { finding: 'happened', result: null, evidence: 'the Node shows it' };
      return {
        finding: 'not-happened',
        evidence: `the Node does not show it (resourceVersion ${node.resourceVersion})`,
      };
    },
  });
}

/** Cordons, unless the node is cordoned already; answers whether the cordon is ours to take back. */
export async function cordon(job: NodeJob): Promise<{ ours: boolean }> {
  const node = await job.cluster.node(job.target.node);
  const owner = node.annotations[cordonOwner];
  // Our own goes on: an interrupted attempt still needs its outcome on record.
  if (node.unschedulable && owner !== job.operation) return { ours: false };
  await writeNode(job, {
    step: 'cordon',
    action: 'cordon',
    settling: false,
    unschedulable: true,
    annotations: { [cordonOwner]: job.operation, [cordonReason]: `${job.plan.kind}, plan ${job.plan.id}` },
    written: seen => seen.unschedulable && seen.annotations[cordonOwner] === job.operation,
    check: seen => {
      if (seen.unschedulable)
        throw new FleetError({
          code: 'precondition_failed',
          message: `${seen.name} was cordoned by someone else at this moment`,
        });
    },
  });
  return { ours: true };
}

/** Takes back the cordon of `owner` (this operation, or an earlier one that a person releases); refuses anybody else's. */
export async function uncordon(job: NodeJob, owner: string = job.operation): Promise<void> {
  const mine = (node: NodeFacts) => node.annotations[cordonOwner] === owner;
  await writeNode(job, {
    step: 'uncordon',
    action: 'uncordon',
    settling: owner === job.operation,
    unschedulable: false,
    annotations: { [cordonOwner]: null, [cordonReason]: null },
    written: node => !node.unschedulable && node.annotations[cordonOwner] === undefined,
    check: node => {
      if (!mine(node))
        throw new FleetError({
          code: 'precondition_failed',
          message: `the cordon of ${node.name} is not ours to take back`,
        });
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
    unschedulable: true,
    annotations: { [cordonReason]: text },
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
