/** How long nodes took in earlier operations, from what the operations told of themselves. */
import { type Kysely, sql } from 'kysely';
import type { PlanKind } from '../../core/plan.ts';
import type { NodeDurations } from '../../core/records.ts';
import type { Tables } from './schema.ts';

/** Of so many last nodes. */
const lookedAt = 200;

export function nodeDurations(db: Kysely<Tables>): NodeDurations {
  return {
    async ofKind(kind: PlanKind) {
      const { rows } = await sql<{ ms: number }>`
        select extract(epoch from max(event.time) - min(event.time))::float8 * 1000 as ms
        from operation_event event
        join operation_node part on part.operation = event.operation and part.node = event.node
        join operation on operation.id = event.operation
        where operation.kind = ${kind} and part.state = 'done'
        group by event.operation, event.node order by max(event.time) desc limit ${lookedAt}`.execute(db);
      return rows.map(({ ms }) => ms);
    },
  };
}
