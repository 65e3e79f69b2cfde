/**
 * What a workflow sees of the durable engine. A step's result is journaled: on
 * a restart the workflow runs again from the top and finished steps answer from
 * the journal, while the one that was interrupted runs **again**, so whatever
 * it does must be re-entrant.
 */
export type Flow = {
  /** Operation id, also the id under which the engine knows the top workflow. */
  readonly operation: string;
  step<T>(name: string, run: () => Promise<T>): Promise<T>;
  /** Durable: a restart does not start the wait again. */
  sleep(ms: number): Promise<void>;
  /**
   * Whether this run knows the change of that name: true for one that comes here for the first time, false for one that went
   * by here before the change was made. A workflow that gains, loses or moves a step asks, so that an operation which an
   * earlier version began goes on as it began.
   */
  patch(name: string): Promise<boolean>;
  /** Starts another workflow, once per `id`, and returns a promise of its result. */
  child<I, O>(workflow: Workflow<I, O>, id: string, input: I): Promise<{ result(): Promise<O> }>;
};

export type Workflow<I, O> = { name: string; run(flow: Flow, input: I): Promise<O> };

/** The part of the engine that others may call. */
export type Engine = {
  /** Starts a workflow; a second start with the same id is a no-op. */
  start<I>(workflow: Workflow<I, unknown>, id: string, input: I): Promise<void>;
};
