/**
 * Which nodes of a wave start now, and why the others wait. Nothing that could run waits, and nothing runs that a budget, a
 * failure domain, a PodDisruptionBudget, a shared BMC, etcd's quorum or the limit of sites forbids, whichever operation is in
 * the way. Pure: the same facts give the same starts. The guard judges each effect once more, on facts of that moment.
 */
import { type Fact, factValue, unknown } from '../core/bmc.ts';
import type { EtcdFacts, NodeFacts } from '../core/cluster-facts.ts';
import { zoneLabel } from '../core/cluster-marks.ts';
import { type Budget, type FleetNow, tighter } from '../core/fleet.ts';
import type { Plan, PlanScope, PlanTarget } from '../core/plan.ts';
import { type AtWork, downWith } from './at-work.ts';
import { overBudget, unavailableOf } from './blast.ts';
import { type Domains, domainsOf, heldAlone, turnsOf, zoneKey } from './exclusive.ts';
import { lostBy } from './last-of-its-kind.ts';
import { letsOthersGoFirst } from './leader-last.ts';
import { disrupts } from './plan-kinds.ts';
import { quorumAfter } from './quorum.ts';

export type ClusterNow = {
  /** All of the cluster. */
  nodes: readonly NodeFacts[];
  /** As configured now: the plan's own may have been lowered since. */
  budget: Budget;
  /** Read where a node of the control plane waits; left out it is unknown. */
  etcd?: Fact<EtcdFacts>;
};

export type StartFacts = {
  /** Nodes of the wave that have not begun. */
  waiting: readonly string[];
  /** Nodes of this plan that have begun and not ended. */
  running: readonly string[];
  /** What other operations work on. */
  elsewhere: readonly AtWork[];
  /** By name: of those that wait, and of what is behind their BMCs. What is not there is unknown. */
  clusters: ReadonlyMap<string, Fact<ClusterNow>>;
  clusterOf: FleetNow['clusterOf'];
};

/** `unread`: nothing is known of its cluster. `room`: others of the plan, of its cluster, or the cluster itself, are in the way. `sites`: enough sites are worked on. */
export type Wait = { node: string; cause: 'unread' | 'room' | 'sites'; why: string };

export type NextStarts = { start: string[]; wait: Wait[] };

type Planned = Pick<Plan, 'kind' | 'taint' | 'scopes' | 'targets' | 'waves' | 'limits' | 'declaredOutage'>;

export function nextStarts(plan: Planned, facts: StartFacts): NextStarts {
  const taken = new Taken(plan, facts);
  const next: NextStarts = { start: [], wait: [] };
  for (const target of inOrder(plan, taken, facts.waiting)) {
    const wait = taken.against(target);
    if (wait) next.wait.push({ node: target.node, ...wait });
    else {
      taken.add(target);
      next.start.push(target.node);
    }
  }
  return next;
}

/**
 * Why the one node of a plan waits for other operations. What would be in its way without them is not waited for: policy judges
 * it. Neither is what another one holds alone: that makes the plan one of yesterday.
 */
export function waitsForTurn(
  plan: Planned,
  node: string,
  facts: Omit<StartFacts, 'waiting' | 'running'>,
): Wait | undefined {
  const beside = new Taken(plan, { ...facts, waiting: [node], running: [] });
  const alone = new Taken(plan, { ...facts, elsewhere: [], waiting: [node], running: [] });
  const target = beside.target(node);
  if (beside.heldElsewhere(target)) return undefined;
  const why = beside.outOfTurn(target) ?? (alone.crowded(target) ? undefined : beside.crowded(target));
  return why ? { node, cause: 'room', why } : undefined;
}

/**
 * Sites that are worked on come first, so that each is ended before the next is begun, then those with most to do; within
 * a site what most others wait for, as a list that is worked off from its longest end is done soonest.
 */
