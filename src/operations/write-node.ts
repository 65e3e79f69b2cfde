/**
 * One guarded write to a Node. It carries the resource version that was read,
 * so a write whose answer was lost cannot land over what was seen since: the
 * Node is read again, and what it does not show is written again.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { digestOf } from '../core/canonical.ts';
import type { NodePatch } from '../core/cluster.ts';
import type { NodeFacts } from '../core/cluster-facts.ts';
import type { EffectGrant } from '../core/effect.ts';
import { type ErrorCode, FleetError } from '../core/errors.ts';
import type { JobEffect, NodeJob } from './job.ts';
import { waitFor } from './wait.ts';

export type NodeWrite = {
  step: string;
  action: string;
  settling: boolean;
  /** When to give up, milliseconds since the epoch; after `patienceMs`, or for what settles the time of a rejoin, unless said. */
  by?: number;
  /** What is written; where it depends on the Node as it is now, what determines it beside the Node goes on record. */
  change: NodeChange | { determinedBy: object; on(node: NodeFacts): NodeChange };
  /** Whether the node already is as this write would leave it. */
  written(node: NodeFacts): boolean;
  /** Throws when the node may not be written as it is now. */
  check?(node: NodeFacts): void | Promise<void>;
};

type NodeChange = Omit<NodePatch, 'name' | 'resourceVersion'>;

/** How long an API server that is away, or a Node that changes all the time, holds one write. */
const patienceMs = 120_000;
const longestPauseMs = 5000;

/** What reading the Node again decides; everything else is a clear answer. */
const undecided = new Set<ErrorCode>(['ambiguous', 'conflict', 'cluster_unreachable', 'timeout']);

export async function writeNode(job: NodeJob, write: NodeWrite): Promise<void> {
  const { cluster, target, timings } = job;
  const { by = Date.now() + (write.settling ? Math.max(patienceMs, timings.rejoinMs) : patienceMs) } = write;
  const effect: JobEffect<Ending> = {
    step: write.step,
    action: write.action,
    settling: write.settling,
    prepare: async () => ({
      request: {
        target: `cluster:${target.cluster}`,
        method: 'PATCH',
        path: `/api/v1/nodes/${target.node}`,
        bodyDigest: digestOf('on' in write.change ? write.change.determinedBy : write.change),
      },
    }),
    send: (grant, stillAllowed) => untilWritten(job, write, { grant, stillAllowed, by }),
    async observe() {
      const node = await cluster.node(target.node);
      if (write.written(node)) return { finding: 'happened', result: 'seen', evidence: 'the Node shows it' };
      return {
        finding: 'not-happened',
        evidence: `the Node does not show it (resourceVersion ${node.resourceVersion})`,
      };
    },
    describe: ending => (ending === 'seen' ? 'the answer was lost; the Node shows it' : ''),
  };
  // Where even the Node cannot be read, nothing was written, or it is not known yet: both are looked at again.
  await waitFor({
    what: `${write.action} of ${target.node}`,
    everyMs: timings.pollMs,
    by,
    look: async () => ({ value: await job.effect(effect) }),
  });
}

/** How it is known that the write happened. */
type Ending = 'answered' | 'seen';
type Permission = { grant: EffectGrant; stillAllowed(): Promise<void>; by: number };

async function untilWritten(job: NodeJob, write: NodeWrite, { grant, stillAllowed, by }: Permission): Promise<Ending> {
  const { cluster, target, timings } = job;
  let lost: FleetError | undefined;
  for (let attempt = 0; ; attempt++) {
    const failure = await writeOnce(job, write, grant);
    if (failure === undefined) return 'answered';
    if (failure.code === 'ambiguous') lost = failure;
    if (!undecided.has(failure.code) || Date.now() >= by) throw lost ?? failure;
    await job.report(write.step, 'progress', `${failure.message}; looking again`);
    await delay(Math.min(timings.pollMs * 2 ** Math.min(attempt, 4), longestPauseMs));
    const seen = await cluster.node(target.node).catch(() => undefined);
    if (seen !== undefined && write.written(seen)) return 'seen';
    await stillAllowed().catch(refusal => {
      throw lost ?? refusal;
    });
  }
}

/** What went wrong, if anything did. */
async function writeOnce(
  { cluster, target }: NodeJob,
  write: NodeWrite,
  grant: EffectGrant,
): Promise<FleetError | undefined> {
  try {
    const node = await cluster.node(target.node);
    await write.check?.(node);
    const change = changeFor(write, node);
    await cluster.patchNode(grant, { name: target.node, resourceVersion: node.resourceVersion, ...change });
    return undefined;
  } catch (thrown) {
    return FleetError.from(thrown);
  }
}

function changeFor({ change }: NodeWrite, node: NodeFacts): NodeChange {
  return 'on' in change ? change.on(node) : change;
}
