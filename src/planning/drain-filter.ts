/**
 * Decides for one pod whether a drain evicts it, leaves it, or must not begin.
 * The order of the rules is kubectl's, so that an operator who knows `kubectl
 * drain` is never surprised; the first rule that says no wins.
 */
import type { PodFacts } from '../core/cluster-facts.ts';
import { isFinished, qualifiedName } from './pdb-groups.ts';

/** False is the safe value of both: a drain then refuses instead of losing something. */
export type DrainOptions = {
  /** Evict pods whose emptyDir data is lost with them. */
  deleteEmptyDir: boolean;
  /** Evict pods that nothing will start again. */
  force: boolean;
  /** Evict in the order of priority, the lowest first, each group gone before the next; otherwise all at once. */
  byPriority: boolean;
};

export type DrainVerdict = {
  action: 'evict' | 'skip' | 'block';
  reason: string;
  /** All that the operator should know although the pod is evicted; never just the last one. */
  warnings: string[];
};

/** `daemonSets` are the qualified names of those that exist. */
export function drainVerdict(pod: PodFacts, daemonSets: ReadonlySet<string>, options: DrainOptions): DrainVerdict {
  const warnings: string[] = [];
  if (pod.terminating) return skip('already being deleted: waited for, not evicted');
  if (pod.controller?.kind === 'DaemonSet' && !isFinished(pod)) {
    const owner = qualifiedName({ namespace: pod.namespace, name: pod.controller.name });
    if (daemonSets.has(owner)) return skip('managed by a DaemonSet, which would start it again at once');
    if (!options.force) return block(`its DaemonSet ${owner} does not exist`);
    warnings.push(`its DaemonSet ${owner} does not exist: nothing starts it again`);
  }
  if (pod.mirror) return skip('a mirror pod: the kubelet owns it, the API cannot remove it');
  if (isFinished(pod)) return { action: 'evict', reason: 'finished', warnings };
  if (pod.emptyDirs.length > 0) {
    const data = `local data in emptyDir ${pod.emptyDirs.join(', ')}`;
    if (!options.deleteEmptyDir) return block(`${data} would be lost`);
    warnings.push(`${data} is lost`);
  }
  if (!pod.controller) {
    if (!options.force) return block('no controller would start it again');
    warnings.push('no controller starts it again');
  }
  return { action: 'evict', reason: pod.controller ? `managed by ${pod.controller.kind}` : 'forced', warnings };
}

function skip(reason: string): DrainVerdict {
  return { action: 'skip', reason, warnings: [] };
}

function block(reason: string): DrainVerdict {
  return { action: 'block', reason, warnings: [] };
}
