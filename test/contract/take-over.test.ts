/** What a process finds that nobody looks after: it begins, whoever was to begin it. */
import pino from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openDatabase, type WorkerDatabase } from '../../src/adapters/postgres/database.ts';
import { DatabaseAway } from '../../src/core/errors.ts';
import type { Workflow } from '../../src/core/flow.ts';
import type { OperationState } from '../../src/core/operation.ts';
import { type RunningEngine, startEngine } from '../../src/engine/engine.ts';
import { startTakeOver, type TakeOver } from '../../src/take-over.ts';
import { type GuardScene, guardScene, present, storedPlan } from '../support/guard.ts';
import { eventually } from '../support/stack.ts';

let scene: GuardScene;
let self: { records: WorkerDatabase; engine: RunningEngine; takeOver: TakeOver } | undefined;
/** What the next launches fail with. */
let failures: Error[];
/** Holds what runs for as long as it is there. */
let gate: PromiseWithResolvers<void> | undefined;

const runPlan: Workflow<null, void> = {
  name: 'run-plan',
  async run(flow) {
    const { operations } = scene.records;
    await flow.step('begin', async () => void (await operations.transition(flow.operation, ['queued'], 'running', '')));
    await flow.step('wait', async () => gate?.promise);
    await flow.step('end', async () => void (await operations.transition(flow.operation, ['running'], 'done', '')));
  },
};

beforeEach(async () => {
  scene = await guardScene();
  failures = [];
  gate = undefined;
});
afterEach(async () => {
  gate?.resolve();
  await end();
  await scene?.close();
});

async function begin(): Promise<void> {
  const records = await openDatabase(scene.url, { lock: true });
  const { life, operations, alone } = records;
  const engine = await startEngine({ databaseUrl: scene.url, executor: life.executor, workflows: [runPlan], alone });
  const takeOver = startTakeOver({
    ...{ life, operations, log: pino({ level: 'silent' }) },
    engine: () => engine,
    bmcs: { closeInherited: async () => {} },
    closeEnded: async () => 0,
    async launch(operation) {
      const failure = failures.shift();
      if (failure) throw failure;
      await engine.start(runPlan, operation, null);
    },
    onReplaced: error => {
      throw error;
    },
  });
  self = { records, engine, takeOver };
}

async function end(): Promise<void> {
  await self?.takeOver.stop();
  await self?.engine.close();
  await self?.records.close();
  self = undefined;
}

/** Committed, and launched by nobody. */
async function committed(): Promise<string> {
  const { approval = '' } = await scene.approvals.requestStart(await storedPlan(scene), scene.caller('ask'));
  const ballot = { approval, vote: 'approve', reason: 'go', presence: present } as const;
  return (await scene.approvals.vote(ballot, scene.caller('vote'))).operation ?? '';
}

const comesTo = (state: OperationState, operation: string) =>
  eventually(`the operation to be ${state}`, async () =>
    (await scene.records.operations.head(operation)).state === state ? true : undefined,
  );

it('is launched at any time, at the next try where the database is away for one', async () => {
  await begin();
  await comesTo('done', await committed());
  failures.push(new DatabaseAway());
  await comesTo('done', await committed());
  expect(failures).toEqual([]);
});

it('goes on however long ago the process ended that had it in hand, which is forgotten then', async () => {
  gate = Promise.withResolvers();
  await begin();
  const operation = await committed();
  await comesTo('running', operation);
  await end();
  await scene.admin.query("update executor set ended_at = ended_at - interval '8 days'");
  gate = undefined;
  await begin();
  await comesTo('done', operation);
  await eventually('the one that ended to be forgotten', async () => {
    const { rows } = await scene.admin.query('select id from executor');
    return rows.length === 1 || undefined;
  });
});
