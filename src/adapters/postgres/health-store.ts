/** What the watch over servers remembers, and every finding that there was. */
import { type Kysely, sql } from 'kysely';
import { factValue, type HealthLevel, known, type LoginLedger, unknown } from '../../core/bmc.ts';
import type { Finding } from '../../core/finding.ts';
import type { FindingArchive, LogArchive, StateStore, TakenLogEntry } from '../../core/health-records.ts';
import type { Tables } from './schema.ts';

type Db = Kysely<Tables>;

export const healthSchema = [
  `create table health_state (key text primary key, state jsonb not null)`,
  `create table finding (id text not null, since timestamptz not null, until timestamptz, node text, body jsonb not null, primary key (id, since))`,
  `create index finding_by_node on finding (node, since)`,
  `create table refused_login (bmc_url text not null, credential text not null, at timestamptz not null)`,
  `create index refused_login_of on refused_login (bmc_url, credential, at)`,
];

/** What servers remembered of their logs until now has another form; without it they begin anew. */
export const logSchema = [
  `create table log_entry (node text not null, log text not null, taken_at timestamptz not null, id text not null, created timestamptz,
     severity text not null, message text not null)`,
  `create index log_entry_of on log_entry (node, taken_at)`,
  `create index log_entry_by_time on log_entry using brin (taken_at)`,
  `update health_state set state = state - 'log' where key like 'server/%'`,
];

export function stateStore(db: Db): StateStore {
  return {
    async load(keys) {
      let query = db.selectFrom('health_state').selectAll();
      if (keys !== undefined) query = query.where('key', 'in', keys);
      const rows = await query.execute();
      return new Map(rows.map(({ key, state }) => [key, state]));
    },
    async save(states, taken = []) {
      if (states.length === 0) return;
      const rows = states.map(([key, state]) => ({ key, state: JSON.stringify(state) }));
      await db.transaction().execute(async tx => {
        await tx
          .insertInto('health_state')
          .values(rows)
          .onConflict(conflict => conflict.column('key').doUpdateSet(eb => ({ state: eb.ref('excluded.state') })))
          .execute();
        for (let from = 0; from < taken.length; from += rowsAtOnce)
          await tx
            .insertInto('log_entry')
            .values(taken.slice(from, from + rowsAtOnce).map(rowOf))
            .execute();
      });
    },
  };
}

/** A statement takes 65,535 values. */
const rowsAtOnce = 5000;

function rowOf({ node, log, takenAt, id, created, severity, message }: TakenLogEntry) {
  const time = factValue(created);
  return { node, log, taken_at: takenAt, id, created: time === undefined ? null : new Date(time), severity, message };
}

export function logArchive(db: Db): LogArchive {
  return {
    async list({ node, from, to, limit }) {
      const rows = await db
        .selectFrom('log_entry')
        .selectAll()
        .where('node', '=', node)
        .where('taken_at', '>=', from)
        .where('taken_at', '<=', to)
        .orderBy('taken_at', 'desc')
        .limit(limit)
        .execute();
      return rows.map(({ taken_at: takenAt, created, severity, ...rest }) => ({
        ...rest,
        takenAt,
        severity: severity as HealthLevel,
        created: created === null ? unknown('the entry has no time') : known(created.toISOString()),
      }));
    },
    async forget(before) {
      await db.deleteFrom('log_entry').where('taken_at', '<', before).execute();
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
    failures: (bmcUrl, since) =>
      db
        .selectFrom('refused_login')
        .select(['credential as credentialDigest', 'at'])
        .where('bmc_url', '=', bmcUrl)
        .where('at', '>', since)
        .execute(),
  };
}
