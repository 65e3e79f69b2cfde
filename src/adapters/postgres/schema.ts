/** Tables and migrations. A migration that has shipped is never edited; the next one changes what it made. */
import type { ColumnType, Generated, JSONColumnType } from 'kysely';
import { type Kysely, sql } from 'kysely';
import type { Closing } from '../../core/approval.ts';
import type { Deed } from '../../core/identity.ts';
import { anchorSchema } from './anchor-store.ts';
import { approvalSchema } from './approval-schema.ts';
import { type ChatEventTable, type ChatThreadTable, chatSchema } from './chat-store.ts';
import { type ConversationTable, conversationSchema, type ModelSpendTable } from './conversation-store.ts';
import { custodySchema } from './custody-schema.ts';
import { type DigestRunTable, digestSchema } from './digest-store.ts';
import { type EvidenceKeyTable, type EvidenceTable, evidenceSchema } from './evidence-store.ts';
import { type FreezeTable, freezeSchema } from './freeze-store.ts';
import { healthSchema, logSchema } from './health-store.ts';
import { historySchema } from './history-schema.ts';
import { hostSchema } from './host-store.ts';
import { deedSchema, identitySchema } from './identity-store.ts';
import { lifeSchema } from './life.ts';
import { type PostTable, postSchema } from './post-store.ts';

type Json = JSONColumnType<object | null>;

export type Tables = {
  plan: { id: string; digest: string; body: string; created_at: Generated<Date> };
  approval: {
    id: string;
    plan: string;
    digest: string;
    requester: string;
    channel: string;
    author: string;
    state: string;
    requirements: Json;
    created_at: Date;
    expires_at: Date;
    operation: string | null;
    break_glass: ColumnType<Closing | null, undefined, string>;
    closing: ColumnType<Closing | null, undefined, string>;
  };
  vote: {
    approval: string;
    digest: string;
    person: string;
    groups: string[];
    channel: string;
    strength: string;
    vote: string;
    reason: string;
    at: Date;
  };
  operation: {
    id: string;
    plan: string;
    digest: string;
    kind: string;
    site: string;
    cluster: string;
    state: string;
    reason: string;
    requester: string;
    channel: string;
    approval: string | null;
    cancel_requested_by: string | null;
    revoked: boolean;
    execute_until: Date;
    paused_by: string | null;
    advanced_to: number | null;
    halting: string | null;
    created_at: Date;
    ended_at: Date | null;
  };
  operation_node: {
    operation: string;
    node: string;
    site: string;
    cluster: string;
    wave: number;
    state: string;
    step: string;
    message: string;
    code: string | null;
    step_since: Date | null;
    updated_at: Generated<Date>;
    begun_at: Date | null;
  };
  operation_event: {
    seq: Generated<number>;
    operation: string;
    key: string;
    time: Generated<Date>;
    node: string | null;
    step: string;
    status: string;
    message: string;
  };
  effect: {
    operation: string;
    step: string;
    attempt: number;
    intent: number;
    state: string;
    before: Json;
    result: Json;
    detail: string;
    started_at: Generated<Date>;
    /** Set by the database where the insert does not say otherwise: versions before it never did, and may have sent. */
    sent_at: Date | null;
  };
  change_freeze: FreezeTable;
  chat_event: ChatEventTable;
  chat_thread: ChatThreadTable;
  conversation: ConversationTable;
  model_spend: ModelSpendTable;
  digest_run: DigestRunTable;
  evidence_key: EvidenceKeyTable;
  evidence: EvidenceTable;
  post: PostTable;
  lease: { key: string; holder: string; taken_at: Generated<Date> };
  image_token: {
    token: string;
    operation: string;
    node: string;
    image: string;
    sha256: string;
    remote: string;
    closed: boolean;
  };
  image_fetch: { token: string; time: Generated<Date>; remote: string; status: number; bytes: number };
  login: {
    token_hash: string;
    person: string;
    channel: string;
    scope: string;
    expires_at: Date;
    authenticated_at: Date | null;
    strength: string | null;
  };
  claimed_groups: { person: string; issuer: string; subject: string; groups: string[]; at: Date };
  vote_ticket: { token_hash: string; person: string; act: string; approval: string; digest: string; expires_at: Date };
  log_in_away: {
    state_hash: string;
    browser: string;
    return_to: string;
    since: Date;
    deed: ColumnType<Deed | null, string | null>;
  };
  reading: { node: string; at: Date; layout: number | null; numbers: (number | null)[] | null; missing: string | null };
  health_state: { key: string; state: Json };
  finding: { id: string; since: Date; until: Date | null; node: string | null; body: Json };
  log_entry: {
    node: string;
    log: string;
    taken_at: Date;
    id: string;
    created: Date | null;
    severity: string;
    message: string;
  };
  refused_login: { bmc_url: string; credential: string; at: Date };
  bmc_session: { bmc_url: string; session_uri: string; opened_at: Generated<Date>; executor: Generated<string> };
  executor: { id: string; host: string; boot_id: string | null; began_at: Generated<Date>; ended_at: Date | null };
  image_listener: { one: Generated<boolean>; word: string };
  bmc_subscription: { bmc_url: string; destination: string; opened_at: Generated<Date> };
  custody_anchor: { name: string; note: string; set_aside: boolean; seen_at: Date };
  custody_freeze: {
    id: Generated<string>;
    since: Generated<Date>;
    reason: string;
    lifted_at: Date | null;
    lifted_by: string | null;
    lifted_reason: string | null;
  };
};

