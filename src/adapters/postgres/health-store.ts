/** What the watch over servers remembers, and every finding that there was. */
import { type Kysely, sql } from 'kysely';
import type { LoginLedger } from '../../core/bmc.ts';
import type { Finding } from '../../core/finding.ts';
import type { FindingArchive, StateStore } from '../../core/health-records.ts';
import type { Tables } from './schema.ts';

type Db = Kysely<Tables>;

export const healthSchema = [
  `create table health_state (key text primary key, state jsonb not null)`,
  `create table finding (id text not null, since timestamptz not null, until timestamptz, node text, body jsonb not null, primary key (id, since))`,
  `create index finding_by_node on finding (node, since)`,
  `create table refused_login (bmc_url text not null, credential text not null, at timestamptz not null)`,
  `create index refused_login_of on refused_login (bmc_url, credential, at)`,
];

export function stateStore(db: Db): StateStore {
  return {
    async load() {
      const rows = await db.selectFrom('health_state').selectAll().execute();
      return new Map(rows.map(({ key, state }) => [key, state]));
    },
    async save(states) {
      if (states.length === 0) return;
      const rows = states.map(([key, state]) => ({ key, state: JSON.stringify(state) }));
      await db
        .insertInto('health_state')
        .values(rows)
        .onConflict(conflict => conflict.column('key').doUpdateSet(eb => ({ state: eb.ref('excluded.state') })))
        .execute();
    },
  };
}

export function findingArchive(db: Db): FindingArchive {
  return {
    async put(findings) {
      for (const finding of findings) {
        const { id, since, node = null, clearedAt } = finding;
        const values = { id, since: new Date(since), node, until: clearedAt ? new Date(clearedAt) : null };
        const body = JSON.stringify(finding);
        await db
          .insertInto('finding')
          .values({ ...values, body })
          .onConflict(conflict => conflict.columns(['id', 'since']).doUpdateSet({ until: values.until, body }))
          .execute();
      }
    },
    async list({ node, since, limit }) {
      let query = db
        .selectFrom('finding')
        .select('body')
        .where(sql<boolean>`coalesce("until", 'infinity') >= ${since}`)
        .orderBy('since', 'desc')
        .limit(limit);
      if (node !== undefined) query = query.where('node', '=', node);
      return (await query.execute()).map(({ body }) => body as unknown as Finding);
    },
  };
}

/** Older refusals say nothing any more; they are forgotten when a new one comes. */
const keptMs = 24 * 3_600_000;

export function loginLedger(db: Db): LoginLedger {
  return {
    async failed(bmcUrl, credentialDigest, at) {
      await db
        .deleteFrom('refused_login')
        .where('at', '<', new Date(at.getTime() - keptMs))
        .execute();
      await db.insertInto('refused_login').values({ bmc_url: bmcUrl, credential: credentialDigest, at }).execute();
    },
    async failures(bmcUrl, credentialDigest, since) {
      const rows = await db
        .selectFrom('refused_login')
        .select('at')
        .where('bmc_url', '=', bmcUrl)
        .where('credential', '=', credentialDigest)
        .where('at', '>', since)
        .execute();
      return rows.map(({ at }) => at);
    },
  };
}
