/** Leases, images, log-ins, BMC sessions and subscriptions in Postgres. */
import type { Kysely } from 'kysely';
import { sql } from 'kysely';
import type { SessionLedger } from '../../core/bmc.ts';
import type { SubscriptionLedger } from '../../core/bmc-events.ts';
import { newToken } from '../../core/ids.ts';
import type { ImageStore, LeaseStore, Login, LoginStore, Proof } from '../../core/records.ts';
import type { Tables } from './schema.ts';

type Db = Kysely<Tables>;

export function leaseStore(db: Db): LeaseStore {
  return {
    async take(keys, holder) {
      const ended = sql`(
        exists (select from operation where id = split_part(lease.holder, '/', 1) and ended_at is not null)
        or exists (select from operation_node where operation = split_part(lease.holder, '/', 1)
          and node = split_part(lease.holder, '/', 2) and state not in ('waiting', 'running')))`;
      for (const key of [...keys].sort()) {
        const row = await sql<{ holder: string }>`
          insert into lease (key, holder) values (${key}, ${holder})
          on conflict (key) do update set holder = case when ${ended} then excluded.holder else lease.holder end,
            taken_at = case when ${ended} then now() else lease.taken_at end
          returning holder`.execute(db);
        const found = row.rows[0]?.holder ?? 'unknown';
        if (found !== holder) {
          await this.release(holder, keys);
          return { taken: false, key, holder: found };
        }
      }
      return { taken: true };
    },
    async holds(keys, holder) {
      const rows = await db
        .selectFrom('lease')
        .select('key')
        .where('key', 'in', keys)
        .where('holder', '=', holder)
        .execute();
      return rows.length === new Set(keys).size;
    },
    async release(holder, keys) {
      let query = db.deleteFrom('lease').where('holder', '=', holder);
      if (keys) query = query.where('key', 'in', keys);
      await query.execute();
    },
  };
}

export function imageStore(db: Db): ImageStore {
  return {
    async offer(token) {
      await db
        .insertInto('image_token')
        .values(token)
        .onConflict(conflict => conflict.columns(['operation', 'node', 'image']).doNothing())
        .execute();
      return db
        .selectFrom('image_token')
        .selectAll()
        .where('operation', '=', token.operation)
        .where('node', '=', token.node)
        .where('image', '=', token.image)
        .executeTakeFirstOrThrow();
    },
    byToken: token => db.selectFrom('image_token').selectAll().where('token', '=', token).executeTakeFirst(),
    async fetched(token, fetch) {
      await db
        .insertInto('image_fetch')
        .values({ token, ...fetch })
        .execute();
    },
    async fetches(token) {
      const rows = await db.selectFrom('image_fetch').selectAll().where('token', '=', token).orderBy('time').execute();
      return rows.map(row => ({
        time: row.time.toISOString(),
        remote: row.remote,
        status: row.status,
        bytes: Number(row.bytes),
      }));
    },
    async listenerWord() {
      await db
        .insertInto('image_listener')
        .values({ word: newToken() })
        .onConflict(conflict => conflict.doNothing())
        .execute();
      return (await db.selectFrom('image_listener').select('word').executeTakeFirstOrThrow()).word;
    },
    async close({ operation, node }) {
      await db
        .updateTable('image_token')
        .set({ closed: true })
        .where('operation', '=', operation)
        .where('node', '=', node)
        .execute();
    },
  };
}

export function loginStore(db: Db): LoginStore {
  return {
    async insert(tokenHash, login) {
      await db.deleteFrom('login').where('expires_at', '<', new Date()).execute();
      const { expiresAt, proof, ...rest } = login;
      await db
        .insertInto('login')
        .values({
          token_hash: tokenHash,
          ...rest,
          expires_at: new Date(expiresAt),
          authenticated_at: proof ? new Date(proof.at) : null,
          strength: proof?.strength ?? null,
        })
        .execute();
    },
    async get(tokenHash) {
      const row = await db.selectFrom('login').selectAll().where('token_hash', '=', tokenHash).executeTakeFirst();
      if (!row) return undefined;
      return {
        person: row.person,
        channel: row.channel as Login['channel'],
        scope: row.scope as Login['scope'],
        expiresAt: row.expires_at.toISOString(),
        ...(row.authenticated_at && {
          proof: { at: row.authenticated_at.toISOString(), strength: row.strength as Proof['strength'] },
        }),
      };
    },
    async remove(tokenHash) {
      await db.deleteFrom('login').where('token_hash', '=', tokenHash).execute();
    },
  };
}

/** `executor` is whose sessions are written down; those of others are listed as foreign. */
export function sessionLedger(db: Db, executor: string): SessionLedger {
  return {
    async opened(bmcUrl, sessionUri) {
      await db
        .insertInto('bmc_session')
        .values({ bmc_url: bmcUrl, session_uri: sessionUri, executor })
        .onConflict(conflict => conflict.doNothing())
        .execute();
    },
    async closed(bmcUrl, sessionUri) {
      await db.deleteFrom('bmc_session').where('bmc_url', '=', bmcUrl).where('session_uri', '=', sessionUri).execute();
    },
    async list(bmcUrl) {
      let query = db.selectFrom('bmc_session').selectAll().orderBy('opened_at');
      if (bmcUrl !== undefined) query = query.where('bmc_url', '=', bmcUrl);
      const rows = await query.execute();
      return rows.map(row => ({
        bmcUrl: row.bmc_url,
        sessionUri: row.session_uri,
        ...(row.executor === executor ? {} : { foreign: true as const }),
      }));
    },
  };
}

export function subscriptionLedger(db: Db): SubscriptionLedger {
  return {
    async opened(bmcUrl, destination) {
      await db
        .insertInto('bmc_subscription')
        .values({ bmc_url: bmcUrl, destination })
        .onConflict(conflict => conflict.doNothing())
        .execute();
    },
    async closed(bmcUrl, destination) {
      await db
        .deleteFrom('bmc_subscription')
        .where('bmc_url', '=', bmcUrl)
        .where('destination', '=', destination)
        .execute();
    },
    async list() {
      const rows = await db.selectFrom('bmc_subscription').selectAll().execute();
      return rows.map(row => ({ bmcUrl: row.bmc_url, destination: row.destination }));
    },
  };
}
