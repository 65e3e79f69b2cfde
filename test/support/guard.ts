/** The guard on a real database, without machines: what it lets through is told by `send`, which each test writes. */
import { generateKeyPairSync } from 'node:crypto';
import pg from 'pg';
import { openDatabase } from '../../src/adapters/postgres/database.ts';
import { digestOf } from '../../src/core/canonical.ts';
import type { StoredEntry } from '../../src/core/custody.ts';
import { FleetError } from '../../src/core/errors.ts';
import type { Person } from '../../src/core/fleet.ts';
import type { Plan, StoredPlan } from '../../src/core/plan.ts';
import type { WindowFacts } from '../../src/core/policy.ts';
import type { Caller } from '../../src/core/tool.ts';
import { createApprovals } from '../../src/guard/approvals.ts';
import type { BreakGlassNotice } from '../../src/guard/approvals-break-glass.ts';
import { createAuthority } from '../../src/guard/authority.ts';
import { CustodyLog } from '../../src/guard/custody/log.ts';
import { signer } from '../../src/guard/custody/signing-key.ts';
import { deedTickets } from '../../src/guard/deed-tickets.ts';
import { type EffectSpec, effectPerformer } from '../../src/guard/effects.ts';
import { createFreezes } from '../../src/guard/freezes.ts';
import { createLogins } from '../../src/guard/logins.ts';
import { loadPolicy } from '../../src/guard/policy/load-policy.ts';
import { presenceProver } from '../../src/guard/presence.ts';
import { steering } from '../../src/guard/steer.ts';
import { examplePlan } from './example-plan.ts';
import { freshDatabase } from './postgres.ts';

/** The presence that the scene's guard believes. */
export const present = { by: 'passphrase', passphrase: 'right' } as const;

export const shippedPolicies = new URL('../../policies', import.meta.url).pathname;

export type GuardScene = Awaited<ReturnType<typeof guardScene>>;

/** People are `ask`, `vote` and `also`, all operators; a test changes `people` and `clock` as it likes. */
export async function guardScene(policiesDir = shippedPolicies) {
  const database = await freshDatabase();
  const records = await openDatabase(database.url, { lock: false });
  const admin = new pg.Pool({ connectionString: database.url, max: 2 });
  const key = signer('guard.test/fleet', generateKeyPairSync('ed25519').privateKey);
  const custody = new CustodyLog({ store: records.custody, signer: key });
  const people = new Map<string, Person>();
  for (const name of ['ask', 'vote', 'also']) people.set(name, { name, groups: ['operators'] });
  const toldElsewhere: (() => void)[] = [];
  const clock = { aheadMs: 0 };
  const window: WindowFacts = { open: true, closesInMs: Number.MAX_SAFE_INTEGER, expectedMs: 60_000 };
  const budget = { maxUnavailable: 100 };
  const limits = { maxPendingPerPerson: 10, executeForMs: 3600_000 };
  const launched: string[] = [];
  const notLaunched: string[] = [];
  const engine = { isAway: false };
  const announced: BreakGlassNotice[] = [];
  const common = {
    records,
    people: {
      find: (name: string) => people.get(name),
      read: async () => {
        for (const learn of toldElsewhere.splice(0)) learn();
      },
    },
    now: () => new Date(Date.now() + clock.aheadMs),
  };
  const nowMs = () => common.now().getTime();
  const store = records.logins;
  const logins = createLogins({ people: [], directory: common.people, store, mcpScope: 'read', now: nowMs });
  const tickets = deedTickets(records.deedTickets, nowMs);
  const provePassphrase = async (_name: string, passphrase: string) => {
    if (passphrase !== 'right') throw new FleetError({ code: 'unauthenticated', message: 'wrong' });
  };
  const provePresence = presenceProver({
    session: logins.session,
    tickets,
    members: new Map([['U-VOTE', 'vote']]),
    now: nowMs,
    provePassphrase,
  });
  const under = (dir: string) => {
    const policy = loadPolicy(dir);
    const windowOf = async () => ({ ...window });
    const authority = createAuthority({
      ...common,
      policy,
      windowOf,
      budgetOf: () => budget,
      breakGlassGroup: 'firefighters',
    });
    const perform = effectPerformer({ records, custody, authority });
    const approvals = createApprovals({
      ...common,
      custody,
      policy,
      authority,
      provePresence,
      limits,
      async launch(operation) {
        if (engine.isAway) throw new Error('no engine');
        launched.push(operation);
      },
      notLaunched: operation => void notLaunched.push(operation),
      announce: notice => void announced.push(notice),
    });
    const freezes = createFreezes({ records, custody, policy, provePresence });
    const steer = steering({ records, custody, policy, provePresence });
    return { perform, approvals, authority, freezes, steer, policy };
  };
  return {
    /** Of the database. */
    url: database.url,
    records,
    admin,
    custody,
    people,
    /** Changes of people that another process was told of: here they come to pass with the next reading. */
    toldElsewhere,
    clock,
    /** What the site's calendar says; a test changes it. */
    window,
    /** Of every cluster, as configured today; a test changes it. */
    budget,
    launched,
    /** What the engine did not take while it was away. */
    notLaunched,
    engine,
    announced,
    limits,
    ...under(policiesDir),
    provePresence,
    /** The same guard after a restart with other policies. */
    under,
    caller(name: string, channel: Caller['channel'] = 'cli'): Caller {
      return { person: people.get(name) ?? { name, groups: [] }, channel, scope: 'execute' };
    },
    async entries(): Promise<(StoredEntry & { seq: number })[]> {
      const rows = await records.custody.rows(0, 10_000);
      return rows.map(row => ({ seq: row.seq, ...(JSON.parse(Buffer.from(row.bytes).toString()) as StoredEntry) }));
    },
    async close() {
      await admin.end();
      await records.close();
      await database.drop();
    },
  };
}

