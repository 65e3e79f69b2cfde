/** Posts in Postgres: one row each. */
import { type Kysely, sql } from 'kysely';
import type { PostStore } from '../../core/posts.ts';
import type { Tables } from './schema.ts';

export type PostTable = {
  key: string;
  channel: string;
  at: string | null;
  digest: string | null;
  final: boolean;
  claimed_at: Date;
};

export const postSchema = [
  `create table post (key text primary key, channel text not null, at text, digest text, final boolean not null default false,
     claimed_at timestamptz not null default now())`,
  `create index post_open on post (claimed_at) where not final`,
];

export function postStore(db: Kysely<Tables>): PostStore {
  return {
    async get(key) {
      const row = await db.selectFrom('post').selectAll().where('key', '=', key).executeTakeFirst();
      return row && postOf(row);
    },
    async open() {
      const rows = await db.selectFrom('post').selectAll().where('final', '=', false).orderBy('claimed_at').execute();
      return rows.map(postOf);
    },
    async missing(keys) {
      if (keys.length === 0) return [];
      const rows = await db.selectFrom('post').select('key').where('key', 'in', keys).execute();
      const there = new Set(rows.map(({ key }) => key));
      return keys.filter(key => !there.has(key));
    },
    async begun() {
      const { first } = await db
        .selectFrom('post')
        .select(({ fn }) => fn.min('claimed_at').as('first'))
        .executeTakeFirstOrThrow();
      return first ?? new Date();
    },
    async claim({ key, channel }) {
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('post')
        .values({ key, channel, at: null, digest: null, final: false, claimed_at: sql`now()` })
        .onConflict(conflict => conflict.column('key').doNothing())
        .executeTakeFirst();
      return numInsertedOrUpdatedRows === 1n;
    },
    async gone(key, channel) {
      await db.updateTable('post').set({ channel, at: null, digest: null }).where('key', '=', key).execute();
    },
    async sent(key, state) {
      await db.updateTable('post').set(state).where('key', '=', key).execute();
    },
  };
}

function postOf({ key, channel, at, digest, final }: PostTable) {
  return { key, channel, final, ...(at !== null && { at }), ...(digest !== null && { digest }) };
}
