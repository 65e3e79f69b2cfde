/**
 * Plays a rollout on a cluster that is only facts: nodes of a wave run in any order, the world interferes, and every
 * decision (waves, blast, budgets of pods, when to stop) is taken by the production's own functions. It knows no rule.
 */
import type { Operation, OperationNode } from '../../src/core/operation.ts';
import { stopReason } from '../../src/core/operation.ts';
import type { PlanDraft } from '../../src/core/plan.ts';
import { blastNow } from '../../src/planning/blast.ts';
import { pdbGroupsOfNode } from '../../src/planning/pdb-groups.ts';
import type { Scene } from './random-fleet.ts';

export type Mishap = {
  /** Before this turn of the play. */
  at: number;
  what: 'update fails' | 'node lost' | 'node back' | 'cordoned by hand' | 'pods move';
  /** Which node, of all in the cluster, modulo their number. */
  node: number;
};

/** What the play did to a node, told right after. */
export type Act = { act: 'cordon' | 'hold' | 'empty' | 'down' | 'back' | 'fail'; node: string };
/** `atWork`: cordoned or further, and not ended. `holding`: of those, the ones past the wait for their budgets. */
export type Onlooker = (act: Act, seen: { atWork: string[]; holding: string[] }) => void;
export type Played = { halted: boolean; done: string[]; waited: number; denied: number };

type Part = {
  node: string;
  step: 'begin' | 'hold' | 'empty' | 'down' | 'up' | 'ended';
  state: OperationNode['state'];
  ours: boolean;
};

export function playRollout(
  scene: Scene,
  plan: PlanDraft,
  { order, mishaps, onlooker }: { order: number[]; mishaps: Mishap[]; onlooker: Onlooker },
): Played {
  const parts: Part[] = plan.waves.flat().map(node => ({ node, step: 'begin', state: 'waiting', ours: false }));
  const held = new Map<string, string>();
  const played: Played = { halted: false, done: [], waited: 0, denied: 0 };
  const doomed = new Set<string>();
  let turn = 0;
  const choose = <T>(list: T[]): T => list[(order[turn % order.length] ?? 0) % list.length] as T;

  for (const wave of plan.waves) {
    const here = parts.filter(({ node }) => wave.includes(node));
    for (const part of here) part.state = 'running';
    while (here.some(({ step }) => step !== 'ended')) {
      for (const mishap of mishaps) if (mishap.at === turn) interfere(mishap);
      const movable = here.filter(part => part.step !== 'ended' && !waits(part));
      played.waited += here.filter(part => part.step !== 'ended').length - movable.length;
      if (movable.length === 0) throw new Error(`everybody waits: ${JSON.stringify(here)}`);
      advance(choose(movable));
      turn += 1;
    }
    if (here.some(({ state }) => state !== 'done')) {
      played.halted = true;
      break;
    }
  }
  played.done = parts.filter(({ state }) => state === 'done').map(({ node }) => node);
  return played;

  function groupsOf({ node }: Part): string[] {
    return pdbGroupsOfNode(node, scene.pods, scene.pdbs);
  }

  function waits(part: Part): boolean {
    return part.step === 'hold' && !stopped(part) && groupsOf(part).some(group => held.has(group));
  }

  function stopped({ node }: Part): boolean {
    return stopReason({ nodes: parts } as unknown as Operation, node) !== undefined;
  }

  /** What the policy denies before an effect. */
  function overBudget({ node }: Part): boolean {
    const running = parts.filter(({ state }) => state === 'running').map(part => part.node);
    const blast = blastNow(plan, node, { nodes: scene.nodes, running });
    return blast.peakUnavailable > plan.budget.maxUnavailable;
  }

  function advance(part: Part): void {
    const facts = factsOf(part.node);
    if (part.step !== 'up' && stopped(part)) {
      end(part, 'cancelled');
      return;
    }
    if ((part.step === 'begin' || part.step === 'empty') && overBudget(part)) {
      played.denied += 1;
      end(part, 'failed', true);
      tell('fail', part);
      return;
    }
    switch (part.step) {
      case 'begin':
        part.ours = !facts.unschedulable;
        facts.unschedulable = true;
        part.step = 'hold';
        tell('cordon', part);
        break;
      case 'hold':
        for (const group of groupsOf(part)) held.set(group, part.node);
        part.step = 'empty';
        tell('hold', part);
        break;
      case 'empty':
        movePods(part.node);
        part.step = 'down';
        tell('empty', part);
        break;
      case 'down':
        facts.ready = false;
        part.step = 'up';
        tell('down', part);
        break;
      case 'up':
        facts.ready = !doomed.has(part.node);
        end(part, facts.ready ? 'done' : 'failed');
        tell(facts.ready ? 'back' : 'fail', part);
        break;
      case 'ended':
        throw new Error(`${part.node} has ended`);
    }
  }

  /** Takes the cordon back, except where the machine may have changed and did not come back. */
  function end(part: Part, state: OperationNode['state'], untouched = state !== 'failed'): void {
    if (part.ours && untouched) factsOf(part.node).unschedulable = false;
    for (const [group, node] of held) if (node === part.node) held.delete(group);
    part.step = 'ended';
    part.state = state;
  }

  function tell(act: Act['act'], { node }: Part): void {
    const open = parts.filter(({ step }) => step !== 'begin' && step !== 'ended');
    onlooker(
      { act, node },
      {
        atWork: open.map(part => part.node),
        holding: open.filter(({ step }) => step !== 'hold').map(part => part.node),
      },
    );
  }

  function interfere({ what, node }: Mishap): void {
    const facts = scene.nodes[node % scene.nodes.length];
    if (!facts) return;
    const free = !parts.some(part => part.node === facts.name && part.state === 'running');
    if (what === 'update fails') doomed.add(facts.name);
    if (what === 'node lost' && free) facts.ready = false;
    if (what === 'node back' && free) facts.ready = true;
    if (what === 'cordoned by hand' && free) facts.unschedulable = true;
    if (what === 'pods move') movePods(facts.name);
  }

  /** To nodes that take pods; without any they are gone. */
  function movePods(from: string): void {
    const open = scene.nodes.filter(({ name, ready, unschedulable }) => name !== from && ready && !unschedulable);
    const to = open.length > 0 ? choose(open).name : undefined;
    for (const pod of scene.pods.filter(({ node }) => node === from)) {
      if (to === undefined) delete pod.node;
      else pod.node = to;
    }
  }

  function factsOf(name: string) {
    const found = scene.nodes.find(facts => facts.name === name);
    if (!found) throw new Error(`no node ${name}`);
    return found;
  }
}
