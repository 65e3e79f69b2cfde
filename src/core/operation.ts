/** An operation is a plan being executed: its state, each node's state, and the events that surfaces render live. */
import type { ErrorCode } from './errors.ts';
import type { Plan, PlanKind } from './plan.ts';

/** `halted`: stopped itself, or came to its end with nodes that are not done, and says why. */
export type OperationState = 'queued' | 'running' | 'done' | 'halted' | 'cancelled';

/** `ambiguous`: nothing proves what happened; it waits for a person and is never retried by itself. */
export const nodeStates = ['waiting', 'running', 'done', 'failed', 'ambiguous', 'cancelled', 'skipped'] as const;
export type NodeState = (typeof nodeStates)[number];

export type OperationNode = {
  node: string;
  site: string;
  cluster: string;
  wave: number;
  state: NodeState;
  step: string;
  message: string;
  /** RFC 3339 time at which it came to this step. */
  stepSince?: string;
  /** Of what failed, where one is known. */
  code?: ErrorCode;
  updatedAt: string;
  /** RFC 3339 time at which it left the waiting ones; none where it never did. */
  begunAt?: string;
};

export type Operation = {
  id: string;
  plan: string;
  digest: string;
  kind: PlanKind;
  /** `*` where its plan has several, as of the cluster. */
  site: string;
  cluster: string;
  state: OperationState;
  reason: string;
  requester: string;
  /** Surface that the request came through; policy is asked with it before every effect. */
  channel: string;
  approval?: string;
  cancelRequestedBy?: string;
  /** The stop was asked for by taking the approval back. */
  revoked: boolean;
  /** RFC 3339; nothing but settling steps begins after it. */
  executeUntil: string;
  /** Who held it: nodes that began go on, no other begins. */
  pausedBy?: string;
  /** The last wave that a person let begin, where the plan wants that; the first needs nobody. */
  advancedTo?: number;
  /** Why it begins nothing more, although nobody cancelled it: it ends as `halted` once what cannot stop has settled. */
  halting?: string;
  createdAt: string;
  endedAt?: string;
  nodes: OperationNode[];
};

/** Without its nodes, of which there may be thousands: what is asked before every act. */
export type OperationHead = Omit<Operation, 'nodes'>;

/** How far it is, without the nodes that wait or have ended. */
export type OperationProgress = {
  /** Of each state, how many nodes; states without any are left out. */
  counts: Partial<Record<NodeState, number>>;
  atWork: OperationNode[];
};

export type OperationEvent = {
  seq: number;
  time: string;
  node?: string;
  step: string;
  status: 'started' | 'progress' | 'ok' | 'failed';
  message: string;
};

export function hasEnded(state: OperationState): boolean {
  return state === 'done' || state === 'halted' || state === 'cancelled';
}

export function hasNodeEnded(state: NodeState): boolean {
  return state !== 'waiting' && state !== 'running';
}

/** How one node's part ended. */
export type NodeOutcome = { state: Exclude<NodeState, 'waiting' | 'running'>; message: string; code?: ErrorCode };

/** Why no more of an operation may begin at all: somebody cancelled it or took the approval back, or its time is over. */
export function endReason(operation: OperationHead, at = new Date()): string | undefined {
  const { cancelRequestedBy: by, revoked, executeUntil } = operation;
  if (by) return `${by} ${revoked ? 'took the approval back' : 'cancelled the operation'}`;
  return new Date(executeUntil) <= at ? `its time to act ended at ${executeUntil}` : undefined;
}

/** Why nothing more of this operation may begin: it ends, or it halts. */
export function stopReason(operation: OperationHead, at?: Date): string | undefined {
  return endReason(operation, at) ?? operation.halting;
}

/** Why no node of this wave begins at this moment, although nothing stops the operation: a person holds it. */
export function holdReason(operation: OperationHead, plan: Pick<Plan, 'advance'>, wave: number): string | undefined {
  return operation.pausedBy ? `${operation.pausedBy} paused it` : notAdvanced(operation, plan, wave);
}

/** Why nothing of this wave may happen: its plan wants a person to let it begin, and nobody did. */
export function notAdvanced(
  { advancedTo = 1 }: Pick<Operation, 'advancedTo'>,
  { advance }: Pick<Plan, 'advance'>,
  wave: number,
): string | undefined {
  return advance === 'manual' && wave > advancedTo ? `wave ${wave} waits until a person advances it` : undefined;
}
