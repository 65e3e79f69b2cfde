/**
 * Durable execution on DBOS, the only file that knows DBOS. Workflows are
 * written against `Flow`, so that the engine can be another one day.
 *
 * The application version is pinned: by default DBOS hashes the workflows'
 * source, and a changed comment would strand operations in flight.
 */
import { DBOS } from '@dbos-inc/dbos-sdk';
import { FleetError, type FleetErrorJson } from '../core/errors.ts';
import type { Engine, Flow, Workflow } from '../core/flow.ts';

const applicationVersion = '1';

export type EngineOptions = {
  databaseUrl: string;
  /** Stable and unique per worker: it is what interrupted workflows are found by. */
  executor: string;
  /** Every workflow that may be started or resumed, children included. */
  workflows: Workflow<never, unknown>[];
};

export type RunningEngine = Engine & { close(): Promise<void> };

/** A journaled step: a failure is a value, so that a replay throws the same FleetError again. */
type Journaled<T> = { ok: true; value: T } | { ok: false; error: FleetErrorJson };

type Registered = (operation: string, input: unknown) => Promise<unknown>;

/**
 * Launches the engine and resumes what an earlier life of this executor left
 * unfinished. One engine a process: DBOS is a process-wide singleton.
 */
export async function startEngine(options: EngineOptions): Promise<RunningEngine> {
  DBOS.setConfig({
    name: 'groundskeeper',
    systemDatabaseUrl: options.databaseUrl,
    executorID: options.executor,
    applicationVersion,
    enablePatching: true,
    logLevel: 'error',
  });
  const registered = new Map<string, Registered>();
  for (const workflow of options.workflows) registered.set(workflow.name, register(workflow, registered));
  await DBOS.launch();
  return {
    async start(workflow, id, input) {
      await DBOS.startWorkflow(found(registered, workflow.name), { workflowID: id })(id, input);
    },
    close: () => DBOS.shutdown(),
  };
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
    async child<I, O>(workflow: Workflow<I, O>, id: string, input: I) {
      const handle = await DBOS.startWorkflow(found(registered, workflow.name), { workflowID: id })(operation, input);
      return { result: () => handle.getResult() as Promise<O> };
    },
  };
}

async function settle<T>(run: () => Promise<T>): Promise<Journaled<T>> {
  try {
    return { ok: true, value: await run() };
  } catch (thrown) {
    return { ok: false, error: FleetError.from(thrown).toJSON() };
  }
}
