/**
 * Which nodes start when, over random fleets of many clusters that are worked off to the end: the checker knows the rules by
 * their letter, and shares none with the code. What waits must have a reason, and the whole must not take much longer than
 * the constraints demand.
 *
 *   GROUNDSKEEPER_PROPERTY_RUNS=100000 npx vitest run test/property/next-starts.test.ts
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AtWork } from '../../src/planning/at-work.ts';
import { nextStarts } from '../../src/planning/next-starts.ts';
import { clustersNow, evenFleet, type Fleet, type Machine, scheduledFleet } from '../support/scheduled-fleet.ts';

const runs = Number(process.env.GROUNDSKEEPER_PROPERTY_RUNS ?? 10_000);
const seed = process.env.GROUNDSKEEPER_PROPERTY_SEED;
const settings = { numRuns: runs, ...(seed === undefined ? {} : { seed: Number(seed) }) };

const evenRuns = Math.ceil(runs / 25);
const bothRuns = Math.ceil(runs / 20);
const namesOf = (machines: Machine[]) => machines.map(({ name }) => name).join(', ');

/** Why these may not be worked on at one moment; undefined where they may. */
function wrong({ machines, budgets, plan }: Fleet, working: Machine[]): string | undefined {
  const sites = new Set(working.map(({ site }) => site));
  if (sites.size > plan.limits.maxSites) return `${sites.size} sites`;
  const bmcs = new Set(working.map(({ bmc }) => bmc));
  if (bmcs.size < working.length) return 'one BMC';
  for (const [name, own] of Map.groupBy(working, ({ cluster }) => cluster)) {
    const gone = machines.filter(each => each.cluster === name && (each.away || bmcs.has(each.bmc)));
    if (gone.length > (budgets.get(name) ?? 0)) return `${gone.length} of ${name} away`;
    const groups = own.flatMap(each => each.groups);
    if (new Set(groups).size < groups.length) return 'one PodDisruptionBudget';
    if (
      clash(
        own.map(({ zone }) => zone),
        machines.some(each => each.cluster === name && each.target && each.zone),
      )
    )
      return 'one zone';
    const members = own.filter(({ role }) => role === 'control-plane');
    if (members.length > 1) return 'two of the control plane';
    const all = machines.filter(each => each.cluster === name && each.role === 'control-plane').length;
    if (members.length > 0 && (all - 1) * 2 <= all) return 'the quorum';
  }
  for (const [name, own] of Map.groupBy(working, ({ site }) => site))
    if (
      clash(
        own.map(({ rack }) => rack),
        machines.some(each => each.site === name && each.target && each.rack),
      )
    )
      return 'one rack';
  return undefined;
}

/** Two in one domain; or one that says nothing beside any other, where anybody says anything. */
function clash(places: (string | undefined)[], told: boolean): boolean {
  if (!told || places.length < 2) return false;
  return places.includes(undefined) || new Set(places).size < places.length;
}

type Worked = { minutes: number; done: Machine[]; widest: number; sites: number; left: number; moments: number };

/** Works the plan off, each node as long as it takes. `look` sees every moment after its starts. */
function work(fleet: Fleet, look: (seen: { working: Machine[]; waiting: Machine[]; done: Machine[] }) => void): Worked {
  const { plan, machines } = fleet;
  const named = new Map(machines.map(one => [one.name, one]));
  const worked: Worked = { minutes: 0, done: [], widest: 0, sites: 0, left: 0, moments: 0 };
  for (const wave of plan.waves) {
    let waiting = [...wave];
    let working: { one: Machine; until: number }[] = [];
    while (waiting.length + working.length > 0) {
      const running = working.map(({ one }) => one.name);
      const clusters = clustersNow(fleet, new Set(running));
      const clusterOf = (name: string) => named.get(name)?.cluster;
      const { start } = nextStarts(plan, { waiting, running, elsewhere: [], clusters, clusterOf });
      for (const node of start) {
        const one = named.get(node) as Machine;
        working.push({ one, until: worked.minutes + one.minutes });
      }
      waiting = waiting.filter(node => !start.includes(node));
      const now = working.map(({ one }) => one);
      look({ working: now, waiting: waiting.map(node => named.get(node) as Machine), done: worked.done });
      worked.widest = Math.max(worked.widest, now.length);
      worked.sites = Math.max(worked.sites, new Set(now.map(({ site }) => site)).size);
      worked.moments += 1;
      if (working.length === 0) {
        worked.left += waiting.length;
        break;
      }
      worked.minutes = Math.min(...working.map(({ until }) => until));
      worked.done.push(...working.filter(({ until }) => until === worked.minutes).map(({ one }) => one));
      working = working.filter(({ until }) => until > worked.minutes);
    }
  }
  return worked;
}

