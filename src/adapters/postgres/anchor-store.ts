/** What was seen at anchors, and whether everything stands still, in Postgres. */
import { type Kysely, sql } from 'kysely';
import type { AnchorStore } from '../../core/anchor.ts';
import type { Tables } from './schema.ts';

export const anchorSchema = [
  `create table custody_anchor (name text primary key, note text not null, set_aside boolean not null, seen_at timestamptz not null default now())`,
  `create table custody_freeze (
     id bigint generated always as identity primary key, since timestamptz not null default now(), reason text not null,
     lifted_at timestamptz, lifted_by text, lifted_reason text)`,
  `create unique index custody_freeze_one on custody_freeze ((true)) where lifted_at is null`,
];

/** The work is done over other connections, and may push to a git server. */
const exclusiveLimitMs = 120_000;

export function anchorStore(db: Kysely<Tables>): AnchorStore {
  return {
    exclusively: work =>
      db.transaction().execute(async tx => {
        await sql`select pg_advisory_xact_lock(hashtext('groundskeeper-anchors'))`.execute(tx);
        await sql.raw(`set local idle_in_transaction_session_timeout = ${exclusiveLimitMs}`).execute(tx);
        return work();
      }),
    async seen() {
      const rows = await db.selectFrom('custody_anchor').selectAll().orderBy('name').execute();
      return rows.map(({ name, note, set_aside }) => ({ name, note, setAside: set_aside }));
    },
    async saw({ name, note, setAside }) {
      const row = { note, set_aside: setAside, seen_at: new Date() };
      await db
        .insertInto('custody_anchor')
        .values({ name, ...row })
        .onConflict(conflict => conflict.column('name').doUpdateSet(row))
        .execute();
    },
    async forget(name) {
      await db.deleteFrom('custody_anchor').where('name', '=', name).execute();
    },
    async frozen() {
      const row = await db
        .selectFrom('custody_freeze')
        .select(['since', 'reason'])
        .where('lifted_at', 'is', null)
        .executeTakeFirst();
      return row && { since: row.since.toISOString(), reason: row.reason };
    },
    async freeze(reason) {
      const { rows } = await sql<{ id: string }>`
        insert into custody_freeze (reason) values (${reason}) on conflict do nothing returning id`.execute(db);
      return rows.length === 1;
    },
    async lift(by, reason) {
      const lifted = await db
        .updateTable('custody_freeze')
        .set({ lifted_at: new Date(), lifted_by: by, lifted_reason: reason })
        .where('lifted_at', 'is', null)
        .executeTakeFirst();
      return lifted.numUpdatedRows === 1n;
    },
  };
}
