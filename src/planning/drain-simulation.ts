/**
 * A drain played in the mind: whether it would begin and end, when each pod
 * goes, which budget holds it, and where it would run next. The verdicts are
 * the drain's own (`drain-preview`), so that what is shown is what would happen.
 */
import type { NodeFacts, PdbFacts, PodFacts } from '../core/cluster-facts.ts';
import { unreachable } from '../core/errors.ts';
import { budgetState, describeBudget, isExempt, passesUnready } from './budget-state.ts';
import type { DrainOptions } from './drain-filter.ts';
import { type DrainPreview, drainPreview, lastingPods } from './drain-preview.ts';
import { isFinished, pdbsOfPod, qualifiedName } from './pdb-groups.ts';
import { type PodPlacement, placementsOf, wantsPlace } from './placement.ts';
import type { ClusterFacts } from './rollout-target.ts';
import { readyReplicas, workloadName, workloadOf } from './workload.ts';

export type SimulationRequest = { nodes: string[]; facts: ClusterFacts; options: DrainOptions };

/**
 * `now`: nothing holds it. `in-turn`: after pods of the same budget run elsewhere. `waits`: its budget allows none at this
 * moment. `stuck`: pods of its budget fit nowhere, so its turn does not come. `leaving`: already ends. `stays`, `blocked`:
 * as the drain decides.
 */
export type Going = 'now' | 'in-turn' | 'waits' | 'stuck' | 'leaving' | 'stays' | 'blocked';

export type SimulatedPod = {
  pod: PodFacts;
  goes: Going;
  /** Why it stays, blocks or goes. */
  reason: string;
  /** The budgets that decide on its eviction, each in one line. */
  budgets: { name: string; says: string }[];
  /** Where it would run next, where anything starts it again. */
  placement?: PodPlacement;
  /** Its workload has no ready pod elsewhere. */
  onlyReplica: boolean;
};

/** `blocked`: must not begin. `stalls`: begins and does not end. `waits`: ends once others have recovered. */
export type SimulationVerdict = 'blocked' | 'stalls' | 'waits' | 'finishes';

export type Simulation = {
  verdict: SimulationVerdict;
  pods: SimulatedPod[];
  /** The longest that an evicted pod may take to end, in seconds. */
  longestGraceSeconds: number;
  /** How many times pods of one budget have to go one after another; 1 where all may go at once. */
  turns: number;
};

/** Pods in the order: what blocks, what waits, what goes, what stays. Pure. */
export function simulateDrainOf({ nodes, facts, options }: SimulationRequest): Simulation {
  const leaving = new Set(nodes);
  const here = facts.pods.filter(pod => leaving.has(pod.node ?? ''));
  const drained = { pods: here, clusterPods: facts.pods, pdbs: facts.pdbs };
  const preview = drainPreview({ ...drained, daemonSets: facts.daemonSets, options });
  const siblings = lastingPods(drained);
  const judged = here.map(pod => judge(pod, preview));
  const evicted = judged.filter(({ action }) => action === 'evict').map(({ pod }) => pod);
  const placements = placementsByPod(evicted.filter(wantsPlace), facts, leaving);
  const queues = queuesOf(evicted, { pdbs: facts.pdbs, siblings }, placements);
  const elsewhere = readyReplicas(facts.pods, leaving);
  const pods = judged.map(({ pod, action, reason, ends }): SimulatedPod => {
    const placement = placements.get(pod.uid);
    const workload = workloadOf(pod);
    return {
      pod,
      goes: action === 'evict' ? goingOf(pod, queues) : action === 'block' ? 'blocked' : ends ? 'leaving' : 'stays',
      reason,
      budgets: budgetsOver(pod, facts.pdbs).map(budget => ({
        name: qualifiedName(budget),
        says: describeBudget(budget, siblings),
      })),
      ...(placement ? { placement } : {}),
      onlyReplica: wantsPlace(pod) && workload !== undefined && !elsewhere.has(workloadName(workload)),
    };
  });
  return {
    verdict: verdictOf(pods),
    pods: pods.toSorted((a, b) => rank[a.goes] - rank[b.goes]),
    longestGraceSeconds: Math.max(0, ...evicted.filter(pod => !isFinished(pod)).map(pod => pod.graceSeconds)),
    turns: Math.max(1, ...queues.map(({ turns }) => turns)),
  };
}

