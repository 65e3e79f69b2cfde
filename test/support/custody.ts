/** A custody log on a database of its own, and the ways in which someone with the owner's rights may meddle with it. */
import { generateKeyPairSync } from 'node:crypto';
import pg from 'pg';
import { custodySchema } from '../../src/adapters/postgres/custody-schema.ts';
import { custodyStore } from '../../src/adapters/postgres/custody-store.ts';
import type { CustodyEntry, CustodyStore } from '../../src/core/custody.ts';
import type { Stores } from '../../src/core/records.ts';
import { CustodyLog } from '../../src/guard/custody/log.ts';
import { signer } from '../../src/guard/custody/signing-key.ts';
import { storedRows } from '../../src/guard/custody/stored-rows.ts';
import { type CustodyVerdict, verifyLog } from '../../src/guard/custody/verify.ts';
import { freshDatabase } from './postgres.ts';

export async function custodyScene() {
  const database = await freshDatabase();
  const pool = new pg.Pool({ connectionString: database.url, max: 8 });
  for (const statement of custodySchema) await pool.query(statement);
  const store = custodyStore(pool);
  const key = signer('custody.test/fleet', generateKeyPairSync('ed25519').privateKey);
  const log = new CustodyLog({ store, signer: key });
  return {
    pool,
    store,
    log,
    signer: key,
    /** Runs `work` with stores of one transaction, of which there is the log alone. */
    async transaction<T>(work: (tx: Stores) => Promise<T>): Promise<T> {
      const client = await pool.connect();
      try {
        await client.query('begin');
        const done = await work({ custody: custodyStore(client) } as Stores);
        await client.query('commit');
        return done;
      } catch (thrown) {
        await client.query('rollback');
        throw thrown;
      } finally {
        client.release();
      }
    },
    verify: () => verifyStore(store, log.verifierKey),
    /** Runs statements as an owner who switched the triggers off. */
    async meddle(...statements: string[]): Promise<void> {
      const client = await pool.connect();
      try {
        await client.query("set session_replication_role = 'replica'");
        for (const statement of statements) await client.query(statement);
        await client.query('reset session_replication_role');
      } finally {
        client.release();
      }
    },
    async close(): Promise<void> {
      await pool.end();
      await database.drop();
    },
  };
}

export type CustodyScene = Awaited<ReturnType<typeof custodyScene>>;

async function verifyStore(store: CustodyStore, verifierKey: string): Promise<CustodyVerdict> {
  const [head, checkpoints] = [await store.head(), await store.checkpoints()];
  return verifyLog({ rows: storedRows(store), head, checkpoints, verifierKey });
}

const by = { actor: { sub: 'ada', groups: ['sre'] }, via: { channel: 'service' } } as const;

export function serviceEntry(detail: string): CustodyEntry {
  return { type: 'service', action: 'started', detail, ...by, actor: { ...by.actor, groups: [...by.actor.groups] } };
}

export function intentEntry(operation: string): CustodyEntry {
  const request = { target: 'https://127.0.0.1', method: 'POST', path: '/reset', bodyDigest: 'sha256:0' } as const;
  const what = { digest: 'sha256:1', step: 'reset', action: 'reset', attempt: 1, request };
  return { ...serviceEntry(''), type: 'effect.intent', operation, ...what };
}

export function resultEntry(operation: string, intent: number): CustodyEntry {
  return { ...serviceEntry(''), type: 'effect.result', operation, intent, status: 'ok', detail: '' };
}
