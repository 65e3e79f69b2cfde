/**
 * Durable execution on DBOS, the only file that knows DBOS. Workflows are
 * written against `Flow`, so that the engine can be another one day.
 *
 * The application version is pinned: by default DBOS hashes the workflows'
 * source, and a changed comment would strand operations in flight.
 *
 * Work lies on queues that every process takes from. DBOS itself never notices
 * that a process is gone: `takeOver` puts back what it had in hand. Whatever
 * that process still runs is refused by the journal from then on.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { DBOS, type WorkflowStatus } from '@dbos-inc/dbos-sdk';
import { DatabaseAway, FleetError, type FleetErrorJson } from '../core/errors.ts';
import type { Engine, Flow, Workflow } from '../core/flow.ts';

const applicationVersion = '1';
/** Between two tries of a step while the database is away. */
const awayMs = 1_000;

export type EngineOptions = {
  databaseUrl: string;
  /** Unique to this life of this process: what it has in hand is found by it. */
  executor: string;
  /** Runs what no two processes may do at once: making the engine's tables, and taking over. */
  alone(work: () => Promise<void>): Promise<void>;
  /** Every workflow that may be started or resumed, children included. */
  workflows: Workflow<never, unknown>[];
};

export type RunningEngine = Engine & {
  /** Puts back what these executors, which are gone, had in hand. Answers how many workflows. */
  takeOver(executors: string[]): Promise<number>;
  close(): Promise<void>;
};

/** A workflow that waits for others must not wait in their queue: it could take the place that they need. */
const queues = { parents: 'operations', children: 'nodes' } as const;
/** A process that is gone must not hold rows that others need. */
const idleTransactionMs = 10_000;
/** Milliseconds between looks into a queue, and at the result of a workflow that may run elsewhere. */
const pollMs = { queue: 100, result: 200 };

/** A journaled step: a failure is a value, so that a replay throws the same FleetError again. */
type Journaled<T> = { ok: true; value: T } | { ok: false; error: FleetErrorJson };

type Registered = (operation: string, input: unknown) => Promise<unknown>;

/** Launches the engine, which begins to take work at once. One engine a process: DBOS is a process-wide singleton. */
export async function startEngine(options: EngineOptions): Promise<RunningEngine> {
  DBOS.setConfig({
    name: 'groundskeeper',
    systemDatabaseUrl: options.databaseUrl,
    executorID: options.executor,
    applicationVersion,
    enablePatching: true,
    systemDatabaseIdleTransactionTimeoutMs: idleTransactionMs,
    logLevel: 'error',
  });
  const registered = new Map<string, Registered>();
  for (const workflow of options.workflows) registered.set(workflow.name, register(workflow, registered));
  await options.alone(() => DBOS.launch()); // it migrates its tables, which two that begin at once must not
  for (const name of Object.values(queues))
    await DBOS.registerQueue(name, { minPollingIntervalMs: pollMs.queue, onConflict: 'always_update' });
  return {
    async start(workflow, id, input) {
      const where = { workflowID: id, queueName: queues.parents };
      await DBOS.startWorkflow(found(registered, workflow.name), where)(id, input);
    },
    takeOver: executors => takeOver(executors, options.alone),
    // What is registered is forgotten, so that a process may have another engine after this one.
    close: () => DBOS.shutdown({ deregister: true }),
  };
}

/**
 * DBOS puts back whatever is named, whoever runs it by now. So it is listed again once no other process takes over, or else
 * what one of them has put back, and somebody has taken up, would be taken up twice.
 */
async function takeOver(executors: string[], alone: EngineOptions['alone']): Promise<number> {
  if ((await leftBy(executors)).length === 0) return 0; // each second, so without the lock
  let taken = 0;
  await alone(async () => {
    const left = await leftBy(executors);
    await putBack(left);
    taken = left.length;
  });
  return taken;
}

async function leftBy(executors: string[]): Promise<WorkflowStatus[]> {
  if (executors.length === 0) return [];
  return DBOS.listWorkflows({ status: 'PENDING', executorId: executors, loadInput: false, loadOutput: false });
}

async function putBack(left: WorkflowStatus[]): Promise<void> {
  // Versions before this one used no queues.
  const queueOf = (each: WorkflowStatus) =>
    each.queueName ?? (each.parentWorkflowID === undefined ? queues.parents : queues.children);
  for (const [queueName, workflows] of Map.groupBy(left, queueOf))
    await DBOS.resumeWorkflows(
      workflows.map(each => each.workflowID),
      { queueName },
    );
}

function register(workflow: Workflow<never, unknown>, registered: Map<string, Registered>): Registered {
  const run: Registered = (operation, input) => workflow.run(flowOf(operation, registered), input as never);
  return DBOS.registerWorkflow(run, { name: workflow.name, maxRecoveryAttempts: 1000 });
}

function found(registered: Map<string, Registered>, name: string): Registered {
  const run = registered.get(name);
  if (!run) throw new FleetError({ code: 'internal', message: `workflow ${name} was never registered` });
  return run;
}

function flowOf(operation: string, registered: Map<string, Registered>): Flow {
  return {
    operation,
    async step<T>(name: string, run: () => Promise<T>): Promise<T> {
      const journaled = await DBOS.runStep(() => settle(run), { name });
      if (journaled.ok) return journaled.value;
      throw FleetError.fromJSON(journaled.error);
    },
    sleep: ms => DBOS.sleepms(ms),
    patch: name => DBOS.patch(name),
    async child<I, O>(workflow: Workflow<I, O>, id: string, input: I) {
      const where = { workflowID: id, queueName: queues.children };
      const handle = await DBOS.startWorkflow(found(registered, workflow.name), where)(operation, input);
      return { result: () => handle.getResult({ pollingIntervalMs: pollMs.result }) as Promise<O> };
    },
  };
}

/**
 * A database that is away ends no step: it would be an end that nobody could have decided, and steps may run again. A process
 * that has nothing else to do may end meanwhile; the next one runs the step.
 */
async function settle<T>(run: () => Promise<T>): Promise<Journaled<T>> {
  for (;;) {
    try {
      return { ok: true, value: await run() };
    } catch (thrown) {
      if (!(thrown instanceof DatabaseAway)) return { ok: false, error: FleetError.from(thrown).toJSON() };
      await delay(awayMs, undefined, { ref: false });
    }
  }
}