export async function storedPlan(scene: GuardScene, change: Partial<Plan> = {}): Promise<StoredPlan> {
  const { plan, digest } = examplePlan(change);
  await scene.records.plans.insert({ plan, digest });
  return { plan, digest };
}

/** An approved operation that runs and holds its leases, as it stands right before an effect. */
export async function approvedOperation(scene: GuardScene, change: Partial<Plan> = {}): Promise<string> {
  const stored = await storedPlan(scene, change);
  const { approval = '' } = await scene.approvals.requestStart(stored, scene.caller('ask'));
  const ballot = { approval, vote: 'approve', reason: 'go', presence: present } as const;
  const { operation = '' } = await scene.approvals.vote(ballot, scene.caller('vote'));
  await scene.records.operations.transition(operation, ['queued'], 'running', 'begins');
  await scene.records.leases.take(leases, operation);
  return operation;
}

export const leases = ['node:boston/w-1', 'bmc:https://127.0.0.9'];

/** One effect whose sends are counted; it succeeds unless the test says otherwise. */
export function effectOf(operation: string, change: Partial<EffectSpec<string>> = {}) {
  const sent: number[] = [];
  const { send = async () => 'done', ...rest } = change;
  const spec: EffectSpec<string> = {
    operation,
    node: 'w-1',
    step: 'w-1/flash',
    action: 'flashFirmware',
    settling: false,
    leases,
    blast: async () => ({ peakUnavailable: 1, targets: 1, controlPlane: 0, quorumLost: false, lastOf: [] }),
    prepare: async () => ({
      request: { target: 'https://127.0.0.9', method: 'POST', path: '/update', bodyDigest: digestOf({}) },
    }),
    observe: async () => ({ finding: 'ambiguous', evidence: 'nobody can tell' }),
    ...rest,
    async send(grant, stillAllowed) {
      sent.push(grant.intent);
      return send(grant, stillAllowed);
    },
  };
  return { spec, sent };
}

/** The FleetError that this work fails with; fails when it does not. */
export async function refusal(work: Promise<unknown>): Promise<FleetError> {
  const thrown = await work.then(
    value => new Error(`was not refused: ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
  if (thrown instanceof FleetError) return thrown;
  throw thrown;
}
