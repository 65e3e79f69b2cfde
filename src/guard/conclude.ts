/** Ends an operation: state, what it left open, custody entry and leases in one transaction, and a signed checkpoint over all of it. */
import type { OperationState } from '../core/operation.ts';
import type { Records } from '../core/records.ts';
import type { People } from './authority.ts';
import { closeOpen } from './custody/close-open.ts';
import type { CustodyLog } from './custody/log.ts';

export function concluder(parts: { records: Records; custody: CustodyLog; people: People }) {
  const { records, custody, people } = parts;
  return async (id: string, state: OperationState, reason: string): Promise<void> => {
    const operation = await records.operations.head(id);
    await records.transaction(async tx => {
      if (!(await tx.operations.transition(id, ['queued', 'running'], state, reason))) return;
      await tx.leases.release(id);
      await tx.operations.addEvent(id, 'end', {
        step: 'operation',
        status: state === 'done' ? 'ok' : 'failed',
        message: `${state}: ${reason}`,
      });
      const actor = { sub: operation.requester, groups: people.find(operation.requester)?.groups ?? [] };
      const resource = { site: operation.site, cluster: operation.cluster };
      const by = { actor, via: { channel: 'service' } } as const;
      await closeOpen(tx, custody, { id, why: 'the operation ended before anybody saw what became of it', by });
      await custody.append(
        {
          type: 'operation',
          operation: id,
          digest: operation.digest,
          state,
          reason,
          ...by,
          resource,
        },
        tx.custody,
      );
    });
    await custody.checkpoint();
  };
}
