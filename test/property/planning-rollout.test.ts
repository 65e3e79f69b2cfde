/**
 * Whole rollouts over random fleets, budgets and mishaps. The checks are naive on purpose: they look at what is true of the
 * cluster after each act, and share no rule with the production code that took the decision.
 *
 *   GROUNDSKEEPER_PROPERTY_RUNS=100000 npx vitest run test/property/planning-rollout.test.ts
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FleetError } from '../../src/core/errors.ts';
import type { PlanDraft } from '../../src/core/plan.ts';
import { planRollout } from '../../src/planning/plan-rollout.ts';
import { type Act, type Mishap, type Played, playRollout } from '../support/played-rollout.ts';
import { type FleetStory, fleetStory, requestOf, type Scene, sceneOf } from '../support/random-fleet.ts';

const runs = Number(process.env.GROUNDSKEEPER_PROPERTY_RUNS ?? 10_000);
const seed = process.env.GROUNDSKEEPER_PROPERTY_SEED;
const settings = { numRuns: runs, ...(seed === undefined ? {} : { seed: Number(seed) }) };

const order = fc.array(fc.nat(9), { minLength: 1, maxLength: 12 });
const mishap: fc.Arbitrary<Mishap> = fc.record({
  at: fc.nat(25),
  what: fc.constantFrom('update fails', 'node lost', 'node back', 'cordoned by hand', 'pods move'),
  node: fc.nat(9),
});
const mishaps = fc.array(mishap, { maxLength: 4 });

/** min(absolute, percentage), rounded down; undefined for whatever is no number of nodes, and for none at all. */
function limitOf({ budget: { maxUnavailable, maxPercent } }: FleetStory, nodes: number): number | undefined {
  if (typeof maxUnavailable !== 'number') return undefined;
  const share = maxPercent === undefined ? maxUnavailable : Math.floor(((maxPercent as number) * nodes) / 100);
  const limit = Math.min(maxUnavailable, share);
  return Number.isInteger(limit) && limit > 0 ? limit : undefined;
}

