/**
 * How long each step of a node may take, and what a person can do when one
 * takes longer. Steps that wait have a deadline and end by themselves; this is
 * for the day on which one does not. A step that is not here does not compile.
 * Pure.
 */
import { unreachable } from '../core/errors.ts';
import type { Operation, OperationNode } from '../core/operation.ts';
import type { Timings } from '../core/timings.ts';

/** `cancel`: stopping is safe. `settle`: the machine may have changed, so it only ends by being brought to its end. */
type StepLimit = { ms: (timings: Timings & { soakMs: number }) => number; exit: 'cancel' | 'settle' };

const minute = 60_000;
/** A step is stuck once it is over its limit for so long. */
export const stuckAfterMs = minute;
/** Reads, and writes with their patience for a BMC or an API server that is away. */
const short = () => 10 * minute;
const reading = { ms: short, exit: 'cancel' } as const;
const settlingRead = { ms: short, exit: 'settle' } as const;
const settlingWrite: StepLimit = { ms: ({ rejoinMs }) => short() + rejoinMs, exit: 'settle' };
const restart: StepLimit = { ms: ({ rebootMs, resetSettleMs }) => short() + rebootMs + resetSettleMs, exit: 'settle' };
const back: StepLimit = { ms: ({ rebootMs, rejoinMs }) => rebootMs + rejoinMs, exit: 'settle' };
const update: StepLimit = { ms: ({ updateMs }) => updateMs, exit: 'settle' };

export const stepLimits = {
  lease: reading,
  identity: reading,
  precheck: reading,
  remediators: reading,
  evidence: reading,
  owner: reading,
  silent: reading,
  'nothing staged': reading,
  stuck: { ms: ({ stallMs }) => short() + stallMs, exit: 'cancel' },
  cordon: { ms: ({ rejoinMs }) => short() + rejoinMs, exit: 'cancel' },
  taint: reading,
  'pods gone': { ms: ({ drainMs }) => short() + 2 * drainMs, exit: 'cancel' },
  mark: reading,
  budgets: {
    ms: ({ drainMs, updateMs, rebootMs, rejoinMs }) => drainMs + updateMs + rebootMs + rejoinMs,
    exit: 'cancel',
  },
  drain: { ms: ({ drainMs }) => short() + 2 * drainMs, exit: 'cancel' },
  flash: { ms: ({ updateMs, resetSettleMs }) => updateMs + resetSettleMs, exit: 'settle' },
  set: restart,
  staged: restart,
  transfer: update,
  write: update,
  written: update,
  apply: update,
  reset: restart,
  verify: restart,
  rejoin: back,
  'ran on': back,
  'restart of the BMC': restart,
  'power cycle': restart,
  'power back': restart,
  'shut down': restart,
  'ended?': restart,
  cut: restart,
  off: restart,
  on: restart,
  change: restart,
  prove: restart,
  soak: { ms: ({ soakMs }) => short() + soakMs, exit: 'settle' },
  steady: { ms: ({ gateMs }) => short() + gateMs, exit: 'settle' },
  uncordon: settlingWrite,
  explain: settlingWrite,
  offer: settlingRead,
  'handed over?': settlingRead,
  'unwritten?': settlingRead,
  // What is read on the way, and shown as the step before it.
  alongside: settlingRead,
  before: reading,
  'before change': reading,
  'before reset': reading,
  'before restart of the BMC': reading,
  'change wanted': reading,
  'emptied?': reading,
  'healthy?': reading,
  plan: reading,
  power: reading,
  reason: reading,
  'taint wanted': reading,
  traits: reading,
  wanted: reading,
} satisfies Record<string, StepLimit>;

export type StepName = keyof typeof stepLimits;

/** One sentence for each node that is longer at its step than it may be: for how long, the limit, and what to do. */
export function stuckSteps(
  { id, nodes }: Pick<Operation, 'id' | 'nodes'>,
  timings: Timings & { soakMs: number },
  now: Date,
): string[] {
  return nodes.flatMap(node => {
    const limit = limitOf(node);
    if (!limit || node.stepSince === undefined) return [];
    const forMs = now.getTime() - Date.parse(node.stepSince);
    const limitMs = limit.ms(timings);
    if (forMs <= limitMs + stuckAfterMs) return [];
    return `${node.step} of ${node.node} for ${minutes(forMs)}, limit ${minutes(limitMs)}; ${exitOf(limit.exit, id, node)}`;
  });
}

function limitOf({ state, step }: OperationNode): StepLimit | undefined {
  // A step of one change stands behind that change's name.
  const name = step.slice(step.lastIndexOf('/') + 1);
  return state === 'running' && Object.hasOwn(stepLimits, name) ? stepLimits[name as StepName] : undefined;
}

function exitOf(exit: StepLimit['exit'], id: string, { node }: OperationNode): string {
  switch (exit) {
    case 'cancel':
      return `cancel-operation ${id} stops it where that is safe`;
    case 'settle':
      return `it is past what can be stopped: look at the machine (get-bmc-status ${node}); a restart of the service takes the step up again, and repeats no effect`;
    default:
      return unreachable(exit);
  }
}

function minutes(ms: number): string {
  return `${Math.floor(ms / minute)} min`;
}
