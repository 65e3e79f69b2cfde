/**
 * Executes a plan wave by wave. A wave's nodes run in parallel, each as its own
 * durable workflow; the next wave starts only after every node of this one is
 * done. Anything else halts: what has not started never starts.
 */
import { FleetError, unreachable } from '../core/errors.ts';
import type { Workflow } from '../core/flow.ts';
import type { NodeOutcome, OperationState } from '../core/operation.ts';
import type { PlanKind } from '../core/plan.ts';
import type { Parts } from '../operations/job.ts';
import { insist } from '../operations/wait.ts';
import { cordonNode, drainNode, uncordonNode } from './change-node.ts';
import type { NodeWorkflow } from './node-steps.ts';
import { updateNode } from './update-node.ts';

/** Ends the operation: its state, its custody entry, its leases. */
export type Conclude = (operation: string, state: OperationState, reason: string) => Promise<void>;

/** What halts a wave, before the nodes that were only stopped by it. */
const culprits = new Set<NodeOutcome['state']>(['failed', 'ambiguous']);

type RunPlan = Workflow<null, OperationState>;

/** The workflows to register; `runPlan` is the one to start, with the operation's id. */
export function planWorkflows(parts: Parts, conclude: Conclude): { runPlan: RunPlan; all: Workflow<never, unknown>[] } {
  const update = updateNode(parts);
  const cordon = cordonNode(parts);
  const uncordon = uncordonNode(parts);
  const drain = drainNode(parts);
  const workflowFor = (kind: PlanKind): NodeWorkflow => {
    switch (kind) {
      case 'firmware-rollout':
        return update;
      case 'cordon':
        return cordon;
      case 'uncordon':
        return uncordon;
      case 'drain':
        return drain;
      default:
        return unreachable(kind);
    }
  };

  const runPlan: RunPlan = {
    name: 'run-plan',
    async run(flow) {
      const { operations, plans } = parts.records;
      const begun = await flow.step('begin', async () => {
        const operation = await operations.get(flow.operation);
        await operations.transition(flow.operation, ['queued'], 'running', operation.reason);
        const { plan } = await plans.get(operation.plan);
        return { kind: plan.kind, waves: plan.waves };
      });
      let end: { state: OperationState; reason: string } = { state: 'done', reason: 'every node is done' };
      for (const [index, wave] of begun.waves.entries()) {
        const label = `wave ${index + 1}`;
        const stop = await flow.step(`${label} begins`, async () => {
          const { cancelRequestedBy } = await operations.get(flow.operation);
          if (cancelRequestedBy) return cancelRequestedBy;
          const message = `${wave.join(', ')} (${index === 0 ? 'canary, ' : ''}${index + 1} of ${begun.waves.length})`;
          await operations.addEvent(flow.operation, label, { step: label, status: 'started', message });
          return null;
        });
        if (stop) {
          end = { state: 'cancelled', reason: `${stop} cancelled it before ${label}` };
          break;
        }
        const outcomes = await runWave(wave);
        const bad =
          outcomes.find(({ outcome }) => culprits.has(outcome.state)) ??
          outcomes.find(({ outcome }) => outcome.state !== 'done');
        if (bad) {
          end = halted(bad, label, index === 0);
          break;
        }
      }
      await flow.step('end', async () => {
        for (const node of (await operations.get(flow.operation)).nodes)
          if (node.state === 'waiting')
            await operations.setNode(flow.operation, {
              node: node.node,
              state: 'skipped',
              step: '',
              message: 'never started',
            });
        await insist(parts.timings.pollMs, () => conclude(flow.operation, end.state, end.reason));
      });
      return end.state;

      async function runWave(wave: string[]): Promise<{ node: string; outcome: NodeOutcome }[]> {
        const started = [];
        for (const node of wave)
          started.push({ node, run: await flow.child(workflowFor(begun.kind), `${flow.operation}/${node}`, { node }) });
        const outcomes = [];
        for (const { node, run } of started) outcomes.push({ node, outcome: await run.result() });
        return outcomes;
      }
    },
  };
  return { runPlan, all: [runPlan, update, cordon, uncordon, drain] as Workflow<never, unknown>[] };
}

function halted(
  { node, outcome }: { node: string; outcome: NodeOutcome },
  label: string,
  canary: boolean,
): { state: OperationState; reason: string } {
  switch (outcome.state) {
    case 'cancelled':
      return { state: 'cancelled', reason: outcome.message };
    case 'failed':
    case 'ambiguous':
    case 'skipped':
      return {
        state: 'halted',
        reason: `${canary ? 'the canary ' : ''}${node} of ${label} is ${outcome.state}: ${outcome.message}`,
      };
    case 'done':
      throw new FleetError({ code: 'internal', message: 'a node that is done halts nothing' });
    default:
      return unreachable(outcome.state);
  }
}
