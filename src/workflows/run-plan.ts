/**
 * Executes a plan wave by wave. A wave's nodes run in parallel, each as its own
 * durable workflow; the next wave starts only after every node of this one is
 * done. Anything else halts: what has not started never starts.
 */
import { FleetError, unreachable } from '../core/errors.ts';
import type { Flow, Workflow } from '../core/flow.ts';
import type { NodeOutcome, OperationState } from '../core/operation.ts';
import type { PlanKind } from '../core/plan.ts';
import type { Parts } from '../operations/job.ts';
import { insist } from '../operations/wait.ts';
import { changeNodeBmc, cordonNode, drainNode, taintNode, uncordonNode } from './change-node.ts';
import { cordonForHealth, drainForHealth, markHardware, releaseHealthCordon } from './health-node.ts';
import type { NodeWorkflow } from './node-steps.ts';
import { powerOffNode, powerOnNode, restartNode } from './power-node.ts';
import { failuresShare } from './told-failures.ts';
import { updateNode } from './update-node.ts';
import { afterWave, beforeWave, type WaveGates } from './wave-gate.ts';
import { type End, passHold } from './wave-hold.ts';

/** Ends the operation: its state, its custody entry, its leases. */
export type Conclude = (operation: string, state: OperationState, reason: string) => Promise<void>;

/** What halts a wave, before the nodes that were only stopped by it. */
const culprits = new Set<NodeOutcome['state']>(['failed', 'ambiguous']);

type RunPlan = Workflow<null, OperationState>;

/** The workflows to register; `runPlan` is the one to start, with the operation's id. */
export function planWorkflows(parts: Parts, conclude: Conclude): { runPlan: RunPlan; all: Workflow<never, unknown>[] } {
  const changeFirmwareAndBios = updateNode(parts);
  const byKind: Record<PlanKind, NodeWorkflow> = {
    cordon: cordonNode(parts),
    uncordon: uncordonNode(parts),
    drain: drainNode(parts),
    taint: taintNode(parts),
    restart: restartNode(parts),
    'power-off': powerOffNode(parts),
    'power-on': powerOnNode(parts),
    'bmc-change': changeNodeBmc(parts),
    'health-cordon': cordonForHealth(parts),
    'health-release': releaseHealthCordon(parts),
    'health-mark': markHardware(parts),
    'health-drain': drainForHealth(parts),
    'bios-change': changeFirmwareAndBios,
    'firmware-rollout': changeFirmwareAndBios,
  };

  const runPlan: RunPlan = {
    name: 'run-plan',
    async run(flow) {
      const begun = await flow.step('begin', () => begin(parts, flow.operation));
      const end = await runWaves(parts, flow, { ...begun, workflow: byKind[begun.kind] });
      await flow.step('end', async () => {
        await skipWaiting(parts, flow.operation);
        const reason = await insist(parts.timings.pollMs, () => withShare(parts, flow.operation, end.reason));
        await insist(parts.timings.pollMs, () => conclude(flow.operation, end.state, reason));
      });
      return end.state;
    },
  };
  return { runPlan, all: [runPlan, ...new Set(Object.values(byKind))] as Workflow<never, unknown>[] };
}

type Begun = { kind: PlanKind; waves: string[][]; gates?: WaveGates };
type Waves = Omit<Begun, 'kind'> & { workflow: NodeWorkflow };

async function begin({ records }: Parts, id: string): Promise<Begun> {
  const { plan, reason } = await records.operations.get(id);
  await records.operations.transition(id, ['queued'], 'running', reason);
  const { kind, waves, gates, site, cluster } = (await records.plans.get(plan)).plan;
  return { kind, waves, ...(gates ? { gates: { gates, scopes: [{ site, cluster }] } } : {}) };
}

async function runWaves(parts: Parts, flow: Flow, { waves, workflow, gates }: Waves): Promise<End> {
  const { records } = parts;
  for (const [index, wave] of waves.entries()) {
    const label = `wave ${index + 1}`;
    const never = await flow.step(`${label} begins`, async () => {
      const { plan } = await records.plans.get((await records.operations.get(flow.operation)).plan);
      const end = await passHold(parts, { operation: flow.operation, plan, wave: index + 1 });
      if (end) return end;
      const canary = index === 0 && waves.length > 1 ? 'canary, ' : '';
      const message = `${wave.join(', ')} (${canary}${index + 1} of ${waves.length})`;
      await records.operations.addEvent(flow.operation, label, { step: label, status: 'started', message });
      return null;
    });
    if (never) return never;
    const before = gates && (await beforeWave(parts, flow, { label, scopes: gates.scopes }));
    if (before && 'unknown' in before)
      return { state: 'halted', reason: `what stood before ${label} is not known: ${before.unknown}` };
    const outcomes = await runWave(flow, wave, workflow);
    const bad =
      outcomes.find(({ outcome }) => culprits.has(outcome.state)) ??
      outcomes.find(({ outcome }) => outcome.state !== 'done');
    if (bad) return halted(bad, label, index === 0 && waves.length > 1);
    const shut = before && (await afterWave(parts, flow, { gates: gates.gates, label, stood: before.stood }));
    if (shut) return shut;
  }
  return { state: 'done', reason: 'every node is done' };
}

/** All nodes of the wave at once; every one is waited for, whatever becomes of the others. */
async function runWave(flow: Flow, wave: string[], workflow: NodeWorkflow): Promise<NodeEnd[]> {
  const started = [];
  for (const node of wave)
    started.push({ node, run: await flow.child(workflow, `${flow.operation}/${node}`, { node }) });
  const outcomes = [];
  for (const { node, run } of started) outcomes.push({ node, outcome: await run.result() });
  return outcomes;
}

/** The reason, and what the failures have in common where that can be told. */
async function withShare({ records }: Parts, id: string, reason: string): Promise<string> {
  const operation = await records.operations.get(id);
  const share = failuresShare(operation, (await records.plans.get(operation.plan)).plan);
  return share === '' ? reason : `${reason}; ${share}`;
}

async function skipWaiting({ records }: Parts, id: string): Promise<void> {
  for (const { node, state } of (await records.operations.get(id)).nodes)
    if (state === 'waiting')
      await records.operations.setNode(id, { node, state: 'skipped', step: '', message: 'never started' });
}

type NodeEnd = { node: string; outcome: NodeOutcome };

function halted({ node, outcome }: NodeEnd, label: string, canary: boolean): End {
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