function planOf(scene: Scene): PlanDraft | undefined {
  try {
    return planRollout(requestOf(scene));
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

function isCritical({ nodes, fleet, etcd }: Scene, name: string): boolean {
  const roles = [nodes.find(each => each.name === name)?.role, fleet.find(each => each.name === name)?.role];
  return roles.includes('control-plane') || etcd.members.some(member => member.node === name);
}

/** What may be reached where nothing goes wrong, by the letter of the rules. */
function reachable(scene: Scene, limit: number): string[] {
  const own = scene.nodes.map(({ name }) => name);
  const room = limit - away(scene).length;
  return own.filter(name => {
    const others = sharers(scene, name);
    const width = 1 + others.filter(other => own.includes(other)).length;
    return scene.behind.has(name) && width <= room && ![name, ...others].some(each => isCritical(scene, each));
  });
}

type Seen = { widest: number; tight: boolean };

/** Throws at the first moment at which an act breaks a rule; tells what it saw. */
function watched(scene: Scene, limit: number, play: (look: Parameters<typeof playRollout>[2]['onlooker']) => Played) {
  const own = scene.nodes.map(({ name }) => name);
  const groups = new Map<string, string[]>();
  const seen: Seen = { widest: 0, tight: false };
  let failed = false;
  const played = play(({ act, node }, { atWork, holding }) => {
    if (failed) expect(['back', 'fail'], `${act} of ${node} after a failure`).toContain(act);
    failed ||= act === 'fail';
    seen.widest = Math.max(seen.widest, atWork.length);
    if (act === 'cordon' || act === 'empty') {
      const besides = atWork.flatMap(each => sharers(scene, each)).filter(each => own.includes(each));
      const gone = new Set([...away(scene), ...atWork, ...besides]);
      expect(gone.size, `${act} of ${node}: ${[...gone]} away`).toBeLessThanOrEqual(limit);
      seen.tight ||= gone.size === limit;
    }
    if (act === 'hold') groups.set(node, appsOn(scene, node));
    apart(scene, atWork);
    const counted = holding.flatMap(each => groups.get(each) ?? []);
    expect(new Set(counted).size, `${node} shares a PodDisruptionBudget`).toBe(counted.length);
    keepsQuorum(scene, atWork);
  });
  return { played, seen };
}

/** Each workload of the story has one PodDisruptionBudget, of its own name. */
function appsOn({ pods }: Scene, name: string): string[] {
  return [...new Set(pods.filter(({ node }) => node === name).map(({ labels }) => labels.app ?? ''))];
}

function apart({ nodes }: Scene, atWork: string[]): void {
  const zones = atWork.map(
    name => nodes.find(each => each.name === name)?.labels['topology.kubernetes.io/zone'] ?? 'none',
  );
  const known = zones.filter(zone => zone !== 'none');
  expect(new Set(known).size, `${atWork} in ${zones}`).toBe(known.length);
  if (known.length > 0) expect(zones.length === 1 || !zones.includes('none'), `${atWork} in ${zones}`).toBe(true);
}

function keepsQuorum(scene: Scene, atWork: string[]): void {
  const touched = new Set(atWork.flatMap(name => [name, ...sharers(scene, name)]));
  const members = scene.etcd.members.map(({ node }) => node);
  expect([...touched].filter(name => isCritical(scene, name))).toEqual([]);
  if (members.length > 0) expect(members.filter(name => !touched.has(name)).length * 2).toBeGreaterThan(members.length);
}

const clusters = ['a', 'b'] as const;

describe('a rollout', () => {
  it('breaks no budget, PodDisruptionBudget, failure domain or quorum at any moment, whatever goes wrong', () => {
    const count = { plays: 0, parallel: 0, tight: 0, halted: 0, denied: 0, waited: 0 };
    fc.assert(
      fc.property(fleetStory, order, mishaps, (story, turns, troubles) => {
        for (const name of clusters) {
          const scene = sceneOf(story, name);
          const limit = limitOf(story, scene.nodes.length);
          const plan = planOf(scene);
          if (plan === undefined) continue;
          expect(limit, `a plan under the budget ${JSON.stringify(story.budget)}`).toBeDefined();
          const { played, seen } = watched(scene, limit ?? 0, onlooker =>
            playRollout(scene, plan, { order: turns, mishaps: troubles, onlooker }),
          );
          count.plays += 1;
          count.parallel += Number(seen.widest > 1);
          count.tight += Number(seen.tight);
          count.halted += Number(played.halted);
          count.denied += Number(played.denied > 0);
          count.waited += Number(played.waited > 0);
        }
      }),
      settings,
    );
    // Of all runs, so that no generator falls asleep unnoticed.
    const share = (part: number) => expect(part / runs, JSON.stringify(count));
    share(count.plays).toBeGreaterThan(0.4);
    share(count.parallel).toBeGreaterThan(0.1);
    share(count.tight).toBeGreaterThan(0.2);
    share(count.halted).toBeGreaterThan(0.05);
    share(count.denied).toBeGreaterThan(0.01);
    share(count.waited).toBeGreaterThan(0.005);
  });

  it('reaches every node that it may, where nothing goes wrong, and no other', () => {
    let [whole, excluded] = [0, 0];
    fc.assert(
      fc.property(fleetStory, order, (story, turns) => {
        for (const name of clusters) {
          const scene = sceneOf(story, name);
          const wanted = reachable(scene, limitOf(story, scene.nodes.length) ?? 0);
          const plan = planOf(scene);
          const onlooker = (_: Act) => undefined;
          const played = plan && playRollout(scene, plan, { order: turns, mishaps: [], onlooker });
          expect((played?.done ?? []).toSorted()).toEqual(wanted.toSorted());
          whole += Number(wanted.length > 2);
          excluded += Number(wanted.length > 0 && wanted.length < scene.behind.size);
        }
      }),
      settings,
    );
    expect(whole / runs).toBeGreaterThan(0.15);
    expect(excluded / runs).toBeGreaterThan(0.05);
  });

  it('is planned under no budget that is zero, left out or malformed', () => {
    let refused = 0;
    fc.assert(
      fc.property(fleetStory, story => {
        for (const name of clusters) {
          const scene = sceneOf(story, name);
          if (limitOf(story, scene.nodes.length) !== undefined) continue;
          expect(planOf(scene)).toBeUndefined();
          refused += Number(scene.behind.size > 0);
        }
      }),
      settings,
    );
    expect(refused / runs).toBeGreaterThan(0.1);
  });
});