function inOrder({ scopes }: Planned, taken: Taken, names: readonly string[]): PlanTarget[] {
  const targets = names.map(node => taken.target(node));
  const load = new Map<string, number>();
  for (const key of targets.flatMap(target => taken.keys(target))) load.set(key, (load.get(key) ?? 0) + 1);
  const queues = new Map(
    targets.map(target => [target, Math.max(...taken.keys(target).map(key => load.get(key) ?? 0))]),
  );
  const queue = (target: PlanTarget) => queues.get(target) ?? 0;
  const work = new Map<string, number>();
  const atLeast = (site: string, rounds: number) => work.set(site, Math.max(work.get(site) ?? 0, rounds));
  for (const target of targets) atLeast(target.site, queue(target));
  const waiting = Map.groupBy(targets, ({ cluster }) => cluster);
  for (const { site, cluster, budget } of scopes)
    atLeast(site, (waiting.get(cluster)?.length ?? 0) / Math.max(1, budget.maxUnavailable));
  const order = (a: PlanTarget, b: PlanTarget) =>
    Number(taken.uses(b.site)) - Number(taken.uses(a.site)) ||
    (work.get(b.site) ?? 0) - (work.get(a.site) ?? 0) ||
    queue(b) - queue(a);
  return targets.sort(order);
}

/** What is in use: by what runs, and by what was chosen to start. */
class Taken {
  readonly #plan: Planned;
  readonly #facts: StartFacts;
  readonly #targets: Map<string, PlanTarget>;
  readonly #scopes: Map<string, PlanScope>;
  readonly #domains: Domains;
  /** Of each node of the clusters that are known, its cluster. */
  readonly #homes = new Map<string, string>();
  /** Of those of them that tell one, the zone. */
  readonly #zones = new Map<string, string>();
  readonly #sites = new Set<string>();
  readonly #keys = new Set<string>();
  /** Of each target that was asked for. */
  readonly #exclusive = new Map<PlanTarget, string[]>();
  /** Of each cluster that is known, the nodes that are away or soon will be. */
  readonly #away = new Map<string, Set<string>>();

  constructor(plan: Planned, facts: StartFacts) {
    const { clusters, elsewhere, running } = facts;
    this.#plan = plan;
    this.#facts = facts;
    this.#targets = new Map(plan.targets.map(target => [target.node, target]));
    const emptied = elsewhere.filter(work => disrupts(work.plan));
    const plans = new Set([plan, ...emptied.map(work => work.plan)]);
    this.#domains = domainsOf([...plans].flatMap(({ targets }) => targets));
    this.#scopes = new Map(plan.scopes.map(scope => [scope.cluster, scope]));
    for (const [cluster, now] of clusters) {
      if ('unknown' in now) continue;
      for (const { name, labels } of now.value.nodes) {
        this.#homes.set(name, cluster);
        const zone = labels[zoneLabel];
        if (zone !== undefined) this.#zones.set(name, zone);
      }
      this.#away.set(cluster, new Set(unavailableOf(now.value.nodes)));
    }
    for (const { target } of elsewhere) this.#take(heldAlone(target));
    for (const { target } of emptied) this.#take(this.#turns(target));
    this.#leave(elsewhere.flatMap(downWith));
    for (const node of running) this.add(this.target(node));
  }

  target(node: string): PlanTarget {
    const target = this.#targets.get(node);
    if (!target) throw new Error(`the plan has no target ${node}`);
    return target;
  }

  add(target: PlanTarget): void {
    this.#sites.add(target.site);
    this.#take(this.keys(target));
    this.#leave(downWith({ plan: this.#plan, target }));
  }

  keys(target: PlanTarget): string[] {
    const keys = this.#exclusive.get(target) ?? [...heldAlone(target), ...this.#turns(target)];
    this.#exclusive.set(target, keys);
    return keys;
  }

  heldElsewhere(target: PlanTarget): boolean {
    return this.#shared(heldAlone(target)) !== undefined;
  }

