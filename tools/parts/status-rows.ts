/** From facts to the rows of a cluster's status; each row says one thing about one object. */
import { type Fact, factValue, showFact } from '../../src/core/bmc.ts';
import type {
  Condition,
  EtcdFacts,
  NodeFacts,
  PdbFacts,
  PodFacts,
  RemediatorFacts,
  StorageFacts,
} from '../../src/core/cluster-facts.ts';
import { zoneLabel } from '../../src/core/cluster-marks.ts';
import { taintText } from '../../src/core/scheduling.ts';
import { badConditions, isStaleLease, unusualTaints } from '../../src/health/node-signs.ts';
import { budgetState, describeBudget } from '../../src/planning/budget-state.ts';
import { isFinished, pdbsOfPod, qualifiedName } from '../../src/planning/pdb-groups.ts';
import { ageSeconds } from './age.ts';
import { requestedOf } from './amounts.ts';
import type { CordonOwner } from './cordon-owner.ts';
import { machineWord } from './machine-word.ts';
import type { NodeStatus, StatusOutput } from './status-output.ts';

export type NodeView = {
  node: NodeFacts;
  pods: PodFacts[];
  cordon: CordonOwner | undefined;
  lease: Fact<string | undefined>;
  now: string;
};

export function nodeStatus({ node, pods, cordon, lease, now }: NodeView): NodeStatus {
  const age = ageSeconds(factValue(lease), now);
  const zone = node.labels[zoneLabel];
  return {
    node: node.name,
    role: node.role,
    ...(zone === undefined ? {} : { zone: machineWord(zone) }),
    ready: node.ready,
    ...(node.readySince === undefined ? {} : { readySince: node.readySince }),
    kubelet: machineWord(node.kubeletVersion),
    ...(cordon === undefined ? {} : { cordon }),
    taints: unusualTaints(node).map(taintText),
    conditions: badConditions(node).map(conditionRow),
    leaseAgeSeconds: 'unknown' in lease ? `unknown (${lease.unknown})` : (age ?? 'there is no lease'),
    leaseStale: 'value' in lease && isStaleLease(node.ready, age),
    requested: requestedOf([node], pods),
  };
}

export function conditionRow({ type, status, reason = '', message = '', since }: Condition) {
  return { type: machineWord(type), status, ...(since === undefined ? {} : { since }), reason, message };
}

/** Budgets that allow nothing now, those that never will first. */
export function blockedBudgets(pdbs: PdbFacts[], pods: PodFacts[]): StatusOutput['budgets'] {
  return pdbs
    .flatMap(pdb => {
      const state = budgetState(pdb, pods);
      if (state === 'allows') return [];
      const notReady = pods.filter(pod => !pod.ready && pdbsOfPod(pod, [pdb]).length > 0).map(qualifiedName);
      const since = pdb.blockedSince === undefined ? {} : { since: pdb.blockedSince };
      return [
        { budget: qualifiedName(pdb), asks: pdb.asks, state, ...since, says: describeBudget(pdb, pods), notReady },
      ];
    })
    .toSorted((a, b) => a.state.localeCompare(b.state));
}

/** Pods that wait for a node, and those that have one and cannot start. */
export function pendingPods(pods: PodFacts[]): StatusOutput['pending'] {
  return pods
    .filter(pod => !isFinished(pod) && !pod.terminating && (pod.phase === 'Pending' || pod.unschedulable !== undefined))
    .map(pod => ({
      pod: qualifiedName(pod),
      ...(pod.unschedulable?.since === undefined ? {} : { since: pod.unschedulable.since }),
      ...(pod.waiting === undefined ? {} : { waiting: pod.waiting }),
      message: pod.unschedulable?.message ?? '',
    }));
}

/** What is unknown counts as failed. */
export function etcdRow({ evidence, members }: EtcdFacts): Exclude<StatusOutput['etcd'], string> {
  const healthy = members.filter(member => factValue(member.healthy) === true).length;
  const quorum = Math.floor(members.length / 2) + 1;
  return {
    evidence,
    members: members.map(({ node, healthy: state, leader }) => ({
      node,
      healthy: yesNo(state),
      leader: yesNo(leader),
    })),
    healthy,
    quorum,
    mayLose: Math.max(0, healthy - quorum),
  };
}

function yesNo(fact: Fact<boolean>): string {
  return 'value' in fact ? (fact.value ? 'yes' : 'no') : showFact(fact);
}

export function remediatorRow({ kind, namespace, name, does, pausedBy, busyWith = [] }: RemediatorFacts) {
  return {
    remediator: `${kind} ${namespace === '' ? name : qualifiedName({ namespace, name })}`,
    does,
    paused: pausedBy === undefined ? 'no' : `by ${pausedBy}`,
    busyWith,
  };
}

export function storageRow({ kind, namespace, name, health, message }: StorageFacts) {
  return {
    storage: `${kind} ${namespace === '' ? name : qualifiedName({ namespace, name })}`,
    health: showFact(health),
    message,
  };
}