const first = [
  `create table plan (id text primary key, digest text not null unique, body text not null, created_at timestamptz not null default now())`,
  `create table approval (
     id text primary key, plan text not null unique references plan, digest text not null, requester text not null, channel text not null, author text not null,
     state text not null check (state in ('pending', 'approved', 'rejected', 'expired')),
     requirements jsonb not null, created_at timestamptz not null, expires_at timestamptz not null, operation text)`,
  `create table vote (approval text not null references approval, person text not null, vote text not null check (vote in ('approve', 'reject')),
     reason text not null, at timestamptz not null, primary key (approval, person))`,
  `create table operation (
     id text primary key, plan text not null unique references plan, digest text not null unique, kind text not null, site text not null, cluster text not null,
     state text not null check (state in ('queued', 'running', 'done', 'halted', 'cancelled')), reason text not null, requester text not null, channel text not null,
     approval text references approval, cancel_requested_by text, created_at timestamptz not null, ended_at timestamptz)`,
  `create table operation_node (operation text not null references operation, node text not null, wave int not null, state text not null,
     step text not null, message text not null, updated_at timestamptz not null default now(), primary key (operation, node))`,
  `create table operation_event (seq bigint generated always as identity primary key, operation text not null references operation, key text not null,
     time timestamptz not null default now(), node text, step text not null, status text not null, message text not null, unique (operation, key))`,
  `create table effect (operation text not null references operation, step text not null, attempt int not null, intent bigint not null unique,
     state text not null, before jsonb, result jsonb, detail text not null, started_at timestamptz not null default now(),
     primary key (operation, step, attempt))`,
  `create table lease (key text primary key, holder text not null, taken_at timestamptz not null default now())`,
  `create table image_token (token text primary key, operation text not null, node text not null, image text not null, remote text not null,
     closed boolean not null, unique (operation, node))`,
  `create table image_fetch (token text not null references image_token, time timestamptz not null default now(), remote text not null, status int not null, bytes bigint not null)`,
  `create table login (token_hash text primary key, person text not null, channel text not null, scope text not null, expires_at timestamptz not null)`,
  `create table bmc_session (bmc_url text not null, session_uri text not null, opened_at timestamptz not null default now(), primary key (bmc_url, session_uri))`,
  ...custodySchema,
];

const imageDigest = [`alter table image_token add column sha256 text not null default ''`];

/** A node may get several images in one maintenance. */
const imagePerToken = [
  `alter table image_token drop constraint image_token_operation_node_key`,
  `alter table image_token add unique (operation, node, image)`,
];

const subscriptions = [
  `create table bmc_subscription (bmc_url text not null, destination text not null, opened_at timestamptz not null default now(),
     primary key (bmc_url, destination))`,
];

const holds = [
  `alter table operation add column paused_by text, add column advanced_to int`,
  `alter table operation_node add column code text, add column step_since timestamptz`,
];

