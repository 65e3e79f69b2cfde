/** What is read of plans, operations and effects where one operation has thousands of nodes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/adapters/postgres/database.ts';
import { newId } from '../../src/core/ids.ts';
import { effectStates } from '../../src/core/records.ts';
import { approvedOperation, type GuardScene, guardScene, storedPlan } from '../support/guard.ts';
import { eventually } from '../support/lab-bmc.ts';

let scene: GuardScene;
beforeAll(async () => {
  scene = await guardScene();
});
afterAll(() => scene?.close());

/** Rows that tests put into each table so far. */
const filled = new Map<string, number>();

/** Rows that Postgres read in a table that has `rows` more for what this does over connections of its own. */
async function rowsRead(table: string, rows: number, does: (database: Database) => Promise<void>): Promise<number> {
  const counted = async (what: string) => {
    const from = `from pg_stat_user_tables where relname = '${table}'`;
    const { rows } = await scene.admin.query(`select ${what} as count ${from}`);
    return Number(rows[0].count);
  };
  const all = () => counted('seq_tup_read + idx_tup_fetch');
  const filledNow = (filled.get(table) ?? 0) + rows;
  filled.set(table, filledNow);
  await eventually('the new rows in the count', async () => (await counted('n_tup_ins')) >= filledNow);
  const before = await all();
  const url = new URL(scene.url);
  url.searchParams.set('application_name', 'counted');
  const other = await openDatabase(url.href, { lock: false });
  await does(other);
  const connections = async () => {
    const { rowCount } = await scene.admin.query(
      `select from pg_stat_activity where application_name = 'counted' and datname = current_database()`,
    );
    return rowCount;
  };
  expect(await connections()).toBeGreaterThan(0);
  // Postgres counts what a connection read before it is gone.
  await other.close();
  await eventually('its connections to be gone', async () => (await connections()) === 0);
  return (await all()) - before;
}

describe('effects of an operation', () => {
  it('are those of one node, or of one step with its parts, and of no other that begins alike', async () => {
    const operation = await approvedOperation(scene);
    const elsewhere = await approvedOperation(scene);
    const steps = ['w-1/cordon', 'w-1/evict/prod/a', 'w-1/evict/prod/b', 'w-10/cordon', 'w-1%/cordon', 'W-1/cordon'];
    const { effects } = scene.records;
    for (const [intent, step] of steps.entries())
      await effects.insert({ operation, step, attempt: 1, intent: 100 + intent, before: null });
    await effects.insert({ operation: elsewhere, step: 'w-1/cordon', attempt: 1, intent: 200, before: null });
    await effects.close({ intent: 102, from: ['open'], state: 'ok', result: true, detail: '' });
    const listed = async (prefix: string, states = effectStates as readonly (typeof effectStates)[number][]) =>
      (await effects.list(operation, { prefix, states })).map(({ step }) => step);
    expect(await listed('w-1/')).toEqual(['w-1/cordon', 'w-1/evict/prod/a', 'w-1/evict/prod/b']);
    expect(await listed('w-1/evict/')).toEqual(['w-1/evict/prod/a', 'w-1/evict/prod/b']);
    expect(await listed('w-1/evict/', ['open'])).toEqual(['w-1/evict/prod/a']);
    expect(await listed('w-10/')).toEqual(['w-10/cordon']);
    expect(await listed('')).toEqual(steps);
  });

  it('of one node are found without a look at those of the others', async () => {
    const operation = await approvedOperation(scene);
    await scene.admin.query(
      `insert into effect (operation, step, attempt, intent, state, detail)
       select $1, 'n-' || n || '/' || step, 1, 10000 + n * 10 + step, 'ok', '' from generate_series(1, 3000) n, generate_series(0, 9) step`,
      [operation],
    );
    const read = await rowsRead('effect', 30_000, async ({ effects }) => {
      expect(await effects.list(operation, { prefix: 'n-7/', states: effectStates })).toHaveLength(10);
    });
    expect(read).toBeGreaterThanOrEqual(10);
    expect(read).toBeLessThan(100);
  });
});

async function begun(nodes: [node: string, cluster: string][]) {
  const { operations } = scene.records;
  const { plan, digest } = await storedPlan(scene);
  const id = newId('op');
  const where = { site: 'boston', cluster: [...new Set(nodes.map(([, cluster]) => cluster))].join(', ') };
  const by = { requester: 'ask', channel: 'cli', approval: undefined, reason: '', state: 'queued' as const };
  const until = new Date(Date.now() + 3_600_000).toISOString();
  const times = { createdAt: new Date().toISOString(), executeUntil: until };
  const head = { id, plan: plan.id, digest, kind: plan.kind, ...where, ...by, ...times, revoked: false };
  const parts = nodes.map(([node, cluster]) => ({ node, cluster, site: 'boston', wave: 1 }));
  expect(await operations.insert(head, parts)).toBe(true);
  return { id, plan: plan.id };
}

describe('operations', () => {
  it('on a cluster are those that are open, with their nodes there and no others', async () => {
    const { operations } = scene.records;
    const both = await begun([
      ['n-2', 'north'],
      ['n-1', 'north'],
      ['s-1', 'south'],
    ]);
    const south = await begun([['s-2', 'south']]);
    const over = await begun([['n-3', 'north']]);
    await operations.transition(over.id, ['queued'], 'done', '');
    const on = async (cluster: string) =>
      Object.fromEntries(
        (await operations.openOn(cluster)).map(({ id, nodes }) => [id, nodes.map(({ node }) => node)]),
      );
    expect(await on('north')).toEqual({ [both.id]: ['n-1', 'n-2'] });
    expect(await on('south')).toEqual({ [both.id]: ['s-1'], [south.id]: ['s-2'] });
    expect(await on('east')).toEqual({});
    expect(await operations.ofPlan(over.plan)).toMatchObject({ id: over.id, state: 'done' });
    expect(await operations.ofPlan('plan-of-nothing')).toBeUndefined();
  });
});

