/**
 * Whole rollouts over random fleets, budgets and mishaps. The checks are naive on purpose: they look at what is true of the
 * cluster after each act, and share no rule with the production code that took the decision.
 *
 *   GROUNDSKEEPER_PROPERTY_RUNS=100000 npx vitest run test/property/planning-rollout.test.ts
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NodeFacts } from '../../src/core/cluster-facts.ts';
import { FleetError } from '../../src/core/errors.ts';
import type { PlanDraft } from '../../src/core/plan.ts';
import { planRollout } from '../../src/planning/plan-rollout.ts';
import { type Act, type Mishap, type Played, playRollout } from '../support/played-rollout.ts';
import {
  type BudgetStory,
  budgetStory,
  type ClusterName,
  clusterNames,
  type FleetStory,
  fleetStory,
  requestOf,
  type Scene,
  sceneOf,
} from '../support/random-fleet.ts';

const runs = Number(process.env.GROUNDSKEEPER_PROPERTY_RUNS ?? 10_000);
const seed = process.env.GROUNDSKEEPER_PROPERTY_SEED;
const settings = { numRuns: runs, ...(seed === undefined ? {} : { seed: Number(seed) }) };

/** For what needs no long search. */
const fewer = Math.ceil(runs / 5);

const order = fc.array(fc.nat(9), { minLength: 1, maxLength: 12 });
const mishap: fc.Arbitrary<Mishap> = fc.record({
  at: fc.nat(25),
  what: fc.constantFrom('update fails', 'node lost', 'node back', 'cordoned by hand', 'pods move'),
  node: fc.nat(9),
});
const mishaps = fc.array(mishap, { maxLength: 4 });

/** min(absolute, percentage), rounded down; undefined for whatever is no number of nodes, and for none at all. */
function limitOf({ maxUnavailable, maxPercent }: BudgetStory, nodes: number): number | undefined {
  if (typeof maxUnavailable !== 'number') return undefined;
  const share = maxPercent === undefined ? maxUnavailable : Math.floor(((maxPercent as number) * nodes) / 100);
  const limit = Math.min(maxUnavailable, share);
  return Number.isInteger(limit) && limit > 0 ? limit : undefined;
}

/** The clusters of a story that have nodes. */
function scenesOf(story: FleetStory): Scene[] {
  return clusterNames.map(name => sceneOf(story, name)).filter(({ nodes }) => nodes.length > 0);
}

function limitIn({ story, cluster, nodes }: Scene): number | undefined {
  return limitOf(budgetStory(story, cluster.name as ClusterName), nodes.length);
}

function planOf(scenes: Scene[]): PlanDraft | undefined {
  try {
    return planRollout(requestOf(scenes));
  } catch (thrown) {
    if (thrown instanceof FleetError && thrown.code === 'precondition_failed') return undefined;
    throw thrown;
  }
}

const away = ({ nodes }: Scene) => nodes.filter(node => !node.ready || node.unschedulable).map(({ name }) => name);

/** The nodes of the cluster, and of others, that hang on the BMC of `name`. */
function sharers({ fleet }: Scene, name: string): string[] {
  const url = fleet.find(entry => entry.name === name)?.server.bmcUrl;
  return fleet.filter(entry => entry.name !== name && entry.server.bmcUrl === url).map(entry => entry.name);
}

function isCritical(scenes: Scene[], name: string): boolean {
  return scenes.some(({ nodes, fleet, etcd }) => {
    const roles = [nodes.find(each => each.name === name)?.role, fleet.find(each => each.name === name)?.role];
    return roles.includes('control-plane') || etcd.members.some(member => member.node === name);
  });
}

/** Whether one that serves would leave its role or zone without any other, those behind its BMC being gone with it. */
function isLast(scene: Scene, name: string): boolean {
  const { nodes } = scene;
  const zoneOf = (each: NodeFacts) => each.labels['topology.kubernetes.io/zone'];
  const leaving = [name, ...sharers(scene, name)];
  const left = nodes.filter(each => !leaving.includes(each.name) && each.ready && !each.unschedulable);
  return nodes
    .filter(each => leaving.includes(each.name) && each.ready)
    .some(each => {
      const alike = left.filter(({ role }) => role === each.role);
      return alike.length === 0 || (zoneOf(each) !== undefined && !alike.some(one => zoneOf(one) === zoneOf(each)));
    });
}

/** Left without a majority of all members, counting those that are well now. */
function breaksQuorum({ etcd, nodes }: Scene, gone: string[]): boolean {
  const well = etcd.members.filter(({ node }) => nodes.find(each => each.name === node)?.ready && !gone.includes(node));
  return etcd.members.length > 0 && well.length * 2 <= etcd.members.length;
}