const listenerWord = [
  `create table image_listener (one boolean primary key default true check (one), word text not null)`,
];

const operationsOverSites = [
  `alter table operation add column halting text`,
  `alter table operation_node add column site text not null default ''`,
  `alter table operation_node add column cluster text not null default ''`,
  `update operation_node set site = operation.site, cluster = operation.cluster from operation where operation.id = operation_node.operation`,
];

/** Those that stand may have been sent, and so may what an older version inserts beside this one. */
const sentAt = [`alter table effect add column sent_at timestamptz default now()`];

const begunAt = [`alter table operation_node add column begun_at timestamptz`];

/** Before each effect those of its node are asked for; byte by byte, so that they lie beside each other whatever the locale. */
const effectsOfNode = [`create index effect_of_node on effect (operation, step collate "C")`];

/** A few among all that ever were. */
const openOperations = [`create index operation_open on operation (created_at) where state in ('queued', 'running')`];

/** How long nodes took is asked for before each effect where a site has windows. */
const lastNodes = [
  `create index operation_node_done on operation_node (updated_at desc) where state = 'done'`,
  `create index event_of_node on operation_event (operation, node, time)`,
];

/** Who follows an operation asks for its next event five times a second, where others have left a million. */
const eventsInOrder = [`create index operation_event_in_order on operation_event (operation, seq)`];

const migrations: { name: string; statements: string[] }[] = [
  { name: '2026-11-22 first form', statements: first },
  { name: '2026-11-23 digest of an offered image', statements: imageDigest },
  { name: '2026-11-24 readings over time', statements: historySchema },
  { name: '2026-11-24 findings and refused log-ins', statements: healthSchema },
  { name: '2026-11-26 entries of event logs', statements: logSchema },
  { name: '2026-11-26 subscriptions to events', statements: subscriptions },
  { name: '2026-11-26 approvals that are revoked, and how votes were cast', statements: approvalSchema },
  { name: '2026-11-26 several images for a node', statements: imagePerToken },
  { name: '2026-11-26 pauses, advances and since when a step runs', statements: holds },
  { name: '2026-11-26 freezes', statements: freezeSchema },
  { name: '2026-11-26 log-ins at an issuer', statements: identitySchema },
  { name: '2026-11-26 several processes', statements: [...lifeSchema, ...listenerWord] },
  { name: '2026-11-26 operations over sites', statements: operationsOverSites },
  { name: '2026-11-26 anchors of the custody log', statements: anchorSchema },
  { name: '2026-11-26 which host a process runs on', statements: hostSchema },
  { name: '2026-11-26 conversations', statements: conversationSchema },
  { name: '2026-11-26 runs of digests', statements: digestSchema },
  { name: '2026-11-26 when the request of an effect may have left', statements: sentAt },
  { name: '2026-11-26 evidence beside the custody log', statements: evidenceSchema },
  { name: '2026-11-26 threads and events of a chat', statements: chatSchema },
  { name: '2026-11-26 log-ins for any deed, and those under way', statements: deedSchema },
  { name: '2026-11-26 posts to a chat', statements: postSchema },
  { name: '2026-11-26 when a node of an operation began', statements: begunAt },
  { name: '2026-11-27 effects of one node of many', statements: effectsOfNode },
  { name: '2026-11-27 operations that are open', statements: openOperations },
  { name: '2026-11-27 how long the last nodes took', statements: lastNodes },
  { name: '2026-11-27 events of one operation in their order', statements: eventsInOrder },
];

/** Brings the database to this version's form; two services that start at once take turns. */
export async function migrate(db: Kysely<Tables>): Promise<void> {
  await db.transaction().execute(async tx => {
    await sql`select pg_advisory_xact_lock(hashtext('groundskeeper-migrate'))`.execute(tx);
    await sql`create table if not exists migration (name text primary key, applied_at timestamptz not null default now())`.execute(
      tx,
    );
    const applied = await sql<{ name: string }>`select name from migration`.execute(tx);
    const names = new Set(applied.rows.map(row => row.name));
    for (const migration of migrations) {
      if (names.has(migration.name)) continue;
      for (const statement of migration.statements) await sql.raw(statement).execute(tx);
      await sql`insert into migration (name) values (${migration.name})`.execute(tx);
    }
  });
}
