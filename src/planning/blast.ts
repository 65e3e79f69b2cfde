/**
 * How many nodes of a cluster are away at one moment. Whatever is away already counts first, whoever took it; then what
 * operations work on, and what hangs on the same BMCs. Planning and the guard count by this, so that what was approved is
 * what is let through.
 */
import { type Fact, unknown } from '../core/bmc.ts';
import type { EtcdFacts, NodeFacts } from '../core/cluster-facts.ts';
import type { Budget } from '../core/fleet.ts';
import { type PlanDraft, scopeOf, targetOf } from '../core/plan.ts';
import type { Blast } from '../core/policy.ts';
import { lostBy } from './last-of-its-kind.ts';
import { endangersEtcd, takesCapacity } from './plan-kinds.ts';
import { losesQuorum } from './quorum.ts';
import { isAway } from './taints.ts';

/** Names of those that take no pods now: lost, cordoned by anybody, or tainted by us. */
export function unavailableOf(nodes: readonly NodeFacts[]): string[] {
  return nodes.filter(isAway).map(({ name }) => name);
}

/** Why so many nodes of a cluster may not be away at once; undefined where they may. */
export function overBudget(cluster: string, { maxUnavailable }: Budget, away: number): string | undefined {
  if (away <= maxUnavailable) return undefined;
  return `the budget of ${cluster} is ${maxUnavailable}, and with it ${away === 1 ? '1 node' : `${away} nodes`} would be away`;
}

export type Moment = {
  /** All of the cluster, read now. */
  nodes: readonly NodeFacts[];
  /** Nodes that operations work on, of this plan or another, in whatever cluster, and what goes down with them. */
  running: string[];
  /** Read now, where {@link endangered} names anybody. */
  etcd?: Fact<EtcdFacts>;
};

type Planned = Pick<PlanDraft, 'kind' | 'targets' | 'scopes' | 'taint'>;

/** What a plan does to the cluster of `node`, at the moment at which it would act on that. */
export function blastNow(plan: Planned, node: string, moment: Moment): Blast {
  const { nodes, running, etcd = unknown('etcd was not read') } = moment;
  const taken = takenBy(plan, node, moment);
  const own = [node, ...besideOf(plan, [node])];
  const critical = endangered(plan, node, moment);
  const { blast } = scopeOf(plan, targetOf(plan, node));
  return {
    ...blast,
    peakUnavailable: new Set([...unavailableOf(nodes), ...taken]).size,
    controlPlane: Math.max(blast.controlPlane, critical.length),
    quorumLost: losesQuorum(etcd, critical),
    lastOf: takesCapacity(plan) ? lostBy(own, nodes, running) : [],
  };
}

/** The control-plane nodes of its cluster that would be down together, where the plan takes any down: etcd is to be read for them. */
export function endangered(plan: Planned, node: string, moment: Moment): string[] {
  if (!endangersEtcd(plan)) return [];
  const { cluster } = targetOf(plan, node);
  const here = plan.targets.filter(target => target.cluster === cluster);
  const isCritical = (name: string) =>
    [...moment.nodes.map(facts => ({ ...facts, node: facts.name })), ...here].some(
      each => each.node === name && each.role === 'control-plane',
    );
  const own = [node, ...besideOf(plan, [node])];
  return own.some(isCritical) ? takenBy(plan, node, moment).filter(isCritical) : [];
}

/** Nodes of the cluster that are worked on, and those that go with them, from whatever cluster these are worked on. */
function takenBy(plan: Planned, node: string, { nodes, running }: Moment): string[] {
  const atWork = [...new Set([...running, node])];
  const here = new Set([node, ...nodes.map(({ name }) => name)]);
  return [...new Set([...atWork, ...besideOf(plan, atWork)])].filter(name => here.has(name));
}

/** A BMC that restarts leaves all its servers running. */
function besideOf({ kind, targets }: Planned, names: string[]): string[] {
  if (kind === 'bmc-change') return [];
  const named = new Set(names);
  return targets.flatMap(({ node, alongside = [] }) => (named.has(node) ? alongside : []));
}
