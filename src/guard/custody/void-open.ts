/** How what was under way ends when its database turns out to be an old or a second one: nothing of it counts any more. */
import type { Approval } from '../../core/approval.ts';
import type { Records, Stores } from '../../core/records.ts';
import { closeOpen, type Ending } from './close-open.ts';
import { byService, type CustodyLog } from './log.ts';

type Log = Pick<CustodyLog, 'append'>;

/** Approvals that could still lead to an effect. */
export async function openApprovals({ approvals, operations }: Pick<Records, 'approvals' | 'operations'>) {
  const running = new Set((await operations.list({ open: true, limit: 10_000 })).map(({ id }) => id));
  const approved = (await approvals.list('approved')).filter(({ operation }) => running.has(operation ?? ''));
  return [...(await approvals.list('pending')), ...approved];
}

/** Answers the ids of those that were still what they were. */
export async function voidApprovals(tx: Stores, custody: Log, { open, reason }: { open: Approval[]; reason: string }) {
  const voided: string[] = [];
  const closing = { by: byService.actor.sub, reason, at: new Date().toISOString() };
  for (const { id, plan, digest, state } of open) {
    if (!(await tx.approvals.transition(id, { from: state, to: 'expired', closing }))) continue;
    const entry = { type: 'approval', approval: id, plan, digest, state: 'expired', reason } as const;
    await custody.append({ ...entry, ...byService }, tx.custody);
    voided.push(id);
  }
  return voided;
}

/** Halts an operation; what it had announced and not concluded is ambiguous. Answers how many effects that were. */
export async function endAmbiguous(tx: Stores, custody: Log, { id, why, by }: Ending): Promise<number> {
  const operation = await tx.operations.get(id);
  const ambiguous = await closeOpen(tx, custody, { id, why, by });
  for (const { node, state, step } of operation.nodes) {
    if (state === 'waiting')
      await tx.operations.setNode(id, { node, state: 'skipped', step, message: 'never started' });
    if (state === 'running') await tx.operations.setNode(id, { node, state: 'ambiguous', step, message: why });
  }
  if (await tx.operations.transition(id, ['queued', 'running'], 'halted', why)) {
    await tx.leases.release(id);
    await tx.operations.addEvent(id, 'end', { step: 'operation', status: 'failed', message: `halted: ${why}` });
    const { digest, site, cluster } = operation;
    const entry = { type: 'operation', operation: id, digest, state: 'halted', reason: why } as const;
    await custody.append({ ...entry, ...by, resource: { site, cluster } }, tx.custody);
  }
  return ambiguous;
}
