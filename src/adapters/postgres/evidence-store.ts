/** Evidence and the keys of its subjects in Postgres. Both are ciphertext here; the key that opens them is elsewhere. */
import type { Kysely, Selectable } from 'kysely';
import { sql } from 'kysely';
import type { EvidenceRow, EvidenceStore } from '../../core/evidence.ts';
import type { Tables } from './schema.ts';

export type EvidenceKeyTable = { id: string; subject: string; sealed: Buffer };
export type EvidenceTable = {
  id: string;
  subject: string;
  kind: string;
  name: string | null;
  key: string;
  sealed: Buffer;
};

// A key goes and its evidence stays, unreadable, so nothing refers to it.
export const evidenceSchema = [
  `create table evidence_key (id text primary key, subject text not null unique, sealed bytea not null, made_at timestamptz not null default now())`,
  `create table evidence (id text primary key, subject text not null, kind text not null, name text unique, key text not null,
     sealed bytea not null, kept_at timestamptz not null default now())`,
  `create index evidence_by_key on evidence (key)`,
];

export function evidenceStore(db: Kysely<Tables>): EvidenceStore {
  return {
    async keyFor(subject, fresh) {
      const held = () =>
        db.selectFrom('evidence_key').select(['id', 'sealed']).where('subject', '=', subject).forShare();
      const there = await held().executeTakeFirst();
      if (there) return there;
      const { id, sealed } = fresh();
      await db
        .insertInto('evidence_key')
        .values({ id, subject, sealed: Buffer.from(sealed) })
        .onConflict(conflict => conflict.column('subject').doNothing())
        .execute();
      return held().executeTakeFirstOrThrow();
    },
    async insert({ sealed, ...row }) {
      const done = await db
        .insertInto('evidence')
        .values({ ...row, sealed: Buffer.from(sealed) })
        .onConflict(conflict => conflict.column('name').doNothing())
        .executeTakeFirst();
      return done.numInsertedOrUpdatedRows === 1n;
    },
    async get(id): Promise<EvidenceRow | undefined> {
      const row: Selectable<EvidenceTable> | undefined = await db
        .selectFrom('evidence')
        .select(['id', 'subject', 'kind', 'name', 'key', 'sealed'])
        .where('id', '=', id)
        .executeTakeFirst();
      return row;
    },
    key: id => db.selectFrom('evidence_key').select(['id', 'sealed']).where('id', '=', id).executeTakeFirst(),
    async erase(subject) {
      const gone = await db
        .deleteFrom('evidence_key')
        .where('subject', '=', subject)
        .returning('id')
        .executeTakeFirst();
      if (!gone) return undefined;
      const { pieces } = await db
        .selectFrom('evidence')
        .select(sql<string>`count(*)`.as('pieces'))
        .where('key', '=', gone.id)
        .executeTakeFirstOrThrow();
      return Number(pieces);
    },
  };
}
