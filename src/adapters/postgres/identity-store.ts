/** What log-ins at an issuer leave behind: groups that age, and tickets for one vote. */
import type { Kysely } from 'kysely';
import type { ClaimedGroupStore, VoteTicketStore } from '../../core/identity.ts';
import type { Tables } from './schema.ts';

export const identitySchema = [
  `create table claimed_groups (person text primary key, issuer text not null, subject text not null, groups text[] not null, at timestamptz not null)`,
  `create table vote_ticket (token_hash text primary key, person text not null, approval text not null, digest text not null, expires_at timestamptz not null)`,
  `alter table login add column authenticated_at timestamptz, add column strength text`,
];

export function claimedGroupStore(db: Kysely<Tables>): ClaimedGroupStore {
  return {
    async put({ at, ...told }) {
      const row = { ...told, at: new Date(at) };
      await db
        .insertInto('claimed_groups')
        .values(row)
        .onConflict(conflict => conflict.column('person').doUpdateSet(row))
        .execute();
    },
    async list() {
      const rows = await db.selectFrom('claimed_groups').selectAll().execute();
      return rows.map(row => ({ ...row, at: row.at.toISOString() }));
    },
  };
}

export function voteTicketStore(db: Kysely<Tables>): VoteTicketStore {
  return {
    async insert(tokenHash, { expiresAt, ...ticket }) {
      await db.deleteFrom('vote_ticket').where('expires_at', '<', new Date()).execute();
      await db
        .insertInto('vote_ticket')
        .values({ token_hash: tokenHash, ...ticket, expires_at: new Date(expiresAt) })
        .execute();
    },
    async take(tokenHash) {
      const row = await db
        .deleteFrom('vote_ticket')
        .where('token_hash', '=', tokenHash)
        .returningAll()
        .executeTakeFirst();
      if (!row) return undefined;
      const { person, approval, digest, expires_at } = row;
      return { person, approval, digest, expiresAt: expires_at.toISOString() };
    },
  };
}
