/** Effects in Postgres: what was announced, attempt by attempt, and how each ended. */
import { type Kysely, type Selectable, sql } from 'kysely';
import type { EffectRow, EffectState, EffectStore } from '../../core/records.ts';
import { storable, storableJson } from '../../core/storable.ts';
import type { Tables } from './schema.ts';

/** Comes after every other where text is compared byte by byte. */
const lastCharacter = '\u{10ffff}';

type StoredEffect = Selectable<Tables['effect']>;

function effectOf({ started_at, sent_at, ...row }: StoredEffect): EffectRow {
  return {
    ...row,
    intent: Number(row.intent),
    state: row.state as EffectState,
    startedAt: started_at.toISOString(),
    mayBeSent: sent_at !== null,
  };
}

export function effectStore(db: Kysely<Tables>): EffectStore {
  return {
    async latest(operation, step) {
      const row = await db
        .selectFrom('effect')
        .selectAll()
        .where('operation', '=', operation)
        .where('step', '=', step)
        .orderBy('attempt', 'desc')
        .limit(1)
        .executeTakeFirst();
      return row && effectOf(row);
    },
    async list(operation, { prefix, states }) {
      const step = sql<string>`step collate "C"`;
      const rows = await db
        .selectFrom('effect')
        .selectAll()
        .where('operation', '=', operation)
        .where(step, '>=', prefix)
        .where(step, '<', `${prefix}${lastCharacter}`)
        .where('state', 'in', states)
        .orderBy('intent')
        .execute();
      return rows.map(effectOf);
    },
    async onCluster(cluster, { part, since, limit }) {
      const rows = await db
        .selectFrom('effect')
        .innerJoin('operation_node', join =>
          join
            .onRef('operation_node.operation', '=', 'effect.operation')
            .on(sql<boolean>`operation_node.node = split_part(effect.step, '/', 1)`),
        )
        .selectAll('effect')
        .where('operation_node.cluster', '=', cluster)
        .where('effect.started_at', '>=', since)
        .where(sql<boolean>`strpos(effect.step, ${part}) > 0`)
        .orderBy('effect.intent', 'desc')
        .limit(limit)
        .execute();
      return rows.map(effectOf);
    },
    async sentAttempts(operation, step) {
      const { sent } = await db
        .selectFrom('effect')
        .select(({ fn }) => fn.count<string>('sent_at').as('sent'))
        .where('operation', '=', operation)
        .where('step', '=', step)
        .executeTakeFirstOrThrow();
      return Number(sent);
    },
    async leftByEnded() {
      const rows = await db
        .selectFrom('effect')
        .innerJoin('operation', 'operation.id', 'effect.operation')
        .select('effect.operation')
        .distinct()
        .where('effect.state', 'in', ['open', 'unknown'])
        .where('operation.ended_at', 'is not', null)
        .execute();
      return rows.map(({ operation }) => operation);
    },
    async insert(row) {
      await db
        .insertInto('effect')
        .values({ ...row, state: 'open', before: json(row.before), result: json(null), detail: '', sent_at: null })
        .execute();
    },
    async letOut(intent) {
      const done = await db
        .updateTable('effect')
        .set({ sent_at: sql<Date>`now()` })
        .where('intent', '=', intent)
        .where('state', '=', 'open')
        .executeTakeFirst();
      return done.numUpdatedRows === 1n;
    },
    async close({ intent, from, state, result, detail }) {
      const done = await db
        .updateTable('effect')
        .set({ state, result: json(result), detail: storable(detail) })
        .where('intent', '=', intent)
        .where('state', 'in', from)
        .executeTakeFirst();
      return done.numUpdatedRows === 1n;
    },
  };
}

function json(value: unknown): string {
  return storableJson(value ?? null);
}