/** As `expect`, of which there would be millions. */
function must(holds: boolean, why: () => string): void {
  if (!holds) throw new Error(why());
}

type Seen = { widest: number; tight: boolean; sites: number; critical: number };
type Watch = (look: Parameters<typeof playRollout>[2]['onlooker']) => Played;

/** Throws at the first moment at which an act breaks a rule; tells what it saw. */
function watched(scenes: Scene[], plan: PlanDraft, play: Watch) {
  const groups = new Map<string, string[]>();
  const seen: Seen = { widest: 0, tight: false, sites: 0, critical: 0 };
  const begun: string[] = [];
  const done = new Set<string>();
  const sceneOfNode = (name: string) => scenes.find(({ nodes }) => nodes.some(each => each.name === name)) as Scene;
  const played = play(({ act, node }, { atWork, holding }) => {
    const scene = sceneOfNode(node);
    const own = scene.nodes.map(({ name }) => name);
    const limit = limitIn(scene) ?? 0;
    const here = atWork.filter(each => own.includes(each));
    seen.widest = Math.max(seen.widest, atWork.length);
    if (act === 'cordon' || act === 'empty') {
      const besides = atWork.flatMap(each => sharers(scene, each)).filter(each => own.includes(each));
      const gone = new Set([...away(scene), ...here, ...besides]);
      must(gone.size <= limit, () => `${act} of ${node}: ${[...gone]} away`);
      seen.tight ||= gone.size === limit;
    }
    if (act === 'cordon') {
      begun.push(node);
      const isCanary = plan.canaries.includes(node);
      const workers = plan.canaries.filter(each => !isCritical(scenes, each));
      if (!isCanary && !isCritical(scenes, node))
        for (const each of workers) must(done.has(each), () => `${node} before the canary ${each}`);
      if (isCritical(scenes, node)) {
        seen.critical += 1;
        must(!breaksQuorum(scene, here), () => `${node} takes the quorum of ${own}`);
        const [leader] = scene.etcd.members;
        const others = plan.targets.filter(
          each => each.cluster === scene.cluster.name && each.role === 'control-plane' && !begun.includes(each.node),
        );
        if (leader?.node === node)
          expect(
            others.map(each => each.node),
            'before the leader',
          ).toEqual([]);
      }
    }
    if (act === 'hold') groups.set(node, appsOn(scene, node));
    if (act === 'back') done.add(node);
    const sites = new Set(atWork.map(each => sceneOfNode(each).cluster.site));
    seen.sites = Math.max(seen.sites, sites.size);
    must(sites.size <= plan.limits.maxSites, () => `at work at ${[...sites]}`);
    const places = atWork.map(each => scene.fleet.find(({ name }) => name === each)?.server.bmcUrl);
    must(new Set(places).size === places.length, () => `${atWork} share a BMC`);
    apart(scene, here);
    const counted = holding.flatMap(each => groups.get(each) ?? []);
    must(new Set(counted).size === counted.length, () => `${node} shares a PodDisruptionBudget`);
    must(here.filter(each => isCritical(scenes, each)).length <= 1, () => `${here} of one control plane`);
  });
  return { played, seen };
}

/** Each workload of a cluster has one PodDisruptionBudget, of its own name. */
function appsOn({ cluster, pods }: Scene, name: string): string[] {
  const apps = pods.filter(({ node }) => node === name).map(({ labels }) => `${cluster.name}/${labels.app}`);
  return [...new Set(apps)];
}

function apart({ nodes, fleet }: Scene, atWork: string[]): void {
  const zones = atWork.map(name => nodes.find(each => each.name === name)?.labels['topology.kubernetes.io/zone']);
  const racks = atWork.map(name => fleet.find(each => each.name === name)?.server.rack);
  for (const places of [zones, racks]) {
    const told = places.filter(place => place !== undefined);
    must(new Set(told).size === told.length, () => `${atWork} in ${places}`);
    must(told.length === 0 || places.length === 1 || told.length === places.length, () => `${atWork} in ${places}`);
  }
}

