/**
 * What every node workflow shares: named, journaled steps on one node, the
 * lease around them, and an end that always tells the node's state.
 */
import { DatabaseAway, FleetError } from '../core/errors.ts';
import type { Flow, Workflow } from '../core/flow.ts';
import type { NodeOutcome } from '../core/operation.ts';
import { explainCordon, takeBackCordon } from '../operations/cordon.ts';
import { drain, type ProveWanted } from '../operations/drain.ts';
import { holdBudgets, releaseBudgets } from '../operations/hold-budgets.ts';
import { leasesOf, type NodeJob, openJob, type Parts, whyStopped } from '../operations/job.ts';
import { keepLastWords } from '../operations/keep-last-words.ts';
import { giveRemediatorsBack } from '../operations/pause-remediators.ts';
import { type Chapter, tellNode } from '../operations/tell-node.ts';
import { insist } from '../operations/wait.ts';
import { waitOut } from '../operations/wait-out.ts';
import { type StepName, stepLimits, stuckAfterMs } from '../planning/step-limits.ts';

export type NodeInput = { node: string };
export type NodeWorkflow = Workflow<NodeInput, NodeOutcome>;

export type NodeSteps = {
  /** Runs one journaled step and reports its end; what `run` returns goes into the journal. */
  step<T>(name: StepName, run: (job: NodeJob) => Promise<T>, tell?: (result: T) => string): Promise<T>;
  /** A journaled step that is nobody's news. */
  quietly<T>(name: StepName, run: (job: NodeJob) => Promise<T>): Promise<T>;
  /** Tells the Node's readers; never a reason to stop. */
  tell(chapter: Chapter): Promise<void>;
  /** A wall-clock deadline that a restart does not extend. */
  deadline(name: string, ms: number): Promise<number>;
  /** The steps of one change of the node's target, named after it. */
  of(change: number): NodeSteps;
  /** Throws {@link Stopped} when the operation was cancelled or halts; call it only where stopping is safe. */
  stopHere(before: string): Promise<void>;
};

/** Thrown at a safe point; not a failure. */
export class Stopped extends Error {}

function nodeSteps(parts: Parts, flow: Flow, { node, change }: { node: string; change?: number }): NodeSteps {
  const within = change === undefined ? node : `${node}/${change + 1}`;
  const journaled = <T>(name: string, run: () => Promise<T>) => flow.step(`${within}/${name}`, run);
  const open = async () => {
    const job = await openJob(parts, flow.operation, node);
    return change === undefined ? job : job.of(change);
  };
  return {
    step: (name, run, tell) =>
      journaled(name, async () => {
        const job = await open();
        await job.begin(name);
        try {
          const result = await patiently(job, name, run);
          await job.report(name, 'ok', tell?.(result) ?? '');
          return result;
        } catch (thrown) {
          if (!(thrown instanceof DatabaseAway)) await job.report(name, 'failed', FleetError.from(thrown).message);
          throw thrown;
        }
      }),
    quietly: (name, run) => journaled(name, async () => patiently(await open(), name, run)),
    tell: chapter =>
      journaled(`tell ${chapter.reason}`, async () => {
        await open()
          .then(job => tellNode(job, chapter))
          .catch(() => undefined);
      }),
    of: index => nodeSteps(parts, flow, { node, change: index }),
    deadline: (name, ms) => journaled(`${name} deadline`, async () => Date.now() + ms),
    async stopHere(before) {
      const why = await journaled(
        `stopped before ${before}?`,
        async () => (await whyStopped(parts, flow.operation, node)) ?? null,
      );
      if (why) throw new Stopped(`stopped before ${before}: ${why}`);
    },
  };
}

/** For as long as the step may take before it counts as stuck. */
function patiently<T>(job: NodeJob, name: StepName, run: (job: NodeJob) => Promise<T>): Promise<T> {
  const { ms, exit } = stepLimits[name];
  const { timings, plan, stopReason } = job;
  return waitOut({
    act: () => run(job),
    by: Date.now() + ms({ ...timings, soakMs: plan.soakMs }) + stuckAfterMs,
    everyMs: timings.pollMs,
    ...(exit === 'cancel' ? { stopReason } : {}),
    tell: ({ message }) => job.report(name, 'progress', `waits: ${message}`),
  });
}

/** Takes the leases of node and BMC, runs the body, records how it ended, and gives the leases back. */
export function nodeWorkflow(
  name: string,
  parts: Parts,
  body: (steps: NodeSteps, flow: Flow) => Promise<NodeOutcome>,
): NodeWorkflow {
  return {
    name,
    async run(flow, { node }) {
      const steps = nodeSteps(parts, flow, { node });
      const outcome = await lease(steps)
        .then(() => body(steps, flow))
        .catch(outcomeOf);
      await flow.step(`${node}/end`, () =>
        insist(parts.timings.pollMs, () => end(parts, flow.operation, { node, outcome })),
      );
      return outcome;
    },
  };
}

/**
 * Tells how the node's part ended, and gives back what it held, also where the configuration lost the node. Re-entrant. A
 * process that was replaced does neither: its heir has the node in hand, or the next node under the same leases.
 */
