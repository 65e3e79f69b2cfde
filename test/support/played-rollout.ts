/**
 * Plays a rollout on clusters that are only facts: nodes that began run in any order, the world interferes, and every
 * decision (waves, starts, blast, budgets of pods, when to halt) is taken by the production's own functions. It knows no rule.
 */
import { known } from '../../src/core/bmc.ts';
import type { OperationNode } from '../../src/core/operation.ts';
import { type PlanDraft, scopeOf } from '../../src/core/plan.ts';
import { blastNow } from '../../src/planning/blast.ts';
import { haltReason } from '../../src/planning/halt-reason.ts';
import { type ClusterNow, nextStarts } from '../../src/planning/next-starts.ts';
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
export type Act = { act: 'cordon' | 'hold' | 'empty' | 'down' | 'back' | 'fail' | 'deny'; node: string };
/** `atWork`: cordoned or further, and not ended. `holding`: of those, the ones past the wait for their budgets. */
export type Onlooker = (act: Act, seen: { atWork: string[]; holding: string[] }) => void;
export type Played = {
  halted: string | undefined;
  done: string[];
  /** Of waves in which nothing could start any more. */
  skipped: string[];
  waited: number;
  denied: number;
};

type Part = {
  node: string;
  wave: number;
  message: string;
  step: 'begin' | 'hold' | 'empty' | 'down' | 'up' | 'ended';
  state: OperationNode['state'];
  ours: boolean;
};

export function playRollout(
  scenes: Scene[],
  plan: PlanDraft,
  { order, mishaps, onlooker }: { order: number[]; mishaps: Mishap[]; onlooker: Onlooker },
): Played {
  const parts: Part[] = plan.waves.flatMap((wave, index) =>
    wave.map(node => ({ node, wave: index, step: 'begin', state: 'waiting', ours: false, message: '' })),
  );
  const held = new Map<string, string>();
  const played: Played = { halted: undefined, done: [], skipped: [], waited: 0, denied: 0 };
  const doomed = new Set<string>();
  let turn = 0;
  /** Something that starts depend on. */
  let changed = true;
  const choose = <T>(list: T[]): T => list[(order[turn % order.length] ?? 0) % list.length] as T;
  const targets = new Map(plan.targets.map(target => [target.node, target]));
  const open = (part: Part) => part.state === 'waiting' || part.state === 'running';

  for (;;) {
    for (const mishap of mishaps) if (mishap.at === turn) interfere(mishap);
    played.halted ??= haltReason(plan, parts, { lost: [], silent: [] });
    if (played.halted === undefined && changed) startSome();
    const running = parts.filter(({ state }) => state === 'running');
    if (running.length === 0) {
      if (played.halted !== undefined || !parts.some(open)) break;
      skipWave();
      continue;
    }
    const movable = running.filter(part => !waits(part));
    played.waited += running.length - movable.length;
    if (movable.length === 0) throw new Error(`everybody waits: ${JSON.stringify(running)}`);
    advance(choose(movable));
    turn += 1;
  }
  played.done = parts.filter(({ state }) => state === 'done').map(({ node }) => node);
  played.skipped = parts.filter(({ state }) => state === 'skipped').map(({ node }) => node);
  return played;

  function waitingNow(): Part[] {
    const wave = Math.min(...parts.filter(open).map(part => part.wave));
    return parts.filter(part => part.wave === wave && part.state === 'waiting');
  }

  function startSome(): void {
    changed = false;
    const waiting = waitingNow();
    const { start } = nextStarts(plan, {
      waiting: waiting.map(({ node }) => node),
      running: parts.filter(({ state }) => state === 'running').map(({ node }) => node),
      elsewhere: [],
      clusterOf: name => sceneOf(name).cluster.name,
      clusters: new Map(scenes.map(scene => [scene.cluster.name, known(clusterNow(scene))])),
    });
    for (const part of waiting) if (start.includes(part.node)) part.state = 'running';
  }

  /** Nothing is at work, and nothing could start. */
  function skipWave(): void {
    changed = true;
    for (const part of waitingNow()) part.state = 'skipped';
  }

  function groupsOf({ node }: Part): string[] {
    const { cluster, pods, pdbs } = sceneOf(node);
    return pdbGroupsOfNode(node, pods, pdbs).map(group => `${cluster.name}/${group}`);
  }

  function waits(part: Part): boolean {
    return part.step === 'hold' && !stopped(part) && groupsOf(part).some(group => held.has(group));
  }

  function stopped(_: Part): boolean {
    return played.halted !== undefined;
  }

  /** What the policy denies before an effect. */
  function overBudget({ node }: Part): boolean {
    const running = parts.filter(({ state }) => state === 'running').map(part => part.node);
    const target = targets.get(node);
    if (!target) throw new Error(`no target ${node}`);
    const { nodes } = sceneOf(node);
    return blastNow(plan, node, { nodes, running }).peakUnavailable > scopeOf(plan, target).budget.maxUnavailable;
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
      tell('deny', part);
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
    changed = true;
  }

  function tell(act: Act['act'], { node }: Part): void {
    const away = parts.filter(({ step }) => step !== 'begin' && step !== 'ended');
    onlooker(
      { act, node },
      {
        atWork: away.map(part => part.node),
        holding: away.filter(({ step }) => step !== 'hold').map(part => part.node),
      },
    );
  }

  function interfere({ what, node }: Mishap): void {
    changed = true;
    const all = scenes.flatMap(scene => scene.nodes);
    const facts = all[node % all.length];
    if (!facts) return;
    const free = !parts.some(part => part.node === facts.name && part.state === 'running');
    if (what === 'update fails') doomed.add(facts.name);
    if (what === 'node lost' && free) facts.ready = false;
    if (what === 'node back' && free) facts.ready = true;
    if (what === 'cordoned by hand' && free) facts.unschedulable = true;
    if (what === 'pods move') movePods(facts.name);
  }

  /** To nodes of the cluster that take pods; without any they are gone. */
  function movePods(from: string): void {
    const { nodes, pods } = sceneOf(from);
    const takers = nodes.filter(({ name, ready, unschedulable }) => name !== from && ready && !unschedulable);
    const to = takers.length > 0 ? choose(takers).name : undefined;
    for (const pod of pods.filter(({ node }) => node === from)) {
      if (to === undefined) delete pod.node;
      else pod.node = to;
    }
  }

  function factsOf(name: string) {
    const found = sceneOf(name).nodes.find(facts => facts.name === name);
    if (!found) throw new Error(`no node ${name}`);
    return found;
  }

  function sceneOf(name: string): Scene {
    const found = scenes.find(({ nodes }) => nodes.some(facts => facts.name === name));
    if (!found) throw new Error(`no cluster has ${name}`);
    return found;
  }
}

/** A member is as well as its node. */
function clusterNow({ cluster, nodes, etcd }: Scene): ClusterNow {
  const ready = new Map(nodes.map(each => [each.name, each.ready]));
  const members = etcd.members.map(member => ({ ...member, healthy: known(ready.get(member.node) ?? false) }));
  return { nodes, budget: cluster.budget, etcd: known({ ...etcd, members }) };
}
