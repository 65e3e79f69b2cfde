/**
 * What a running plan does next, from what is stored of its nodes and what is true of its clusters. A tick looks until there
 * is something to do, and its answer is journaled, so that a replay does the same again. Nodes begin nowhere else, and of all
 * operations one at a time chooses and marks those that begin: what it left out of account would begin at the same moment.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { FleetError } from '../core/errors.ts';
import {
  hasNodeEnded,
  type Operation,
  type OperationNode,
  type OperationState,
  stopReason,
} from '../core/operation.ts';
import type { Plan } from '../core/plan.ts';
import type { Stores } from '../core/records.ts';
import { readAtWork } from '../operations/at-work.ts';
import type { Parts } from '../operations/job.ts';
import { haltReason, isBad } from '../planning/halt-reason.ts';
import { type NextStarts, nextStarts, type StartFacts, waitsForTurn } from '../planning/next-starts.ts';
import { takesCapacity } from '../planning/plan-kinds.ts';
import { readClusters } from './start-facts.ts';
import { keepWaiting, lostSites } from './wait-for-room.ts';
import { insideWindows } from './wait-for-window.ts';
import { holdOf } from './wave-hold.ts';

export type End = { state: OperationState; reason: string };

export type Tick =
  /** Before the first of the wave starts. */
  | { do: 'open'; wave: number }
  | { do: 'start'; nodes: string[] }
  /** These have ended. */
  | { do: 'settle'; nodes: string[] }
  /** All nodes of the wave have ended. */
  | { do: 'close'; wave: number }
  | { do: 'end'; end: End };

/** What the workflow did: nodes it started, nodes whose end it took, and the last waves it opened and closed. */
export type Sofar = { started: ReadonlySet<string>; settled: ReadonlySet<string>; opened: number; closed: number };

/** Whatever keeps it from looking is waited out, and told: nothing else would ever take up the work. */
export async function nextTick(parts: Parts, operation: string, sofar: Sofar): Promise<Tick> {
  for (;;) {
    const tick = await look(parts, operation, sofar).catch(thrown => tellFailure(parts, operation, thrown));
    if (tick) return tick;
    await delay(parts.timings.pollMs, undefined, { ref: false });
  }
}

/** Once for each reason; where even that fails it is the database that is away. */
async function tellFailure({ records }: Parts, operation: string, thrown: unknown): Promise<undefined> {
  const message = `what comes next is not known: ${FleetError.from(thrown).message}`;
  const event = { step: 'operation', status: 'progress', message } as const;
  await records.operations.addEvent(operation, `tick/${message}`, event).catch(() => undefined);
}

async function look(parts: Parts, id: string, { started, settled, opened, closed }: Sofar): Promise<Tick | undefined> {
  const operation = await parts.records.operations.get(id);
  const { nodes } = operation;
  const ended = nodes.filter(part => started.has(part.node) && !settled.has(part.node) && hasNodeEnded(part.state));
  if (ended.length > 0) return { do: 'settle', nodes: namesOf(ended) };
  const running = nodes.filter(({ state }) => state === 'running');
  // Marked by a tick that was interrupted before its answer was kept.
  const orphans = running.filter(({ node }) => !started.has(node));
  if (orphans.length > 0) return { do: 'start', nodes: namesOf(orphans) };

  const { plan } = await parts.records.plans.get(operation.plan);
  const stop = (await halts(parts, operation, plan)) ?? stopReason(operation) ?? stoppedPart(operation);
  if (stop) return running.length > 0 ? undefined : { do: 'end', end: endOf(operation, stop) };
  const open = nodes.filter(({ state }) => !hasNodeEnded(state)).map(({ wave }) => wave);
  const wave = Math.min(...open, plan.waves.length + 1);
  if (wave - 1 > closed) return { do: 'close', wave: closed + 1 };
  if (open.length === 0) return { do: 'end', end: endOf(operation, undefined) };
  if (await holdOf(parts, { operation, plan, wave })) return undefined;
  const waiting = nodes.filter(part => part.wave === wave && part.state === 'waiting');
  const ready = await insideWindows(parts, { operation, plan }, waiting);
  if (ready.length === 0) return undefined;
  if (wave > opened) return { do: 'open', wave };
  return starts(parts, { operation, plan, wave }, ready);
}

