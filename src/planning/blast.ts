/**
 * How many nodes of a cluster are away at one moment. Whatever is away already counts first, whoever took it; then what
 * operations work on, and what hangs on the same BMCs. Planning and the guard count by this, so that what was approved is
 * what is let through.
 */
import { type Fact, unknown } from '../core/bmc.ts';
import type { EtcdFacts, NodeFacts } from '../core/cluster.ts';
import type { PlanDraft } from '../core/plan.ts';
import type { Blast } from '../core/policy.ts';
import { lostBy } from './last-of-its-kind.ts';
import { endangersEtcd, takesCapacity } from './plan-kinds.ts';
import { losesQuorum } from './quorum.ts';

/** Names of those that take no pods now: lost, cordoned by anybody, or both. */
export function unavailableOf(nodes: readonly NodeFacts[]): string[] {
  return nodes.filter(({ ready, unschedulable }) => !ready || unschedulable).map(({ name }) => name);
}

export type Moment = {
  /** All of the cluster, read now. */
  nodes: readonly NodeFacts[];
  /** Nodes of the cluster that operations work on, of this plan or another. */
  running: string[];
  /** Read now, where {@link endangered} names anybody. */
  etcd?: Fact<EtcdFacts>;
};

type Planned = Pick<PlanDraft, 'kind' | 'targets' | 'blast' | 'taint'>;

/** The blast of a plan at the moment at which it would act on `node`. */
export function blastNow(plan: Planned, node: string, moment: Moment): Blast {
  const { nodes, running, etcd = unknown('etcd was not read') } = moment;
  const taken = takenBy(plan, node, moment);
  const own = [node, ...besideOf(plan, [node])];
  return {
    ...plan.blast,
    peakUnavailable: new Set([...unavailableOf(nodes), ...taken]).size,
    quorumLost: losesQuorum(etcd, endangered(plan, node, moment)),
    lastOf: takesCapacity(plan) ? lostBy(own, nodes, running) : [],
  };
}

/** The control-plane nodes that would be down together, where the plan takes any down: etcd is to be read for them. */
export function endangered(plan: Planned, node: string, moment: Moment): string[] {
  if (!endangersEtcd(plan.kind)) return [];
  const isCritical = (name: string) =>
    [...moment.nodes.map(facts => ({ ...facts, node: facts.name })), ...plan.targets].some(
      each => each.node === name && each.role === 'control-plane',
    );
  const own = [node, ...besideOf(plan, [node])];
  return own.some(isCritical) ? takenBy(plan, node, moment).filter(isCritical) : [];
}

/** Nodes of the cluster that are worked on, and those that go with them. */
function takenBy(plan: Planned, node: string, { nodes, running }: Moment): string[] {
  const atWork = [...new Set([...running, node])];
  const beside = besideOf(plan, atWork).filter(name => nodes.some(facts => facts.name === name));
  return [...new Set([...atWork, ...beside])];
}

/** A BMC that restarts leaves all its servers running. */
function besideOf({ kind, targets }: Planned, names: string[]): string[] {
  if (kind === 'bmc-change') return [];
  return targets.filter(target => names.includes(target.node)).flatMap(({ alongside = [] }) => alongside);
}
