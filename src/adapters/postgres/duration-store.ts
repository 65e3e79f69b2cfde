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
      // The nodes are chosen first: of all events that there ever were, these are few.
      const { rows } = await sql<{ ms: number }>`
        with part as materialized (
          select part.operation, part.node from operation_node part join operation on operation.id = part.operation
          where operation.kind = ${kind} and part.state = 'done' order by part.updated_at desc limit ${lookedAt})
        select told.ms from part cross join lateral (
          select extract(epoch from max(time) - min(time))::float8 * 1000 as ms, max(time) as last from operation_event
          where operation = part.operation and node = part.node) told
        where told.ms is not null order by told.last desc`.execute(db);
      return rows.map(({ ms }) => ms);
    },
  };
}