  outOfTurn(target: PlanTarget): string | undefined {
    return disrupts(this.#plan) ? this.#shared(this.#turns(target)) : undefined;
  }

  /** Too few would be left, as far as its cluster is known. */
  crowded(target: PlanTarget): string | undefined {
    const now = factValue(this.#clusterNow(target.cluster));
    return now && (this.#overBudget(target) ?? this.#last(target, now));
  }

  uses(site: string): boolean {
    return this.#sites.has(site);
  }

  /** Why the target may not start now. */
  against(target: PlanTarget): Omit<Wait, 'node'> | undefined {
    const now = this.#clusterNow(target.cluster);
    if ('unknown' in now) return { cause: 'unread', why: `cluster ${target.cluster} cannot be read: ${now.unknown}` };
    const why =
      this.#unreadBeside(target) ??
      this.#shared(this.keys(target)) ??
      this.#overBudget(target) ??
      this.#last(target, now.value) ??
      this.#unsafe(target, now.value);
    if (why) return { cause: 'room', why };
    const { maxSites } = this.#plan.limits;
    if (this.#sites.has(target.site) || this.#sites.size < maxSites) return undefined;
    return { cause: 'sites', why: `${maxSites} sites are worked on, and no more may be at once` };
  }

  #clusterNow(name: string): Fact<ClusterNow> {
    return this.#facts.clusters.get(name) ?? unknown('not looked at');
  }

  #unreadBeside({ alongside = [] }: PlanTarget): string | undefined {
    for (const node of alongside) {
      const name = this.#facts.clusterOf(node);
      const now = name === undefined ? undefined : this.#clusterNow(name);
      if (now && 'unknown' in now)
        return `${node} is behind the same BMC, and its cluster ${name} cannot be read: ${now.unknown}`;
    }
    return undefined;
  }

  /** What is behind the same BMC goes down in its own zone. */
  #turns(target: PlanTarget): string[] {
    const beside = (target.alongside ?? []).flatMap(name => {
      const [zone, home] = [this.#zones.get(name), this.#homes.get(name)];
      return zone === undefined || home === undefined ? [] : [zoneKey(zone, home)];
    });
    return [...turnsOf(target, this.#domains), ...beside];
  }

  #take(keys: string[]): void {
    for (const key of keys) this.#keys.add(key);
  }

  #shared(keys: string[]): string | undefined {
    const key = keys.find(each => this.#keys.has(each));
    return key && `a node is worked on that shares its ${key}`;
  }

  /** Of its own cluster, and of those in which nodes are behind its BMC. */
  #overBudget({ cluster, node, alongside = [] }: PlanTarget): string | undefined {
    const touched = Map.groupBy([node, ...alongside], name => (name === node ? cluster : this.#homes.get(name)));
    for (const [name = '', nodes] of touched) {
      const now = factValue(this.#clusterNow(name));
      const away = this.#away.get(name);
      if (!now || !away) continue;
      const budget = tighter(this.#scopes.get(name)?.budget ?? now.budget, now.budget);
      const full = overBudget(name, budget, new Set([...away, ...nodes]).size);
      if (full) return full;
    }
    return undefined;
  }

  /** What was approved as lost, or declared, may be. */
  #last({ node, cluster, alongside = [] }: PlanTarget, { nodes }: ClusterNow): string | undefined {
    if (this.#homes.get(node) !== cluster) return 'the cluster has no such Node';
    if (this.#plan.declaredOutage) return undefined;
    const approved = this.#scopes.get(cluster)?.blast.lastOf ?? [];
    const lost = lostBy([node, ...alongside], nodes, [...(this.#away.get(cluster) ?? [])]);
    const last = lost.filter(what => !approved.includes(what));
    return last.length > 0 ? `it is the last that takes pods of ${last.join(' and ')}` : undefined;
  }

  /** Of the control plane: etcd keeps its quorum, and its leader goes last. */
  #unsafe({ node, role, cluster }: PlanTarget, { etcd }: ClusterNow): string | undefined {
    if (role !== 'control-plane') return undefined;
    if (etcd === undefined || 'unknown' in etcd) return `etcd cannot be read: ${etcd?.unknown ?? 'not looked at'}`;
    const { allowed, why } = quorumAfter(etcd.value, node);
    if (!allowed) return why;
    const wave = this.#plan.waves.find(nodes => nodes.includes(node)) ?? [];
    const left = wave.filter(each => this.#facts.waiting.includes(each) && this.target(each).cluster === cluster);
    return letsOthersGoFirst(etcd.value, node, left);
  }

  #leave(nodes: readonly string[]): void {
    for (const node of nodes) this.#away.get(this.#homes.get(node) ?? '')?.add(node);
  }
}
