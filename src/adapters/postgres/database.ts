/** The one connection pool, and all stores over it. */
import { CompiledQuery, Kysely, PostgresDialect, sql } from 'kysely';
import type { LoginLedger } from '../../core/bmc.ts';
import type { SubscriptionLedger } from '../../core/bmc-events.ts';
import type { ChatStore } from '../../core/chat.ts';
import type { ConversationStore } from '../../core/conversation.ts';
import type { DigestRuns } from '../../core/digest-runs.ts';
import { FleetError } from '../../core/errors.ts';
import type { FindingArchive, LogArchive, StateStore } from '../../core/health-records.ts';
import type { HistoryStore } from '../../core/history.ts';
import type { AwayStore, ClaimedGroupStore, DeedTicketStore } from '../../core/identity.ts';
import type { PostStore } from '../../core/posts.ts';
import type { NodeDurations, Records, Stores } from '../../core/records.ts';
import { anchorStore } from './anchor-store.ts';
import { approvalStore } from './approval-store.ts';
import { chatStore } from './chat-store.ts';
import { conversationStore } from './conversation-store.ts';
import { custodyStore } from './custody-store.ts';
import { digestStore } from './digest-store.ts';
import { nodeDurations } from './duration-store.ts';
import { effectStore } from './effect-store.ts';
import { evidenceStore } from './evidence-store.ts';
import { freezeStore } from './freeze-store.ts';
import { groupCommit } from './group-commit.ts';
import { findingArchive, logArchive, loginLedger, stateStore } from './health-store.ts';
import { historyStore } from './history-store.ts';
import { hostStore } from './host-store.ts';
import { awayStore, claimedGroupStore, deedTicketStore } from './identity-store.ts';
import { Life, silenceMs } from './life.ts';
import { operationStore } from './operation-store.ts';
import { ProvedPlans, planStore } from './plan-store.ts';
import { openPool } from './pool.ts';
import { postStore } from './post-store.ts';
import { migrate, type Tables } from './schema.ts';
import { imageStore, leaseStore, loginStore, sessionLedger, subscriptionLedger } from './stores.ts';

/** The work is done over other connections. */
const aloneLimitMs = 60_000;

function storesOver(db: Kysely<Tables>, { executor, proved }: { executor?: string; proved: ProvedPlans }): Stores {
  const queries = {
    async query(text: string, values: unknown[] = []) {
      const { rows } = await db.executeQuery<Record<string, unknown>>(CompiledQuery.raw(text, values));
      return { rows };
    },
  };
  return {
    plans: planStore(db, proved),
    approvals: approvalStore(db),
    operations: operationStore(db, executor),
    effects: effectStore(db),
    leases: leaseStore(db),
    freezes: freezeStore(db),
    images: imageStore(db),
    logins: loginStore(db),
    sessions: sessionLedger(db, executor ?? 'nobody'),
    hosts: hostStore(db),
    custody: custodyStore(queries),
    anchors: anchorStore(db),
    evidence: evidenceStore(db),
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
  deedTickets: DeedTicketStore;
  logInsAway: AwayStore;
  conversations: ConversationStore;
  digestRuns: DigestRuns;
  chat: ChatStore;
  posts: PostStore;
  close(): Promise<void>;
};

/** Of a process that takes part in the work, and so may lose its right to. */
export type WorkerDatabase = Database & {
  life: Life;
  /** Runs it while no other process that starts runs the same. */
  alone(work: () => Promise<void>): Promise<void>;
};

/**
 * Connects and migrates. A transaction in which nothing is asked for `idleMs`, 10 s unless said, is cut. With `lock` it begins a life among the processes that work on this database, and from the moment that
 * another one takes over, transactions throw `conflict`. Throws `database` when the server is unreachable.
 */
export async function openDatabase(url: string, options: { lock: true }): Promise<WorkerDatabase>;
export async function openDatabase(url: string, options: { lock: false; idleMs?: number }): Promise<Database>;
export async function openDatabase(
  url: string,
  options: { lock: boolean; idleMs?: number },
): Promise<Database | WorkerDatabase> {
  const pool = openPool({
    connectionString: url,
    max: 12,
    keepAlive: true,
    connectionTimeoutMillis: 10_000,
    // A process that is gone must not hold rows that its heirs need.
    idle_in_transaction_session_timeout: options.idleMs ?? silenceMs,
  });
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  let life: Life | undefined;
  try {
    await migrate(db);
    if (options.lock) life = await Life.begin(url, db);
  } catch (thrown) {
    await db.destroy();
    const why = thrown instanceof FleetError && thrown.code === 'database' ? (thrown.cause ?? thrown) : thrown;
    if (why instanceof FleetError) throw why;
    const reason = why instanceof Error ? why.message : String(why);
    throw new FleetError({
      code: 'database',
      retry: 'later',
      message: `the database cannot be used: ${reason}`,
      hint: 'check that Postgres runs and that the configured URL is right',
      cause: thrown,
    });
  }
  const own = { ...(life && { executor: life.executor }), proved: new ProvedPlans() };
  const stores = storesOver(db, own);
  const database: Database = {
    ...stores,
    custody: groupCommit(stores.custody),
    conversations: conversationStore(db),
    digestRuns: digestStore(db),
    chat: chatStore(db),
    posts: postStore(db),
    history: historyStore(db),
    healthStates: stateStore(db),
    logEntries: logArchive(db),
    findings: findingArchive(db),
    durations: nodeDurations(db),
    refusedLogins: loginLedger(db),
    subscriptions: subscriptionLedger(db),
    claimedGroups: claimedGroupStore(db),
    deedTickets: deedTicketStore(db),
    logInsAway: awayStore(db),
    transaction: work =>
      db.transaction().execute(async tx => {
        await life?.proveIn(tx);
        return work(storesOver(tx, own));
      }),
    async close() {
      await life?.end();
      await db.destroy();
    },
  };
  if (!life) return database;
  return {
    ...database,
    life,
    alone: work =>
      db.transaction().execute(async tx => {
        await sql`select pg_advisory_xact_lock(hashtext('groundskeeper-start'))`.execute(tx);
        await sql.raw(`set local idle_in_transaction_session_timeout = ${aloneLimitMs}`).execute(tx);
        await work();
      }),
  };
}
