/** Freezes in Postgres: one row each, kept when it is lifted. */
import type { Kysely } from 'kysely';
import type { FreezeStore } from '../../core/records.ts';
import type { Tables } from './schema.ts';

export type FreezeTable = {
  id: string;
  site: string;
  cluster: string;
  reason: string;
  by: string;
  at: Date;
  lifted_by: string | null;
  lifted_at: Date | null;
};

export const freezeSchema = [
  `create table change_freeze (id text primary key, site text not null, cluster text not null, reason text not null, by text not null,
     at timestamptz not null, lifted_by text, lifted_at timestamptz, check ((lifted_by is null) = (lifted_at is null)))`,
  `create index change_freeze_standing on change_freeze (at) where lifted_at is null`,
];

export function freezeStore(db: Kysely<Tables>): FreezeStore {
  return {
    async insert({ at, ...freeze }) {
      await db
        .insertInto('change_freeze')
        .values({ ...freeze, at: new Date(at), lifted_by: null, lifted_at: null })
        .execute();
    },
    async standing() {
      const rows = await db
        .selectFrom('change_freeze')
        .selectAll()
        .where('lifted_at', 'is', null)
        .orderBy('at')
        .execute();
      return rows.map(({ id, site, cluster, reason, by, at }) => ({
        id,
        site,
        cluster,
        reason,
        by,
        at: at.toISOString(),
      }));
    },
    async lift(id, { by, at }) {
      const result = await db
        .updateTable('change_freeze')
        .set({ lifted_by: by, lifted_at: at })
        .where('id', '=', id)
        .where('lifted_at', 'is', null)
        .executeTakeFirst();
      return result.numUpdatedRows === 1n;
    },
  };
}
