/**
 * Nodes of one wave share no PodDisruptionBudget when they are planned, but
 * evicted pods move. So the budgets that cover a node's pods are held while it
 * is emptied and updated, read after its cordon, when no pod can arrive any
 * more; a node that shares one waits for the other to come back.
 */
import type { Stores } from '../core/records.ts';
import { pdbGroupsOfNode } from '../planning/pdb-groups.ts';
import type { NodeJob } from './job.ts';
import { answered, waitFor } from './wait.ts';

type Part = { operation: string; node: string };

function holderOf({ operation, node }: Part): string {
  return `${operation}/${node}`;
}

/** Throws `stopped` when the operation is, `timeout` naming the budget and who holds it. */
export async function holdBudgets(job: NodeJob, by: number): Promise<string[]> {
  const { cluster, target, timings, records } = job;
  const [pods, pdbs] = await answered({ job, by, stopReason: job.stopReason }, () =>
    Promise.all([cluster.pods(target.node), cluster.pdbs()]),
  );
  const groups = pdbGroupsOfNode(target.node, pods, pdbs);
  if (groups.length === 0) return groups;
  const keys = groups.map(group => `pdb:${target.cluster}/${group}`);
  return waitFor<string[]>({
    what: `the disruption budgets of ${target.node}`,
    everyMs: timings.pollMs,
    by,
    stopReason: job.stopReason,
    async look() {
      // A process that was replaced while it waited must not take what nobody would give back.
      const holder = holderOf({ operation: job.operation, node: target.node });
      const taken = await records.transaction(tx => tx.leases.take(keys, holder));
      if (taken.taken) return { value: groups };
      const [, busy = taken.holder] = taken.holder.split('/');
      await job.report('budgets', 'progress', `${taken.key.replace(/^pdb:[^/]*\//, '')} is in use by ${busy}`);
      return { missing: `${taken.key} is held by ${taken.holder}` };
    },
  });
}

export async function releaseBudgets({ leases }: Pick<Stores, 'leases'>, part: Part): Promise<void> {
  await leases.release(holderOf(part));
}
