/** Runs of digests in Postgres. */
import type { Kysely } from 'kysely';
import type { DigestRun, DigestRuns } from '../../core/digest-runs.ts';
import type { Tables } from './schema.ts';

export type DigestRunTable = { name: string; due: Date; state: DigestRun['state']; fingerprint: string | null };

export const digestSchema = [
  `create table digest_run (name text not null, due timestamptz not null, state text not null, fingerprint text, primary key (name, due))`,
];

export function digestStore(db: Kysely<Tables>): DigestRuns {
  const newestFirst = (name: string) =>
    db.selectFrom('digest_run').selectAll().where('name', '=', name).orderBy('due', 'desc').limit(1);
  return {
    async newest(name) {
      const row = await newestFirst(name).executeTakeFirst();
      return row && runOf(row);
    },
    async lastTold(name) {
      const row = await newestFirst(name).where('state', '=', 'sent').executeTakeFirst();
      return row && { due: row.due.toISOString(), fingerprint: row.fingerprint ?? '' };
    },
    async claim(name, due) {
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('digest_run')
        .values({ name, due: new Date(due), state: 'claimed', fingerprint: null })
        .onConflict(conflict => conflict.columns(['name', 'due']).doNothing())
        .executeTakeFirst();
      return numInsertedOrUpdatedRows === 1n;
    },
    async end(name, { due, state, fingerprint = null }) {
      await db
        .updateTable('digest_run')
        .set({ state, fingerprint })
        .where('name', '=', name)
        .where('due', '=', new Date(due))
        .execute();
    },
  };
}

function runOf({ due, state, fingerprint }: DigestRunTable): DigestRun {
  return { due: due.toISOString(), state, ...(fingerprint !== null && { fingerprint }) };
}