describe('nodes of an operation', () => {
  /** `n-1` to `n-3000`, beside `n-0`. */
  async function thousands() {
    const { id } = await begun([['n-0', 'north']]);
    await scene.admin.query(
      `insert into operation_node (operation, site, cluster, node, wave, state, step, message)
       select $1, 'boston', 'north', 'n-' || n, 1, 'waiting', '', '' from generate_series(1, 3000) n`,
      [id],
    );
    return { id };
  }

  it('are told one by one without a look at the others', async () => {
    const { id } = await thousands();
    const read = await rowsRead('operation_node', 3000, async ({ operations }) => {
      for (let n = 0; n < 10; n += 1)
        await operations.setNode(id, { node: `n-${n}`, state: 'running', step: 'drain', message: '' });
    });
    expect(read).toBeGreaterThanOrEqual(10);
    expect(read).toBeLessThan(100);
    expect(await scene.records.operations.part(id, 'n-9')).toMatchObject({ state: 'running', step: 'drain' });
    expect(await scene.records.operations.part(id, 'n-10')).toMatchObject({ state: 'waiting' });
  });

  it('are counted by state, and told where they are at work', async () => {
    const { operations } = scene.records;
    const [first, second] = [await thousands(), await begun([['w-1', 'north']])];
    await operations.setNodes(first.id, [
      { node: 'n-8', state: 'running', step: 'drain', message: '' },
      { node: 'n-7', state: 'running', step: 'cordon', message: '' },
      { node: 'n-2999', state: 'failed', step: 'verify', message: 'as before' },
    ]);
    expect(await operations.progress([second.id, first.id])).toMatchObject([
      { counts: { waiting: 1 }, atWork: [] },
      { counts: { waiting: 2998, running: 2, failed: 1 }, atWork: [{ node: 'n-7' }, { node: 'n-8', step: 'drain' }] },
    ]);
    expect(await operations.progress([])).toEqual([]);
  });
});

describe('how long nodes took', () => {
  it('is told of the last that ended well, without a look at the events of the others', async () => {
    const { id } = await begun([['n-0', 'north']]);
    // The later one ended, the longer it took: node n took n seconds, in eleven events.
    await scene.admin.query(
      `insert into operation_node (operation, site, cluster, node, wave, state, step, message, updated_at)
       select $1, 'boston', 'north', 'n-' || n, 1, case when n % 2 = 0 then 'done' else 'failed' end, '', '', now() + n * interval '1 minute'
       from generate_series(1, 4000) n`,
      [id],
    );
    await scene.admin.query(
      `insert into operation_event (operation, key, time, node, step, status, message)
       select $1, n || '/' || e, now() + n * interval '1 minute' + (n * e - 10 * n) * interval '100 milliseconds', 'n-' || n, '', 'ok', ''
       from generate_series(1, 4000) n, generate_series(0, 10) e`,
      [id],
    );
    const read = await rowsRead('operation_event', 44_000, async ({ durations }) => {
      const took = await durations.ofKind('firmware-rollout');
      expect(took.map(ms => Math.round(ms / 1000))).toEqual(Array.from({ length: 200 }, (_, n) => 4000 - 2 * n));
      expect(await durations.ofKind('restart')).toEqual([]);
    });
    expect(read).toBeGreaterThanOrEqual(200);
    expect(read).toBeLessThan(5000);
  });
});

describe('events of an operation', () => {
  it('are found in batches without a look at others, nor at those of other operations', async () => {
    const [{ id }, other, late] = [
      await begun([['n-0', 'north']]),
      await begun([['n-1', 'north']]),
      await begun([['n-2', 'north']]),
    ];
    for (const each of [other.id, id])
      await scene.admin.query(
        `insert into operation_event (operation, key, step, status, message)
         select $1, 'k' || n, 'drain', 'ok', 'event ' || n from generate_series(1, 5000) n`,
        [each],
      );
    // As Postgres does by itself to a table that has grown.
    await scene.admin.query('analyze operation_event');
    const told: string[] = [];
    const read = await rowsRead('operation_event', 10_000, async ({ operations }) => {
      for (let after = 0; told.length < 600; ) {
        const events = await operations.events(id, after, 200);
        told.push(...events.map(({ message }) => message));
        after = events.at(-1)?.seq ?? after;
      }
      expect(await operations.events(late.id, 0, 1)).toEqual([]);
    });
    expect(told).toEqual(Array.from({ length: 600 }, (_, n) => `event ${n + 1}`));
    expect(read).toBeGreaterThanOrEqual(600);
    expect(read).toBeLessThan(1000);
    expect(await scene.records.operations.events(id, 0)).toHaveLength(5000);
  });
});

describe('a plan', () => {
  it('that many ask for at once is read and proved into one object', async () => {
    const { plan } = await storedPlan(scene);
    const read = await Promise.all(Array.from({ length: 20 }, () => scene.records.plans.get(plan.id)));
    expect(new Set(read).size).toBe(1);
    expect(read[0]?.plan).toEqual(plan);
  });
});