const rank: Record<Going, number> = { blocked: 0, stuck: 1, waits: 2, 'in-turn': 3, now: 4, leaving: 5, stays: 6 };

type Judged = { pod: PodFacts; action: 'evict' | 'skip' | 'block'; reason: string; ends: boolean };

function judge(pod: PodFacts, { blocked, skipped, leaving }: DrainPreview): Judged {
  const about = (each: { pod: PodFacts }) => each.pod === pod;
  const block = blocked.find(about);
  if (block) return { pod, action: 'block', reason: block.reason, ends: false };
  const skip = skipped.find(about);
  if (skip) return { pod, action: 'skip', reason: skip.reason, ends: leaving.includes(pod) };
  return { pod, action: 'evict', reason: isFinished(pod) ? 'finished' : '', ends: false };
}

function placementsByPod(pods: PodFacts[], facts: { nodes: NodeFacts[]; pods: PodFacts[] }, leaving: Set<string>) {
  const placements = placementsOf({ pods, nodes: facts.nodes, clusterPods: facts.pods, leaving });
  return new Map(placements.map(placement => [placement.pod.uid, placement]));
}

/** The pods of one budget that need its leave, in the order in which they would get it. */
type Queue = { pods: PodFacts[]; going: (place: number) => Going; turns: number };

type Budgets = { pdbs: PdbFacts[]; siblings: PodFacts[] };

function queuesOf(
  evicted: PodFacts[],
  { pdbs, siblings }: Budgets,
  placements: ReadonlyMap<string, PodPlacement>,
): Queue[] {
  return pdbs.flatMap(budget => {
    const pods = evicted.filter(pod => budgetsOver(pod, [budget]).length > 0);
    if (pods.length === 0) return [];
    const homeless = pods.filter(pod => placements.get(pod.uid)?.node === undefined).length;
    return [queueOf(pods, homeless, { budget, siblings })];
  });
}

/** A pod that runs nowhere afterwards uses up the budget for good: what it allowed never comes back. */
function queueOf(pods: PodFacts[], homeless: number, of: { budget: PdbFacts; siblings: PodFacts[] }): Queue {
  const state = budgetState(of.budget, of.siblings);
  const { disruptionsAllowed: allowed } = of.budget;
  switch (state) {
    case 'never':
      return { pods, going: () => 'stuck', turns: 1 };
    case 'waits':
      return { pods, going: () => 'waits', turns: 1 };
    case 'allows': {
      const later = homeless >= allowed ? 'stuck' : 'in-turn';
      const turns = Math.ceil(pods.length / allowed);
      return { pods, going: place => (place < allowed ? 'now' : later), turns };
    }
    default:
      return unreachable(state);
  }
}

function goingOf(pod: PodFacts, queues: Queue[]): Going {
  const queue = queues.find(({ pods }) => pods.includes(pod));
  return queue ? queue.going(queue.pods.indexOf(pod)) : 'now';
}

/** The budgets whose leave its eviction needs. */
function budgetsOver(pod: PodFacts, pdbs: PdbFacts[]): PdbFacts[] {
  return isExempt(pod) ? [] : pdbsOfPod(pod, pdbs).filter(budget => !passesUnready(pod, budget));
}

function verdictOf(pods: SimulatedPod[]): SimulationVerdict {
  const some = (going: Going) => pods.some(({ goes }) => goes === going);
  return some('blocked') ? 'blocked' : some('stuck') ? 'stalls' : some('waits') ? 'waits' : 'finishes';
}