/** What may ever start: where its cluster has room for it at all, and etcd for its going. */
function possible(fleet: Fleet, one: Machine): boolean {
  return wrong(fleet, [one]) === undefined;
}

/** Minutes that one wave takes at least, whoever orders it: each thing that only so many may use is busy so long. */
function leastFor({ machines, budgets, plan }: Fleet, wave: Machine[]): number {
  const sum = (list: Machine[]) => list.reduce((total, { minutes }) => total + minutes, 0);
  const queue = (keys: (one: Machine) => string[]) => {
    const all = new Map<string, number>();
    for (const one of wave) for (const key of keys(one)) all.set(key, (all.get(key) ?? 0) + one.minutes);
    return all;
  };
  const busy = new Map<string, number>();
  const least = (site: string, minutes: number) => busy.set(site, Math.max(busy.get(site) ?? 0, minutes));
  for (const one of wave) least(one.site, one.minutes);
  for (const [name, own] of Map.groupBy(wave, ({ cluster }) => cluster)) {
    const site = own[0]?.site ?? '';
    const room = (budgets.get(name) ?? 0) - machines.filter(each => each.cluster === name && each.away).length;
    const serving = own.filter(each => !each.away);
    const zones = new Set(own.flatMap(({ zone }) => zone ?? []));
    const racks = new Set(own.flatMap(({ rack }) => rack ?? []));
    const ways = Math.max(1, Math.min(room, zones.size || room, racks.size || room));
    least(site, sum(serving) / ways);
    least(
      site,
      Math.ceil(serving.length / ways) * Math.min(...serving.map(({ minutes }) => minutes), Number.MAX_VALUE),
    );
    least(site, sum(own.filter(({ role }) => role === 'control-plane')));
  }
  const keys = (one: Machine) => [
    `bmc ${one.bmc}`,
    ...one.groups.map(group => `group ${one.cluster} ${group}`),
    ...(one.zone ? [`zone ${one.cluster} ${one.zone}`] : []),
    ...(one.rack ? [`rack ${one.site} ${one.rack}`] : []),
  ];
  const siteOf = new Map(wave.flatMap(one => keys(one).map(key => [key, one.site])));
  for (const [key, minutes] of queue(keys)) least(siteOf.get(key) ?? '', minutes);
  const inTurn = [...busy.values()].reduce((total, minutes) => total + minutes, 0) / plan.limits.maxSites;
  return Math.max(inTurn, ...busy.values(), 0);
}

describe('the starts of two operations', () => {
  it('together break no rule that holds within one, and leave nothing waiting that could run', () => {
    let turns = 0;
    fc.assert(
      fc.property(scheduledFleet, ({ plan, ...fleet }) => {
        const all = { ...fleet, plan: { ...plan, limits: { ...plan.limits, maxSites: plan.scopes.length } } };
        const named = new Map(fleet.machines.map(one => [one.name, one]));
        const operations = [0, 1].map(half => ({
          own: { ...all.plan },
          waiting: plan.targets.flatMap(({ node }, n) => (n % 2 === half ? [node] : [])),
        }));
        let working: { one: Machine; work: AtWork }[] = [];
        for (let tick = 0, idle = 0; idle < 2 || working.length > 0; tick += 1) {
          const operation = operations[tick % 2] as (typeof operations)[number];
          const { own, waiting } = operation;
          const { mine = [], others = [] } = Object.groupBy(working, ({ work }) =>
            work.plan === own ? 'mine' : 'others',
          );
          const { start } = nextStarts(own, {
            waiting,
            running: mine.map(({ one }) => one.name),
            elsewhere: others.map(({ work }) => work),
            clusterOf: name => named.get(name)?.cluster,
            clusters: clustersNow(all, new Set(working.map(({ one }) => one.name))),
          });
          for (const target of own.targets.filter(({ node }) => start.includes(node)))
            working.push({ one: named.get(target.node) as Machine, work: { plan: own, target } });
          operation.waiting = waiting.filter(node => !start.includes(node));
          const now = working.map(({ one }) => one);
          const broken = wrong(all, now);
          if (broken) throw new Error(`${broken}: ${namesOf(now)}`);
          const left = operation.waiting.map(node => named.get(node) as Machine);
          const able = left.find(one => !wrong(all, [...now, one]) && !leaderWaits(one, left));
          if (able) throw new Error(`${able.name} waits for nothing beside ${namesOf(now)}`);
          turns += Number(mine.length === 0 && left.length > 0 && others.length > 0);
          idle = start.length === 0 ? idle + 1 : 0;
          if (tick % 3 === 0) working = working.slice(1);
        }
      }),
      { ...settings, numRuns: bothRuns },
    );
    expect(turns / bothRuns).toBeGreaterThan(0.5);
  });
});

