/**
 * Two instances of the guard on one Postgres, under rules and rights that
 * change while they work, and with crashes: a call to the database that never
 * returns, or a commit whose instance does not live to see it.
 */
import { generateKeyPairSync } from 'node:crypto';
import { rmSync } from 'node:fs';
import pg from 'pg';
import { openDatabase } from '../../src/adapters/postgres/database.ts';
import type { StoredEntry } from '../../src/core/custody.ts';
import { FleetError } from '../../src/core/errors.ts';
import type { Policy } from '../../src/core/policy.ts';
import type { Records, Stores } from '../../src/core/records.ts';
import { createApprovals } from '../../src/guard/approvals.ts';
import { createAuthority } from '../../src/guard/authority.ts';
import { CustodyLog } from '../../src/guard/custody/log.ts';
import { signer } from '../../src/guard/custody/signing-key.ts';
import { loadPolicy } from '../../src/guard/policy/load-policy.ts';
import { glassGroup, minutes, mostPending, type Rule } from './approvals-model.ts';
import { policiesAsking } from './edited-policies.ts';
import { examplePlan } from './example-plan.ts';
import { freshDatabase } from './postgres.ts';

/** Dies at the database call of this number, or once this many transactions were committed. */
export type Crash = { call: number } | { commit: number };

export type World = Awaited<ReturnType<typeof approvalsWorld>>;

export async function approvalsWorld(rules: Rule[]) {
  const database = await freshDatabase();
  const policies = new Map<string, Policy>(rules.map(rule => [rule.name, policyOf(annotationsOf(rule))]));
  const forbids = policyOf(undefined);
  const given = { groups: {} as Record<string, string[]>, rule: rules[0] as Rule | undefined, now: 0 };
  const current = () => (given.rule ? policies.get(given.rule.name) : undefined) ?? forbids;
  const policy: Policy = {
    get digest() {
      return current().digest;
    },
    decide: request => current().decide(request),
  };
  const people = {
    find(name: string) {
      const groups = given.groups[name];
      return groups && { name, groups };
    },
  };
  const key = signer('guard.test/fleet', generateKeyPairSync('ed25519').privateKey);
  const open = () => openDatabase(database.url, { lock: false });
  const databases = [await open(), await open()] as const;
  const admin = new pg.Pool({ connectionString: database.url, max: 2 });
  const started = Date.now();
  const now = () => new Date(started + given.now * 60_000 + (Date.now() - started) / 1000);

  const windowOf = async () => ({ open: true, closesInMs: Number.MAX_SAFE_INTEGER, expectedMs: 0 });
  const guardOver = (records: Records) => {
    const custody = new CustodyLog({ store: records.custody, signer: key });
    const authority = createAuthority({
      ...{ records, policy, people, now, windowOf },
      budgetOf: () => ({ maxUnavailable: 100 }),
      breakGlassGroup: glassGroup,
    });
    const approvals = createApprovals({
      records,
      custody,
      policy,
      authority,
      people,
      now,
      limits: { maxPendingPerPerson: mostPending, executeForMs: minutes.execute * 60_000 },
      provePresence: async () => ({ strength: 'passphrase' }),
      launch: async () => undefined,
      announce: () => undefined,
    });
    return { approvals, authority };
  };

  return {
    given,
    records: databases[0] as Records,
    /** The guard of one of the two instances; with a crash, of one that will not survive what it does next. */
    guard: (instance: 0 | 1, crash?: Crash) =>
      guardOver(crash ? crashing(databases[instance], crash) : databases[instance]),
    plan(author: string) {
      const at = now().getTime();
      return examplePlan({
        author,
        createdAt: new Date(at).toISOString(),
        expiresAt: new Date(at + minutes.planLife * 60_000).toISOString(),
      });
    },
    async entriesFrom(seq: number): Promise<(StoredEntry & { seq: number })[]> {
      const rows = await databases[0].custody.rows(seq, 10_000);
      return rows.map(row => ({ seq: row.seq, ...(JSON.parse(Buffer.from(row.bytes).toString()) as StoredEntry) }));
    },
    /** Straight from the table: whatever the stores would make of two for one plan. */
    async operationsOf(plans: string[]): Promise<{ id: string; plan: string; stopped: boolean }[]> {
      const asked = 'select id, plan, cancel_requested_by is not null as stopped from operation where plan = any($1)';
      return (await admin.query(asked, [plans])).rows;
    },
    async close() {
      await admin.end();
      for (const db of databases) await db.close();
      await database.drop();
    },
  };
}

/** The same records, for an instance that dies as told: the transaction it is in is rolled back by the database. */
function crashing(records: Records, crash: Crash): Records {
  const seen = { calls: 0, commits: 0, dead: false };
  const die = (): never => {
    seen.dead = true;
    throw new FleetError({ code: 'database', retry: 'later', message: 'the instance died' });
  };
  const counted = <T extends object>(store: T): T =>
    new Proxy(store, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        return async (...given: unknown[]) => {
          if (seen.dead || ('call' in crash && seen.calls++ >= crash.call)) die();
          return member.apply(target, given) as unknown;
        };
      },
    });
  const storesOf = (stores: Stores): Stores => ({
    ...stores,
    plans: counted(stores.plans),
    approvals: counted(stores.approvals),
    operations: counted(stores.operations),
    custody: counted(stores.custody),
  });
  return {
    ...storesOf(records),
    async transaction(work) {
      if (seen.dead) die();
      const result = await records.transaction(tx => work(storesOf(tx)));
      if ('commit' in crash && ++seen.commits >= crash.commit) die();
      return result;
    },
  };
}

function annotationsOf({ approvals, from, distinct, page }: Rule): string {
  const groups = distinct ? `\n@distinct_groups("${from.length}")` : '';
  return `@approvals("${approvals}")\n@from("${from.join(',')}")${groups}${page ? '\n@tier("critical")' : ''}`;
}

function policyOf(annotations: string | undefined): Policy {
  const dir = policiesAsking(annotations);
  try {
    return loadPolicy(dir);
  } finally {
    rmSync(dir, { recursive: true });
  }
}
