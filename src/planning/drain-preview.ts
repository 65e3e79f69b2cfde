/**
 * The whole drain of a node, computed before anything is touched: what would be
 * evicted, what stays, what forbids the drain, and what it costs.
 */
import type { PdbFacts, PodFacts } from '../core/cluster.ts';
import { type DrainOptions, drainVerdict } from './drain-filter.ts';
import { isFinished, pdbsOfPod, qualifiedName } from './pdb-groups.ts';

export type DrainFacts = {
  /** The pods on the node. */
  pods: PodFacts[];
  /** All pods of the cluster; without them no single-replica warning can be given. */
  clusterPods?: PodFacts[];
  pdbs: PdbFacts[];
  /** Qualified names of the DaemonSets that exist. */
  daemonSets: string[];
  options: DrainOptions;
};

export type PodReason = { pod: PodFacts; reason: string };

export type DrainPreview = {
  evictions: PodFacts[];
  skipped: PodReason[];
  /** Of the skipped, those that end by themselves: the node is not empty until they are gone. */
  leaving: PodFacts[];
  /** Not empty: the drain must not begin. */
  blocked: PodReason[];
  warnings: string[];
};

/** Every verdict of the drain at once; pure. */
export function drainPreview(facts: DrainFacts): DrainPreview {
  const daemonSets = new Set(facts.daemonSets);
  const preview: DrainPreview = { evictions: [], skipped: [], leaving: [], blocked: [], warnings: [] };
  for (const pod of facts.pods) {
    const verdict = drainVerdict(pod, daemonSets, facts.options);
    const budgets = bypassesBudgets(pod) ? [] : pdbsOfPod(pod, facts.pdbs);
    if (verdict.action === 'skip') {
      preview.skipped.push({ pod, reason: verdict.reason });
      if (pod.terminating && !pod.mirror && pod.controller?.kind !== 'DaemonSet') preview.leaving.push(pod);
    } else if (verdict.action === 'block') {
      preview.blocked.push({ pod, reason: verdict.reason });
    } else if (budgets.length > 1) {
      const names = budgets.map(qualifiedName).join(', ');
      preview.blocked.push({ pod, reason: `several PodDisruptionBudgets count it (${names}): eviction always fails` });
    } else {
      preview.evictions.push(pod);
      const warnings = [...verdict.warnings, ...budgets.flatMap(budgetWarning), ...replicaWarning(pod, facts)];
      preview.warnings.push(...warnings.map(warning => `${qualifiedName(pod)}: ${warning}`));
    }
  }
  return preview;
}

/** Eviction of these is granted whatever their budget says. */
function bypassesBudgets(pod: PodFacts): boolean {
  return isFinished(pod) || pod.terminating || pod.phase === 'Pending';
}

/** Tells a budget that waits for replicas from one that can never allow an eviction. */
function budgetWarning(pdb: PdbFacts): string[] {
  if (pdb.disruptionsAllowed > 0) return [];
  const name = `PodDisruptionBudget ${qualifiedName(pdb)}`;
  if (pdb.expectedPods > 0 && pdb.desiredHealthy >= pdb.expectedPods) {
    return [`${name} wants all ${pdb.expectedPods} pods healthy: it never allows an eviction`];
  }
  return [`${name} allows no disruption now (${pdb.currentHealthy} healthy, ${pdb.desiredHealthy} wanted)`];
}

function replicaWarning(pod: PodFacts, { clusterPods }: DrainFacts): string[] {
  const owner = pod.controller;
  if (!clusterPods || !owner || isFinished(pod)) return [];
  const others = clusterPods.some(
    other =>
      other.uid !== pod.uid &&
      other.namespace === pod.namespace &&
      other.controller?.kind === owner.kind &&
      other.controller.name === owner.name &&
      other.ready &&
      !other.terminating,
  );
  return others ? [] : [`the only ready replica of ${owner.kind} ${owner.name}: it is down until it runs elsewhere`];
}
