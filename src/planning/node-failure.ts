/** What would stop if a node were gone at this moment: no drain, no budget asked, nothing moved before. */
import type { PdbFacts, PodFacts } from '../core/cluster-facts.ts';
import { describeBudget, isExempt } from './budget-state.ts';
import { isFinished, pdbsOfPod, qualifiedName } from './pdb-groups.ts';
import { describeRefusals, placementsOf, wantsPlace } from './placement.ts';
import type { ClusterFacts } from './rollout-target.ts';
import { byText } from './text-order.ts';
import { ownerName, readyReplicas, workloadName, workloadOf } from './workload.ts';

/** `local`: belongs to the node. `degraded`: others go on. `down`: none is left. `lost`: and nothing starts it again. */
export type Impact = 'local' | 'degraded' | 'down' | 'lost';

export type WorkloadOnNode = {
  /** `Deployment shop/web`, or the pod itself where nothing controls it. */
  name: string;
  pods: PodFacts[];
  /** Ready pods of it on other nodes. */
  readyElsewhere: number;
  budgets: { name: string; says: string }[];
  impact: Impact;
  /** What follows, beside the impact, in whole clauses. */
  consequences: string[];
};

/** Workloads with pods on the node, those hit hardest first. Finished pods are left out. Pure. */
export function failureOf(node: string, facts: ClusterFacts): WorkloadOnNode[] {
  const here = facts.pods.filter(pod => pod.node === node && !isFinished(pod));
  const elsewhere = readyReplicas(facts.pods, new Set([node]));
  const homeless = homelessOf(node, here, facts);
  return [...Map.groupBy(here, nameOf)]
    .map(([name, pods]): WorkloadOnNode => {
      const [first] = pods;
      const workload = first && workloadOf(first);
      const readyElsewhere = workload ? (elsewhere.get(workloadName(workload)) ?? 0) : 0;
      const budgets = budgetsOf(pods, facts.pdbs);
      return {
        name,
        pods,
        readyElsewhere,
        budgets: budgets.map(budget => ({ name: qualifiedName(budget), says: describeBudget(budget, facts.pods) })),
        impact: impactOf(pods, readyElsewhere),
        consequences: [...consequencesOf(pods, homeless), ...broken(budgets, pods)],
      };
    })
    .toSorted((a, b) => rank[b.impact] - rank[a.impact] || byText(a.name, b.name));
}

const rank: Record<Impact, number> = { local: 0, degraded: 1, down: 2, lost: 3 };

function nameOf(pod: PodFacts): string {
  return pod.mirror || !pod.controller ? `${pod.mirror ? 'static pod' : 'pod'} ${qualifiedName(pod)}` : ownerName(pod);
}

/** Judged by its pods that are meant to run: what is not ready here now is not lost by the failure, but does not save it. */
function impactOf(pods: PodFacts[], readyElsewhere: number): Impact {
  const [first] = pods;
  if (!first || first.mirror || first.controller?.kind === 'DaemonSet') return 'local';
  if (!first.controller) return 'lost';
  return readyElsewhere > 0 ? 'degraded' : 'down';
}

function homelessOf(node: string, here: PodFacts[], facts: ClusterFacts): Map<string, string> {
  const pods = here.filter(wantsPlace);
  const placements = placementsOf({ pods, nodes: facts.nodes, clusterPods: facts.pods, leaving: new Set([node]) });
  return new Map(
    placements
      .filter(placement => placement.node === undefined)
      .map(placement => [placement.pod.uid, describeRefusals(placement)]),
  );
}

function consequencesOf(pods: PodFacts[], homeless: ReadonlyMap<string, string>): string[] {
  const moving = pods.filter(wantsPlace);
  const nowhere = moving.filter(pod => homeless.has(pod.uid));
  const [example] = nowhere;
  return [
    ...(moving.some(pod => pod.controller?.kind === 'StatefulSet')
      ? ['no pod replaces these until the node is back, deleted or marked out of service']
      : []),
    ...(moving.some(pod => pod.claims.length > 0) ? ['their volumes stay attached for some minutes'] : []),
    ...(example
      ? [
          `${nowhere.length === 1 ? 'one of them fits' : `${nowhere.length} of them fit`} nowhere else: ${homeless.get(example.uid)}`,
        ]
      : []),
  ];
}

function budgetsOf(pods: PodFacts[], pdbs: PdbFacts[]): PdbFacts[] {
  return [...new Set(pods.filter(pod => !isExempt(pod)).flatMap(pod => pdbsOfPod(pod, pdbs)))];
}

/** Budgets that fewer healthy pods than they want would be left to: no eviction anywhere until they recover. */
function broken(budgets: PdbFacts[], pods: PodFacts[]): string[] {
  return budgets.flatMap(budget => {
    const healthy = pods.filter(pod => pod.ready && pdbsOfPod(pod, [budget]).length > 0).length;
    const left = budget.currentHealthy - healthy;
    return left < budget.desiredHealthy
      ? [`PodDisruptionBudget ${qualifiedName(budget)} is broken: ${left} healthy of ${budget.desiredHealthy} wanted`]
      : [];
  });
}