async function end(parts: Parts, operation: string, { node, outcome }: { node: string; outcome: NodeOutcome }) {
  const { operations, plans } = parts.records;
  const left = await openJob(parts, operation, node).then(job => giveRemediatorsBack(job, outcome), unconfigured);
  const message = left === undefined ? outcome.message : `${outcome.message}; ${left}`;
  const step = outcome.state === 'done' ? 'done' : ((await lastStep(parts, operation, node)) ?? 'lease');
  const { plan } = await plans.get((await operations.head(operation)).plan);
  const status = outcome.state === 'done' ? 'ok' : 'failed';
  const told = { node, step: 'end', status, message: `${outcome.state}: ${message}` } as const;
  await parts.records.transaction(async tx => {
    await tx.operations.setNode(operation, { node, step, ...outcome, message });
    await releaseBudgets(tx, { operation, node });
    await tx.leases.release(operation, leasesOf(plan, node));
    await tx.operations.addEvent(operation, `${node}/end`, told);
  });
  await parts.images.withdraw({ operation, node });
}

async function lease(steps: NodeSteps): Promise<void> {
  await steps.step('lease', async job => {
    const taken = await job.records.transaction(tx => tx.leases.take(job.leases, job.operation));
    if (!taken.taken)
      throw new FleetError({
        code: 'conflict',
        retry: 'later',
        message: `operation ${taken.holder} works on ${job.target.node} (${taken.key})`,
      });
  });
}

/** Of a node that the configuration lost nobody can reach anything. */
function unconfigured(thrown: unknown): undefined {
  if (FleetError.from(thrown).code !== 'not_found') throw thrown;
}

async function lastStep(parts: Parts, operation: string, node: string): Promise<string | undefined> {
  return (await parts.records.operations.part(operation, node))?.step;
}

/** How a node that stopped before its end is told. */
export function outcomeOf(thrown: unknown): NodeOutcome {
  if (thrown instanceof Stopped) return { state: 'cancelled', message: thrown.message };
  const error = FleetError.from(thrown);
  if (error.code === 'stopped') return { state: 'cancelled', message: error.message };
  const untrusted = error.untrusted ? ` (the machine said: ${JSON.stringify(error.untrusted.slice(0, 200))})` : '';
  const state = error.code === 'ambiguous' ? 'ambiguous' : 'failed';
  return { state, message: `${error.message}${untrusted}`, code: error.code };
}

/** The outcome of what failed. Where a task is stuck on the BMC, people are asked for one restart of it, and the outcome says so. */
export async function offerRecovery(steps: NodeSteps, thrown: unknown): Promise<NodeOutcome> {
  const outcome = outcomeOf(thrown);
  const error = FleetError.from(thrown);
  if (error.code !== 'task_stuck') return outcome;
  const told = await steps
    .step(
      'offer',
      job => job.offerRecovery(job.target.node, error.message),
      said => said,
    )
    .catch(failed => `nobody could be asked for it: ${FleetError.from(failed).message}`);
  return { ...outcome, message: `${outcome.message}; only a restart of its BMC helps: ${told}` };
}

/**
 * The end of a part that stopped before anything irreversible: this operation's cordon is taken back, by the Node's word
 * and not by what a step remembers. The outcome stays the first one, with what could not be taken back.
 */
export async function giveBack(steps: NodeSteps, outcome: NodeOutcome, reason: string): Promise<NodeOutcome> {
  const stuck = await steps
    .step('uncordon', takeBackCordon, done => done)
    .then(
      () => undefined,
      thrown => FleetError.from(thrown).message,
    );
  const message = stuck ? `${outcome.message}; its cordon could not be taken back: ${stuck}` : outcome.message;
  await steps.tell({ reason, message, type: 'Warning', maintenance: stuck !== undefined });
  return { ...outcome, message };
}

/** Waits, cordoned, until no other node is down under a budget that covers this node's pods: at most one node's whole update. Answers their names. */
export async function budgets({ timings }: Parts, steps: NodeSteps): Promise<string[]> {
  const { drainMs, updateMs, rebootMs, rejoinMs } = timings;
  const by = await steps.deadline('budgets', drainMs + updateMs + rebootMs + rejoinMs);
  return steps.step(
    'budgets',
    job => holdBudgets(job, by),
    groups => (groups.length === 0 ? 'none covers its pods' : groups.join(', ')),
  );
}

/** Moves the pods of a cordoned node away, once its budgets are free, while `wanted` holds. Throws {@link Stopped}. */
export async function empty(parts: Parts, steps: NodeSteps, wanted?: ProveWanted): Promise<void> {
  await budgets(parts, steps);
  await steps.stopHere('drain');
  const by = await steps.deadline('drain', parts.timings.drainMs);
  const drained = await steps.step(
    'drain',
    job => drain(job, by, wanted),
    done => (done.outcome === 'drained' ? `${done.evicted} pods evicted and gone` : `stopped: ${done.why}`),
  );
  if (drained.outcome === 'stopped') throw new Stopped(`stopped during the drain: ${drained.why}`);
  await steps.tell({ reason: 'Drained', message: `${drained.evicted} pods evicted and gone` });
}

/** The end of a part whose machine may have changed: the node stays cordoned, and says why. */
export async function stayCordoned(steps: NodeSteps, ours: boolean, outcome: NodeOutcome): Promise<NodeOutcome> {
  if (ours)
    await steps
      .step('explain', async job => {
        await explainCordon(job, outcome.message);
        await keepLastWords(job, outcome);
      })
      .catch(() => undefined);
  await steps.tell({ reason: 'MaintenanceFailed', message: outcome.message, type: 'Warning', maintenance: true });
  return outcome;
}