describe('a rollout', () => {
  it('breaks no budget, PodDisruptionBudget, failure domain, BMC, quorum or limit of sites at any moment, whatever goes wrong', () => {
    const count = {
      plays: 0,
      parallel: 0,
      tight: 0,
      halted: 0,
      denied: 0,
      waited: 0,
      sites: 0,
      critical: 0,
      skipped: 0,
      failed: 0,
    };
    fc.assert(
      fc.property(fleetStory, order, mishaps, (story, turns, troubles) => {
        const scenes = scenesOf(story);
        const plan = planOf(scenes);
        if (plan === undefined) return;
        const { played, seen } = watched(scenes, plan, onlooker =>
          playRollout(scenes, plan, { order: turns, mishaps: troubles, onlooker }),
        );
        const rest = plan.targets.length - played.done.length - played.skipped.length;
        expect(played.halted !== undefined || rest < Math.min(plan.limits.failures, 4), 'it ends').toBe(true);
        count.plays += 1;
        count.parallel += Number(seen.widest > 1);
        count.tight += Number(seen.tight);
        count.halted += Number(played.halted !== undefined);
        count.denied += Number(played.denied > 0);
        count.waited += Number(played.waited > 0);
        count.sites += Number(seen.sites > 1);
        count.critical += Number(seen.critical > 1);
        count.skipped += Number(played.skipped.length > 0);
        count.failed += Number(played.halted === undefined && rest > 0);
      }),
      settings,
    );
    // Of all runs, so that no generator falls asleep unnoticed.
    const share = (part: number) => expect(part / runs, JSON.stringify(count));
    share(count.plays).toBeGreaterThan(0.5);
    share(count.parallel).toBeGreaterThan(0.1);
    share(count.tight).toBeGreaterThan(0.15);
    share(count.halted).toBeGreaterThan(0.02);
    share(count.denied).toBeGreaterThan(0.003);
    share(count.waited).toBeGreaterThan(0.003);
    share(count.sites).toBeGreaterThan(0.01);
    share(count.critical).toBeGreaterThan(0.003);
    share(count.skipped).toBeGreaterThan(0.005);
    share(count.failed).toBeGreaterThan(0.004);
  });

  it('reaches every node that it may, where nothing goes wrong, and no other', () => {
    let [whole, excluded] = [0, 0];
    fc.assert(
      fc.property(fleetStory, order, (story, turns) => {
        const scenes = scenesOf(story);
        // Its return may make the node behind the same BMC the last of its kind: what may be reached hangs on the order then.
        fc.pre(!scenes.some(scene => away(scene).some(name => sharers(scene, name).length > 0)));
        const plan = planOf(scenes);
        const wanted = scenes.flatMap(scene => reachable(scenes, scene));
        const onlooker = (_: Act) => undefined;
        const played = plan && playRollout(scenes, plan, { order: turns, mishaps: [], onlooker });
        expect((played?.done ?? []).toSorted()).toEqual(wanted.toSorted());
        whole += Number(wanted.length > 2);
        excluded += Number(wanted.length > 0 && wanted.length < scenes.flatMap(({ behind }) => [...behind]).length);
      }),
      { ...settings, numRuns: fewer },
    );
    expect(whole / fewer).toBeGreaterThan(0.15);
    expect(excluded / fewer).toBeGreaterThan(0.05);
  });

  it('is planned under no budget that is zero, left out or malformed', () => {
    let refused = 0;
    fc.assert(
      fc.property(fleetStory, story => {
        const scenes = scenesOf(story);
        const closed = scenes.filter(scene => limitIn(scene) === undefined);
        const names = closed.map(({ cluster }) => cluster.name);
        const plan = closed.length > 0 ? planOf(scenes) : undefined;
        expect(plan?.targets.filter(({ cluster }) => names.includes(cluster)) ?? []).toEqual([]);
        expect(plan?.scopes.filter(({ cluster }) => names.includes(cluster)) ?? []).toEqual([]);
        refused += Number(closed.some(({ behind }) => behind.size > 0));
      }),
      { ...settings, numRuns: fewer },
    );
    expect(refused / fewer).toBeGreaterThan(0.1);
  });
});

/** What may be reached where nothing goes wrong, by the letter of the rules. */
function reachable(scenes: Scene[], scene: Scene): string[] {
  const own = scene.nodes.map(({ name }) => name);
  const room = (limitIn(scene) ?? 0) - away(scene).length;
  const { controlPlane = false, outage = true } = scene.story;
  return own.filter(name => {
    const others = sharers(scene, name);
    const width = 1 + others.filter(other => own.includes(other)).length;
    if (!scene.behind.has(name) || width > room || others.some(each => isCritical(scenes, each))) return false;
    if (isLast(scene, name) && !outage) return false;
    // Those beside it count where they are.
    const elsewhere = scenes.filter(each => each !== scene);
    for (const each of elsewhere) {
      const beside = each.nodes.filter(node => others.includes(node.name)).length;
      if (beside > 0 && away(each).length + beside > (limitIn(each) ?? 0)) return false;
    }
    return !isCritical(scenes, name) || (controlPlane && !breaksQuorum(scene, [name]));
  });
}
