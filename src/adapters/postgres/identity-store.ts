/** What log-ins at an issuer need between two requests, and leave behind: groups that age, and tickets for one deed. */
import type { Kysely } from 'kysely';
import type { AwayStore, ClaimedGroupStore, Deed, DeedTicketStore } from '../../core/identity.ts';
import type { Tables } from './schema.ts';

export const identitySchema = [
  `create table claimed_groups (person text primary key, issuer text not null, subject text not null, groups text[] not null, at timestamptz not null)`,
  `create table vote_ticket (token_hash text primary key, person text not null, approval text not null, digest text not null, expires_at timestamptz not null)`,
  `alter table login add column authenticated_at timestamptz, add column strength text`,
];

/** A ticket for a vote became one for any deed; `approval` is what it is for. Whoever is at the issuer may come back to another process. */
export const deedSchema = [
  `alter table vote_ticket add column act text not null default 'vote'`,
  `create table log_in_away (state_hash text primary key, browser text not null, return_to text not null, since timestamptz not null, deed jsonb)`,
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

export function deedTicketStore(db: Kysely<Tables>): DeedTicketStore {
  return {
    async insert(tokenHash, { person, act, on, digest, expiresAt }) {
      await db.deleteFrom('vote_ticket').where('expires_at', '<', new Date()).execute();
      await db
        .insertInto('vote_ticket')
        .values({ token_hash: tokenHash, person, act, approval: on, digest, expires_at: new Date(expiresAt) })
        .execute();
    },
    async take(tokenHash) {
      const row = await db
        .deleteFrom('vote_ticket')
        .where('token_hash', '=', tokenHash)
        .returningAll()
        .executeTakeFirst();
      if (!row) return undefined;
      const { person, act, approval, digest, expires_at } = row;
      return { person, act: act as Deed['act'], on: approval, digest, expiresAt: expires_at.toISOString() };
    },
  };
}

export function awayStore(db: Kysely<Tables>): AwayStore {
  return {
    async insert(stateHash, { browser, returnTo, since, deed }, { oldest, most }) {
      await db.deleteFrom('log_in_away').where('since', '<', oldest).execute();
      const row = { state_hash: stateHash, browser, return_to: returnTo, since: new Date(since) };
      await db
        .insertInto('log_in_away')
        .values({ ...row, deed: deed ? JSON.stringify(deed) : null })
        .execute();
      const latest = db.selectFrom('log_in_away').select('state_hash').orderBy('since', 'desc').limit(most);
      await db.deleteFrom('log_in_away').where('state_hash', 'not in', latest).execute();
    },
    async take(stateHash) {
      const row = await db
        .deleteFrom('log_in_away')
        .where('state_hash', '=', stateHash)
        .returningAll()
        .executeTakeFirst();
      if (!row) return undefined;
      const { browser, return_to: returnTo, since, deed } = row;
      return { browser, returnTo, since: since.toISOString(), ...(deed ? { deed } : {}) };
    },
  };
}