describe('the starts of a rollout', () => {
  it('break no rule at any moment, leave nothing waiting that could run, and reach all that they may', () => {
    const count = { fleets: 0, parallel: 0, sites: 0, waited: 0, left: 0, members: 0, canaries: 0 };
    fc.assert(
      fc.property(scheduledFleet, fleet => {
        const { plan, machines } = fleet;
        const canaries = new Set(plan.canaries);
        const first = machines.filter(one => canaries.has(one.name) && possible(fleet, one));
        const worked = work(fleet, ({ working, waiting, done }) => {
          const broken = wrong(fleet, working);
          if (broken) throw new Error(`${broken}: ${namesOf(working)}`);
          const idle = waiting.find(one => !wrong(fleet, [...working, one]) && !leaderWaits(one, waiting));
          if (idle) throw new Error(`${idle.name} waits for nothing beside ${namesOf(working)}`);
          const after = working.filter(one => !canaries.has(one.name));
          const early = after.find(one => first.some(each => each.role === one.role && !done.includes(each)));
          if (early) throw new Error(`${early.name} before a canary`);
          count.waited += waiting.length;
        });
        const targets = machines.filter(({ target }) => target);
        const ended = worked.done.map(({ name }) => name);
        expect(ended.toSorted()).toEqual(
          targets
            .filter(one => possible(fleet, one))
            .map(({ name }) => name)
            .toSorted(),
        );
        count.fleets += Number(worked.done.length > 1);
        count.parallel += Number(worked.widest > 2);
        count.sites += Number(worked.sites > 1);
        count.left += Number(worked.left > 0);
        count.members += Number(worked.done.filter(({ role }) => role === 'control-plane').length > 1);
        count.canaries += Number(plan.canaries.length > 1 && plan.canaries.length < plan.targets.length);
      }),
      settings,
    );
    const share = (part: number) => expect(part / runs, JSON.stringify(count));
    share(count.fleets).toBeGreaterThan(0.7);
    share(count.parallel).toBeGreaterThan(0.2);
    share(count.sites).toBeGreaterThan(0.2);
    share(count.waited).toBeGreaterThan(1);
    share(count.left).toBeGreaterThan(0.05);
    share(count.members).toBeGreaterThan(0.1);
    share(count.canaries).toBeGreaterThan(0.4);
  });

  it('take at most a tenth longer than the constraints demand, where sites are built alike', () => {
    const time = { taken: 0, least: 0, parallel: 0 };
    fc.assert(
      fc.property(evenFleet, fleet => {
        const worked = work(fleet, () => undefined);
        const named = new Map(fleet.machines.map(one => [one.name, one]));
        const waves = fleet.plan.waves.map(wave => wave.map(name => named.get(name) as Machine));
        time.taken += worked.minutes;
        time.least += waves.reduce((total, wave) => total + leastFor(fleet, wave), 0);
        time.parallel += Number(worked.widest > 4);
      }),
      { ...settings, numRuns: evenRuns },
    );
    expect(time.parallel / evenRuns).toBeGreaterThan(0.3);
    expect(time.taken / time.least, JSON.stringify(time)).toBeLessThanOrEqual(1.1);
  });
});

/** The first member of each cluster leads, and lets the others go first. */
function leaderWaits({ name, cluster, role }: Machine, waiting: Machine[]): string | undefined {
  const others = waiting.some(each => each.cluster === cluster && each.name !== name);
  return role === 'control-plane' && name.endsWith('m0') && others ? 'it leads' : undefined;
}