async function starts(
  parts: Parts,
  { operation, plan, wave }: { operation: Operation; plan: Plan; wave: number },
  waiting: OperationNode[],
): Promise<Tick | undefined> {
  const names = new Set(namesOf(waiting));
  if (!takesCapacity(plan)) return begin(parts, { operation, plan, wave }, [...names]);
  const running = namesOf(operation.nodes.filter(({ state }) => state === 'running'));
  const clusters = await readClusters(
    parts,
    plan.targets.filter(({ node }) => names.has(node)),
  );
  const now = await parts.records.transaction(async tx => {
    await tx.operations.holdStarts();
    const elsewhere = await readAtWork(tx, operation.id);
    const { clusterOf } = parts;
    const next = chosen(plan, { waiting: [...names], running, elsewhere, clusters, clusterOf });
    const tick =
      next.start.length > 0 ? await begin({ records: tx }, { operation, plan, wave }, next.start) : undefined;
    return { ...next, elsewhere, tick };
  });
  if (!now.tick) await keepWaiting(parts, operation, { ...now, clusters });
  return now.tick;
}

/** Only a rollout has nodes that wait for each other. */
function chosen(plan: Plan, facts: StartFacts): NextStarts {
  if (plan.kind === 'firmware-rollout') return nextStarts(plan, facts);
  const wait = facts.waiting.flatMap(node => waitsForTurn(plan, node, facts) ?? []);
  return { start: facts.waiting.filter(node => !wait.some(each => each.node === node)), wait };
}

/** Marks them, so that every other operation sees that they are worked on. */
async function begin(
  { records }: { records: Pick<Stores, 'operations'> },
  { operation, plan, wave }: { operation: Operation; plan: Plan; wave: number },
  nodes: string[],
): Promise<Tick> {
  const all = plan.waves[wave - 1] ?? [];
  const canary = plan.waves.length > 1 && all.every(node => plan.canaries.includes(node)) ? 'canary, ' : '';
  const who = all.length > namesTold ? `${all.length} nodes` : all.join(', ');
  const step = `wave ${wave}`;
  const message = `${who} (${canary}${wave} of ${plan.waves.length})`;
  await records.operations.addEvent(operation.id, step, { step, status: 'started', message });
  await records.operations.setNodes(
    operation.id,
    nodes.map(node => ({ node, state: 'running', step: 'start', message: '' })),
  );
  return { do: 'start', nodes };
}

const namesTold = 10;

/** Keeps and answers why the plan ends before its end. */
async function halts(parts: Parts, { id, nodes, halting }: Operation, plan: Plan): Promise<string | undefined> {
  const bad = new Set(namesOf(nodes.filter(({ state }) => isBad(state))));
  const lost = lostSites(nodes);
  const clusters = await readClusters(
    parts,
    plan.waves.length > 1 ? plan.targets.filter(({ node }) => bad.has(node)) : [],
  );
  const silent = plan.scopes
    .filter(({ cluster }) => 'unknown' in (clusters.get(cluster) ?? {}))
    .map(({ site }) => site);
  const reason = halting ?? haltReason(plan, nodes, { lost, silent: [...lost, ...silent] });
  if (reason && !halting) await parts.records.operations.requestHalt(id, reason);
  return reason;
}

function endOf({ nodes, cancelRequestedBy, halting }: Operation, stop: string | undefined): End {
  const left = nodes.filter(({ state }) => state !== 'done');
  if (left.length === 0) return { state: 'done', reason: 'every node is done' };
  const stopped = cancelRequestedBy !== undefined || nodes.some(({ state }) => state === 'cancelled');
  if (stop !== undefined && stopped && halting === undefined) return { state: 'cancelled', reason: stop };
  const told = left.slice(0, namesTold).map(({ node, state, message }) => `${node} is ${state}: ${message}`);
  return {
    state: 'halted',
    reason: stop ?? `${left.length} of ${nodes.length} nodes are not done: ${told.join('; ')}`,
  };
}

/** A node that was stopped although nobody stopped the operation: a freeze stands over it, and over what would follow. */
function stoppedPart({ nodes }: Operation): string | undefined {
  return nodes.find(({ state }) => state === 'cancelled')?.message;
}

function namesOf(nodes: OperationNode[]): string[] {
  return nodes.map(({ node }) => node);
}
