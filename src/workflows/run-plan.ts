/**
 * Executes a plan. Each node is a durable workflow of its own; which of them
 * begins when is decided tick by tick, in next-tick.ts. What has not started
 * when the plan ends never starts.
 */
import { unreachable } from '../core/errors.ts';
import type { Flow, Workflow } from '../core/flow.ts';
import type { NodeOutcome, OperationState } from '../core/operation.ts';
import type { PlanKind } from '../core/plan.ts';
import type { Parts } from '../operations/job.ts';
import { insist } from '../operations/wait.ts';
import { changeNodeBmc, cordonNode, drainNode, taintNode, uncordonNode } from './change-node.ts';
import { cordonForHealth, drainForHealth, markHardware, releaseHealthCordon } from './health-node.ts';
import { type End, nextTick } from './next-tick.ts';
import type { NodeWorkflow } from './node-steps.ts';
import { powerOffNode, powerOnNode, restartNode } from './power-node.ts';
import { failuresShare } from './told-failures.ts';
import { updateNode } from './update-node.ts';
import { afterWave, beforeWave, type Stood, type WaveGates } from './wave-gate.ts';

/** Ends the operation: its state, its custody entry, its leases. */
export type Conclude = (operation: string, state: OperationState, reason: string) => Promise<void>;

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

type Begun = { kind: PlanKind; gates?: WaveGates };
type Waves = Omit<Begun, 'kind'> & { workflow: NodeWorkflow };

async function begin({ records }: Parts, id: string): Promise<Begun> {
  const { plan, reason } = await records.operations.head(id);
  await records.operations.transition(id, ['queued'], 'running', reason);
  const { kind, gates, scopes } = (await records.plans.get(plan)).plan;
  const places = scopes.map(({ site, cluster }) => ({ site, cluster }));
  return { kind, ...(gates ? { gates: { gates, scopes: places } } : {}) };
}

/** Tick by tick; every node that was started is waited for, whatever becomes of the others. */
async function runWaves(parts: Parts, flow: Flow, { workflow, gates }: Waves): Promise<End> {
  const runs = new Map<string, { result(): Promise<NodeOutcome> }>();
  const sofar = { started: new Set<string>(), settled: new Set<string>(), opened: 0, closed: 0 };
  let stood: Stood[] = [];
  for (let count = 1; ; count += 1) {
    const tick = await flow.step(`tick ${count}`, () => nextTick(parts, flow.operation, sofar));
    switch (tick.do) {
      case 'open': {
        const label = `wave ${tick.wave}`;
        const before = gates && (await beforeWave(parts, flow, { label, scopes: gates.scopes }));
        if (before && 'unknown' in before)
          return { state: 'halted', reason: `what stood before ${label} is not known: ${before.unknown}` };
        stood = before?.stood ?? [];
        sofar.opened = tick.wave;
        break;
      }
      case 'start':
        await Promise.all(
          tick.nodes.map(async node => {
            runs.set(node, await flow.child(workflow, `${flow.operation}/${node}`, { node }));
            sofar.started.add(node);
          }),
        );
        break;
      case 'settle':
        await Promise.all(tick.nodes.map(node => runs.get(node)?.result()));
        for (const node of tick.nodes) sofar.settled.add(node);
        break;
      case 'close': {
        const label = `wave ${tick.wave}`;
        const shut = gates && (await afterWave(parts, flow, { gates: gates.gates, label, stood }));
        if (shut) return shut;
        sofar.closed = tick.wave;
        break;
      }
      case 'end':
        return tick.end;
      default:
        return unreachable(tick);
    }
  }
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
