/** Work that outlives the version and the process that began it. */
import { DBOS } from '@dbos-inc/dbos-sdk';
import pg from 'pg';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openDatabase } from '../../src/adapters/postgres/database.ts';
import { DatabaseAway, FleetError } from '../../src/core/errors.ts';
import type { Flow, Workflow } from '../../src/core/flow.ts';
import { type EngineOptions, type RunningEngine, startEngine } from '../../src/engine/engine.ts';
import { freshDatabase } from '../support/postgres.ts';

let database: Awaited<ReturnType<typeof freshDatabase>>;
let engine: RunningEngine | undefined;
/** What was done, in order. */
let done: string[];
/** Holds the step `c` for as long as it is there. */
let gate: PromiseWithResolvers<void> | undefined;

beforeEach(async () => {
  database = await freshDatabase();
  done = [];
});
afterEach(async () => {
  gate?.resolve();
  await engine?.close();
  engine = undefined;
  await database.drop();
});

const doing = (what: string) => async () => {
  done.push(what);
};

async function start(
  executor: string,
  workflows: Workflow<never, unknown>[],
  alone: EngineOptions['alone'] = work => work(),
): Promise<void> {
  engine = await startEngine({ databaseUrl: database.url, executor, workflows, alone });
}

async function stepC(flow: Flow): Promise<void> {
  await flow.step('c', async () => {
    done.push('c');
    await gate?.promise;
  });
}

const before: Workflow<null, void> = {
  name: 'changing',
  async run(flow) {
    await flow.step('a', doing('a'));
    await flow.step('b', doing('b'));
    await stepC(flow);
  },
};

/** A later version, which looks once more before `b`. */
const after: Workflow<null, void> = {
  name: 'changing',
  async run(flow) {
    await flow.step('a', doing('a'));
    if (await flow.patch('look before b')) await flow.step('look', doing('look'));
    await flow.step('b', doing('b'));
    await stepC(flow);
  },
};

it('goes on as it began under a version that has another step, which new work takes', async () => {
  gate = Promise.withResolvers();
  await start('old-1', [before]);
  await engine?.start(before, 'begun-before', null);
  await expect.poll(() => done).toEqual(['a', 'b', 'c']);
  await engine?.close();

  gate = undefined;
  done = [];
  await start('new-1', [after]);
  expect(await engine?.takeOver(['old-1'])).toBe(1);
  await expect.poll(() => done).toEqual(['c']);
  done = [];
  await engine?.start(after, 'begun-after', null);
  await expect.poll(() => done).toEqual(['a', 'look', 'b', 'c']);
});

it('outlasts a database that is away, whose end it tries again, and nothing else', async () => {
  gate = undefined;
  const refused = new FleetError({ code: 'database', retry: 'later', message: 'refused' });
  const failures = [new DatabaseAway(), new DatabaseAway(), refused];
  const ends: string[] = [];
  const tried: Workflow<null, void> = {
    name: 'tried',
    async run(flow) {
      await flow
        .step('a', async () => {
          done.push('a');
          const failure = failures.shift();
          if (failure) throw failure;
        })
        .catch((error: FleetError) => ends.push(error.message));
    },
  };
  await start('new-1', [tried]);
  await engine?.start(tried, 'away', null);
  await expect.poll(() => ends).toEqual(['refused']);
  expect(done).toEqual(['a', 'a', 'a']);
});

it('goes on after a version that had one process and no queues', async () => {
  gate = Promise.withResolvers();
  DBOS.setConfig({
    ...{ name: 'groundskeeper', systemDatabaseUrl: database.url, executorID: 'service', applicationVersion: '1' },
    ...{ enablePatching: true, logLevel: 'error' },
  });
  const journaled = { ok: true, value: undefined };
  const child = DBOS.registerWorkflow(
    async (_operation: unknown, _input: unknown) => {
      await DBOS.runStep(async () => journaled, { name: 'a' });
      await DBOS.runStep(() => gate?.promise ?? Promise.resolve(), { name: 'b' });
    },
    { name: 'changing' },
  );
  const parent = DBOS.registerWorkflow(
    async (operation: unknown, _input: unknown) => {
      const handle = await DBOS.startWorkflow(child, { workflowID: 'op/node' })(operation, null);
      await handle.getResult();
      await DBOS.runStep(async () => journaled, { name: 'end' });
    },
    { name: 'parent' },
  );
  await DBOS.launch();
  await DBOS.startWorkflow(parent, { workflowID: 'op' })('op', null);
  await expect.poll(async () => (await DBOS.listWorkflowSteps('op/node'))?.map(step => step.name)).toEqual(['a']);
  await DBOS.shutdown({ deregister: true });

  gate = undefined;
  const over: Workflow<null, void> = {
    name: 'parent',
    async run(flow) {
      await (await flow.child(before, 'op/node', null)).result();
      await flow.step('end', doing('end'));
    },
  };
  await start('new-1', [over, before]);
  expect(await engine?.takeOver(['service'])).toBe(2);
  await expect.poll(() => done).toEqual(['b', 'c', 'end']);
});

it('is not taken over from an executor that was not named', async () => {
  gate = Promise.withResolvers();
  await start('old-1', [before]);
  await engine?.start(before, 'begun-before', null);
  await expect.poll(() => done).toEqual(['a', 'b', 'c']);
  await engine?.close();
  await start('new-1', [before]);
  expect(await engine?.takeOver(['another'])).toBe(0);
  expect(await engine?.takeOver([])).toBe(0);
});

it('is left to the process that took it over first', async () => {
  gate = Promise.withResolvers();
  await start('old-1', [before]);
  await engine?.start(before, 'begun-before', null);
  await expect.poll(() => done).toEqual(['a', 'b', 'c']);
  await engine?.close();

  const [other, own] = [
    await openDatabase(database.url, { lock: true }),
    await openDatabase(database.url, { lock: true }),
  ];
  const admin = new pg.Client({ connectionString: database.url });
  await admin.connect();
  try {
    await start('new-1', [before], own.alone);
    const inside = Promise.withResolvers<void>();
    const taking = Promise.withResolvers<void>();
    // The other has put it back, and has it in hand by now.
    const first = other.alone(async () => {
      inside.resolve();
      await taking.promise;
      await admin.query("update dbos.workflow_status set executor_id = 'new-2' where workflow_uuid = 'begun-before'");
    });
    await inside.promise;
    const second = engine?.takeOver(['old-1']);
    const waits = expect.poll(async () => {
      const { rowCount } = await admin.query(
        "select from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())",
      );
      return rowCount;
    });
    await Promise.race([waits.toBe(1), second]);
    taking.resolve();
    await first;
    expect(await second).toBe(0);
    const { rows } = await admin.query(
      "select status, executor_id from dbos.workflow_status where workflow_uuid = 'begun-before'",
    );
    expect(rows).toEqual([{ status: 'PENDING', executor_id: 'new-2' }]);
  } finally {
    await admin.end();
    await own.close();
    await other.close();
  }
});
