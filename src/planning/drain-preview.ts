/**
 * The whole drain of a node, computed before anything is touched: what would be
 * evicted, what stays, what forbids the drain, and what it costs.
 */
import type { DaemonSetFacts, PdbFacts, PodFacts } from '../core/cluster-facts.ts';
import { budgetState, describeBudget, isExempt, passesUnready } from './budget-state.ts';
import { type DrainOptions, drainVerdict } from './drain-filter.ts';
import { isFinished, pdbsOfPod, qualifiedName } from './pdb-groups.ts';
import { localVolumes } from './volume-ties.ts';

export type DrainFacts = {
  /** The pods on the node. */
  pods: PodFacts[];
  /** All pods of the cluster; without them no single replica and no crash-looping sibling is seen. */
  clusterPods?: PodFacts[];
  pdbs: PdbFacts[];
  /** The DaemonSets that exist. */
  daemonSets: Pick<DaemonSetFacts, 'namespace' | 'name'>[];
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
  const daemonSets = new Set(facts.daemonSets.map(qualifiedName));
  const siblings = lastingPods(facts);
  const preview: DrainPreview = { evictions: [], skipped: [], leaving: [], blocked: [], warnings: [] };
  for (const pod of facts.pods) {
    const verdict = drainVerdict(pod, daemonSets, facts.options);
    const budgets = isExempt(pod) ? [] : pdbsOfPod(pod, facts.pdbs);
    const strict = budgets.filter(pdb => !passesUnready(pod, pdb));
    const never = strict.find(pdb => budgetState(pdb, siblings) === 'never');
    if (verdict.action === 'skip') {
      preview.skipped.push({ pod, reason: verdict.reason });
      if (pod.terminating && !pod.mirror && !isKept(pod, daemonSets)) preview.leaving.push(pod);
    } else if (verdict.action === 'block') {
      preview.blocked.push({ pod, reason: verdict.reason });
    } else if (budgets.length > 1) {
      const names = budgets.map(qualifiedName).join(', ');
      preview.blocked.push({ pod, reason: `several PodDisruptionBudgets count it (${names}): eviction always fails` });
    } else if (never) {
      preview.blocked.push({ pod, reason: describeBudget(never, siblings) });
    } else {
      preview.evictions.push(pod);
      const waits = strict.filter(pdb => budgetState(pdb, siblings) === 'waits');
      const warnings = [
        ...verdict.warnings,
        ...waits.map(pdb => `it waits: ${describeBudget(pdb, siblings)}`),
        ...(pod.graceSeconds >= longGraceSeconds
          ? [`it may take ${Math.round(pod.graceSeconds / 60)} minutes to end`]
          : []),
        ...(pod.hostPaths.length > 0 ? [`what it keeps under ${pod.hostPaths.join(', ')} stays on this node`] : []),
        ...localVolumes(pod).map(
          volume => `its volume ${volume} is on this node alone: it waits until the node is back`,
        ),
        ...replicaWarning(pod, facts),
      ];
      preview.warnings.push(...warnings.map(warning => `${qualifiedName(pod)}: ${warning}`));
    }
  }
  return preview;
}

/** A grace period that people should know of before they wait for it. */
const longGraceSeconds = 300;

/**
 * Pods that stay as they are while this node is drained. A pod of this node that is not ready and may go runs elsewhere
 * afterwards: what ails it here says nothing of that.
 */
export function lastingPods({
  pods,
  clusterPods = [],
  pdbs,
}: Pick<DrainFacts, 'pods' | 'clusterPods' | 'pdbs'>): PodFacts[] {
  const here = new Set(pods.map(pod => pod.uid));
  return clusterPods.filter(pod => !here.has(pod.uid) || !pdbsOfPod(pod, pdbs).every(pdb => passesUnready(pod, pdb)));
}

/** Ends, and comes back at once: its DaemonSet exists. */
function isKept({ namespace, controller }: PodFacts, daemonSets: ReadonlySet<string>): boolean {
  return controller?.kind === 'DaemonSet' && daemonSets.has(qualifiedName({ namespace, name: controller.name }));
}

function replicaWarning(pod: PodFacts, { clusterPods }: DrainFacts): string[] {
  const owner = pod.controller;
  if (!clusterPods || !owner || !pod.ready || isFinished(pod)) return [];
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
