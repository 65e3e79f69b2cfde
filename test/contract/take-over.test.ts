/** What a process finds that nobody looks after: it begins, whoever was to begin it. */
import pino from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openDatabase, type WorkerDatabase } from '../../src/adapters/postgres/database.ts';
import { DatabaseAway } from '../../src/core/errors.ts';
import type { Workflow } from '../../src/core/flow.ts';
import { type RunningEngine, startEngine } from '../../src/engine/engine.ts';
import { startTakeOver, type TakeOver } from '../../src/take-over.ts';
import { type GuardScene, guardScene, present, storedPlan } from '../support/guard.ts';
import { eventually } from '../support/stack.ts';

let scene: GuardScene;
let records: WorkerDatabase;
let engine: RunningEngine;
let takeOver: TakeOver;
/** What the next launches fail with. */
let failures: Error[];

const runPlan: Workflow<null, void> = {
  name: 'run-plan',
  run: flow =>
    flow.step('begin', async () => {
      await records.operations.transition(flow.operation, ['queued'], 'running', '');
    }),
};

beforeEach(async () => {
  scene = await guardScene();
  records = await openDatabase(scene.url, { lock: true });
  failures = [];
  const { life, alone } = records;
  engine = await startEngine({ databaseUrl: scene.url, executor: life.executor, workflows: [runPlan], alone });
  takeOver = startTakeOver({
    ...{ life, operations: records.operations, log: pino({ level: 'silent' }) },
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
});
afterEach(async () => {
  await takeOver?.stop();
  await engine?.close();
  await records?.close();
  await scene?.close();
});

/** Committed, and launched by nobody. */
async function committed(): Promise<string> {
  const { approval = '' } = await scene.approvals.requestStart(await storedPlan(scene), scene.caller('ask'));
  const ballot = { approval, vote: 'approve', reason: 'go', presence: present } as const;
  return (await scene.approvals.vote(ballot, scene.caller('vote'))).operation ?? '';
}

const running = (operation: string) =>
  eventually('the operation to run', async () =>
    (await records.operations.head(operation)).state === 'running' ? true : undefined,
  );

it('is launched at any time, at the next try where the database is away for one', async () => {
  await running(await committed());
  failures.push(new DatabaseAway());
  const late = await committed();
  await running(late);
  expect(failures).toEqual([]);
});
