/** What another operation has in hand keeps a node from starting: by domain, by BMC, and by what goes down with it. */
import { describe, expect, it } from 'vitest';
import { known } from '../../src/core/bmc.ts';
import type { NodeFacts } from '../../src/core/cluster-facts.ts';
import { outOfService, zoneLabel } from '../../src/core/cluster-marks.ts';
import type { PlanKind, PlanTarget, TaintChange } from '../../src/core/plan.ts';
import { nextStarts, waitsForTurn } from '../../src/planning/next-starts.ts';
import { nodeOf } from '../support/cluster-facts.ts';
import { examplePlan } from '../support/example-plan.ts';

const { plan } = examplePlan();
const [example] = plan.targets;
if (!example) throw new Error('the example has no target');
const { zone: _, rack: __, drain: ___, ...bare } = example;

const target = (node: string, change: Partial<PlanTarget> = {}): PlanTarget => ({
  ...bare,
  role: 'worker',
  node,
  bmcUrl: `https://${node}`,
  ...change,
});

/** All are of the one cluster, whose budget of today is not in the way. */
const seen = (nodes: NodeFacts[]) => ({
  clusterOf: () => example.cluster,
  clusters: new Map([[example.cluster, known({ nodes, budget: { maxUnavailable: 5 } })]]),
});

type Others = { kind?: PlanKind; budget?: number; zones?: Record<string, string>; taint?: TaintChange };

/** Why `mine` waits while another operation works on `theirs`, in a cluster of five under this budget. */
function wait(
  mine: PlanTarget,
  theirs: PlanTarget,
  { kind = 'drain', budget = 3, zones = {}, taint }: Others = {},
): string | undefined {
  const nodes = ['a', 'b', 'c', 'd', 'e'].map(name => {
    const zone = zones[name];
    return nodeOf(name, zone === undefined ? {} : { labels: { [zoneLabel]: zone } });
  });
  const scopes = plan.scopes.map(scope => ({ ...scope, budget: { maxUnavailable: budget } }));
  const own = { ...plan, kind: 'firmware-rollout' as const, scopes, targets: [mine], declaredOutage: true as const };
  const elsewhere = [{ plan: { kind, targets: [theirs], ...(taint && { taint }) }, target: theirs }];
  const facts = { waiting: [mine.node], running: [], elsewhere, ...seen(nodes) };
  return nextStarts(own, facts).wait[0]?.why;
}

it('nothing keeps it that shares nothing', () => {
  expect(wait(target('a', { zone: 'x', rack: '1' }), target('b', { zone: 'y', rack: '2' }))).toBeUndefined();
});

describe('another operation empties a node', () => {
  const pdbs = (...names: string[]): Partial<PlanTarget> => ({
    drain: { evict: [], skip: [], block: [], warnings: [], pdbs: names },
  });

  it.each<[string, Partial<PlanTarget>, Partial<PlanTarget>, RegExp]>([
    ['zone', { zone: 'x' }, { zone: 'x' }, /zone x/],
    ['rack', { rack: '1' }, { rack: '1' }, /rack 1/],
    ['rack, of another cluster', { rack: '1' }, { rack: '1', cluster: 'other' }, /rack 1/],
    ['PodDisruptionBudget', pdbs('shop/api', 'shop/web'), pdbs('shop/web'), /PodDisruptionBudget shop\/web/],
    ['perhaps zone, which it does not tell', {}, { zone: 'x' }, /zone x/],
    ['perhaps rack, which the other does not tell', { rack: '1' }, {}, /rack 1/],
  ])('of its %s', (_what, mine, theirs, why) => {
    expect(wait(target('a', mine), target('b', theirs))).toMatch(why);
  });

  it('by a taint that makes its pods go, and by no other', () => {
    const [mine, theirs] = [target('a', { zone: 'x' }), target('b', { zone: 'x' })];
    const beside = (effect: string, key = 'x', remove = false) =>
      wait(mine, theirs, { kind: 'taint', taint: { taint: { key, effect }, remove } });
    expect(beside('NoExecute')).toMatch(/zone x/);
    expect([beside('NoSchedule'), beside('NoExecute', 'x', true), beside('NoExecute', outOfService)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('and a third of its zone goes down with that', () => {
    const theirs = target('b', { zone: 'y', alongside: ['c'] });
    expect(wait(target('a', { zone: 'x' }), theirs, { zones: { a: 'x', b: 'y', c: 'x' } })).toMatch(/zone x/);
  });

  it('and what goes down with that counts in the budget', () => {
    const theirs = target('b', { alongside: ['c'] });
    expect([wait(target('a'), theirs, { budget: 3 }), wait(target('a'), theirs, { budget: 2 })]).toEqual([
      undefined,
      expect.stringContaining('3 nodes would be away'),
    ]);
  });
});

describe('another operation leaves the pods of a node where they are', () => {
  it.each<PlanKind>(['bmc-change', 'cordon', 'power-on'])('by %s: its zone is free, its BMC is not', kind => {
    const [mine, theirs] = [target('a', { zone: 'x' }), target('b', { zone: 'x' })];
    expect(wait(mine, theirs, { kind })).toBeUndefined();
    expect(wait(mine, { ...theirs, bmcUrl: mine.bmcUrl }, { kind })).toMatch(/BMC/);
  });

  it('and nothing goes down with a BMC that restarts', () => {
    const theirs = target('b', { alongside: ['c'] });
    expect(wait(target('a'), theirs, { kind: 'bmc-change', budget: 2 })).toBeUndefined();
  });
});

describe('the one node of a plan waits', () => {
  const mine = target('a', { zone: 'x' });
  const waits = (theirs: PlanTarget, kind: PlanKind = 'drain', gone: string[] = [], taint?: TaintChange) => {
    const nodes = ['a', 'b', 'c', 'd'].map(name => nodeOf(name, { ready: !gone.includes(name) }));
    const scopes = plan.scopes.map(scope => ({ ...scope, budget: { maxUnavailable: 2 } }));
    return waitsForTurn({ ...plan, kind, scopes, targets: [mine], ...(taint && { taint }) }, mine.node, {
      elsewhere: [{ plan: { kind: 'drain', targets: [theirs] }, target: theirs }],
      ...seen(nodes),
    })?.why;
  };

  it('for its domain where it is emptied', () => {
    const near = target('b', { zone: 'x' });
    expect([waits(near), waits(near, 'cordon')]).toEqual([expect.stringContaining('zone x'), undefined]);
    const tainting = (effect: string) => waits(near, 'taint', [], { taint: { key: 'x', effect }, remove: false });
    expect([tainting('NoExecute'), tainting('NoSchedule')]).toEqual([expect.stringContaining('zone x'), undefined]);
  });

  it('for room that others will leave again, and not for what policy refuses anyway', () => {
    const far = target('b', { zone: 'y', alongside: ['c'] });
    expect([waits(far, 'cordon'), waits(far, 'cordon', ['c', 'd'])]).toEqual([
      expect.stringContaining('3 nodes would be away'),
      undefined,
    ]);
  });

  it('never for what another operation holds alone', () => {
    for (const zone of ['x', 'y']) expect(waits(target('b', { zone, bmcUrl: mine.bmcUrl }))).toBeUndefined();
  });
});
