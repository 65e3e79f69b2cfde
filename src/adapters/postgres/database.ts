/** The one connection pool, and all stores over it. */
import { CompiledQuery, Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import type { LoginLedger } from '../../core/bmc.ts';
import type { SubscriptionLedger } from '../../core/bmc-events.ts';
import { FleetError } from '../../core/errors.ts';
import type { FindingArchive, LogArchive, StateStore } from '../../core/health-records.ts';
import type { HistoryStore } from '../../core/history.ts';
import type { ClaimedGroupStore, VoteTicketStore } from '../../core/identity.ts';
import type { NodeDurations, Records, Stores } from '../../core/records.ts';
import { approvalStore } from './approval-store.ts';
import { custodyStore } from './custody-store.ts';
import { nodeDurations } from './duration-store.ts';
import { freezeStore } from './freeze-store.ts';
import { findingArchive, logArchive, loginLedger, stateStore } from './health-store.ts';
import { historyStore } from './history-store.ts';
import { claimedGroupStore, voteTicketStore } from './identity-store.ts';
import { effectStore, operationStore } from './operation-store.ts';
import { migrate, type Tables } from './schema.ts';
import { ServiceLock } from './service-lock.ts';
import { imageStore, leaseStore, loginStore, planStore, sessionLedger, subscriptionLedger } from './stores.ts';

function storesOver(db: Kysely<Tables>): Stores {
  const executor = {
    async query(text: string, values: unknown[] = []) {
      const { rows } = await db.executeQuery<Record<string, unknown>>(CompiledQuery.raw(text, values));
      return { rows };
    },
  };
  return {
    plans: planStore(db),
    approvals: approvalStore(db),
    operations: operationStore(db),
    effects: effectStore(db),
    leases: leaseStore(db),
    freezes: freezeStore(db),
    images: imageStore(db),
    logins: loginStore(db),
    sessions: sessionLedger(db),
    custody: custodyStore(executor),
  };
}

export type Database = Records & {
  history: HistoryStore;
  healthStates: StateStore;
  findings: FindingArchive;
  logEntries: LogArchive;
  durations: NodeDurations;
  refusedLogins: LoginLedger;
  subscriptions: SubscriptionLedger;
  claimedGroups: ClaimedGroupStore;
  voteTickets: VoteTicketStore;
  close(): Promise<void>;
};

/**
 * Connects, migrates, and holds the service's lock: two services on one
 * database would act on each other's operations. Throws `database` when the
 * server is unreachable, `conflict` when another service holds the lock.
 */
export async function openDatabase(url: string, options: { lock: boolean }): Promise<Database> {
  const pool = new pg.Pool({ connectionString: url, max: 12, keepAlive: true, connectionTimeoutMillis: 10_000 });
  pool.on('error', () => {}); // an idle connection that broke is replaced; a query on it reports by itself
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  const lock = options.lock ? new ServiceLock(url) : undefined;
  try {
    await migrate(db);
    await lock?.hold();
  } catch (thrown) {
    await db.destroy();
    if (thrown instanceof FleetError) throw thrown;
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new FleetError({
      code: 'database',
      retry: 'later',
      message: `the database cannot be used: ${reason}`,
      hint: 'check that Postgres runs and that the configured URL is right',
      cause: thrown,
    });
  }
  return {
    ...storesOver(db),
    history: historyStore(db),
    healthStates: stateStore(db),
    logEntries: logArchive(db),
    findings: findingArchive(db),
    durations: nodeDurations(db),
    refusedLogins: loginLedger(db),
    subscriptions: subscriptionLedger(db),
    claimedGroups: claimedGroupStore(db),
    voteTickets: voteTicketStore(db),
    async transaction(work) {
      await lock?.hold();
      return db.transaction().execute(tx => work(storesOver(tx)));
    },
    async close() {
      await lock?.release();
      await db.destroy();
    },
  };
}
