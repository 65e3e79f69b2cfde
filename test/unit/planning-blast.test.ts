import { describe, expect, it } from 'vitest';
import { known, unknown } from '../../src/core/bmc.ts';
import type { NodeFacts } from '../../src/core/cluster-facts.ts';
import { taintOwner } from '../../src/core/cluster-marks.ts';
import type { PlanDraft, PlanKind } from '../../src/core/plan.ts';
import { blastNow, endangered } from '../../src/planning/blast.ts';
import { etcdOf, nodeOf } from '../support/cluster-facts.ts';

const zone = (name: string) => ({ labels: { 'topology.kubernetes.io/zone': name } });
const nodes = [
  ...['cp-1', 'cp-2', 'cp-3'].map(name => nodeOf(name, { role: 'control-plane' })),
  nodeOf('w-1', { role: 'worker', ...zone('a') }),
  nodeOf('w-2', { role: 'worker', ...zone('a') }),
  nodeOf('w-3', { role: 'worker', ...zone('b') }),
];
const members = (...healthy: (boolean | undefined)[]) =>
  known(
    etcdOf(
      Object.fromEntries(healthy.map((is, n) => [`cp-${n + 1}`, is === undefined ? unknown('silent') : known(is)])),
    ),
  );

function planFor(node: string, kind: PlanKind, more: Pick<PlanDraft, 'taint'> = {}) {
  const role = node.startsWith('cp') ? ('control-plane' as const) : ('worker' as const);
  const fact = known('S1');
  const machine = { nodeUid: 'u', systemUuid: 'u', serial: fact, model: fact, vendor: 'dell' as const };
  const place = { site: 'boston', cluster: 'boston' };
  const target = {
    node,
    ...place,
    role,
    cohort: 'c',
    ...machine,
    bmcUrl: 'https://10.1.0.1',
    systemUri: '/redfish/v1/Systems/1',
  };
  const blast = { peakUnavailable: 1, targets: 1, controlPlane: 0, quorumLost: false, lastOf: [] };
  const scopes = [{ ...place, budget: { maxUnavailable: 1 }, blast }];
  return { kind, targets: [target], scopes, ...more };
}

describe('the quorum of etcd at the moment of an effect', () => {
  const restart = planFor('cp-1', 'restart');
  const lost = (moment: Partial<Parameters<typeof blastNow>[2]>, plan = restart, node = 'cp-1') =>
    blastNow(plan, node, { nodes, running: [], etcd: members(true, true, true), ...moment }).quorumLost;

  it('is kept while two of three stay', () => {
    expect(lost({})).toBe(false);
  });

  it.each([
    ['another member is not healthy', { etcd: members(true, true, false) }],
    ['the state of another is not known', { etcd: members(true, true, undefined) }],
    ['etcd cannot be read', { etcd: unknown('403') }],
    ['etcd was not read', { etcd: undefined }],
    ['another control-plane node is being worked on', { running: ['cp-2'] }],
  ])('is lost where %s', (_, moment) => {
    expect(lost(moment)).toBe(true);
  });

  it('is lost with a worker that became a part of the control plane since it was planned', () => {
    const promoted = nodes.map(node => (node.name === 'w-1' ? { ...node, role: 'control-plane' as const } : node));
    expect(lost({ nodes: promoted }, planFor('w-1', 'restart'), 'w-1')).toBe(true);
  });

  it('is kept without such a worker where etcd can spare it, and then it counts as what needs a critical approval', () => {
    const promoted = nodes.map(node => (node.name === 'w-1' ? { ...node, role: 'control-plane' as const } : node));
    const etcd = known(etcdOf(Object.fromEntries(['cp-1', 'cp-2', 'w-1'].map(name => [name, known(true)]))));
    const blastOf = (kind: PlanKind) => blastNow(planFor('w-1', kind), 'w-1', { nodes: promoted, running: [], etcd });
    expect(blastOf('restart')).toMatchObject({ quorumLost: false, controlPlane: 1 });
    expect(blastOf('uncordon').controlPlane).toBe(0);
  });

  it('is not asked about where no control-plane node goes down', () => {
    expect(lost({ etcd: unknown('403') }, planFor('w-1', 'restart'), 'w-1')).toBe(false);
    expect(lost({ etcd: unknown('403') }, planFor('cp-1', 'cordon'))).toBe(false);
    const moment = { nodes, running: ['cp-2'] };
    expect(endangered(planFor('w-1', 'restart'), 'w-1', moment)).toEqual([]);
    expect(endangered(restart, 'cp-1', moment)).toEqual(['cp-2', 'cp-1']);
    const tainted = (effect: string) =>
      endangered(planFor('cp-1', 'taint', { taint: { taint: { key: 'x', effect }, remove: false } }), 'cp-1', moment);
    expect([tainted('NoExecute'), tainted('NoSchedule')]).toEqual([['cp-2', 'cp-1'], []]);
  });
});

describe('what is away at the moment of an effect', () => {
  const plan = (kind: PlanKind, alongside: string[]) => {
    const draft = planFor('w-1', kind);
    return { ...draft, targets: draft.targets.map(target => ({ ...target, alongside })) };
  };
  const peak = (draft: ReturnType<typeof plan>, moment: Partial<Parameters<typeof blastNow>[2]> = {}) =>
    blastNow(draft, 'w-1', { nodes, running: [], ...moment }).peakUnavailable;

  it('is the node with what hangs on its BMC, except where that alone restarts: its servers run on', () => {
    expect(peak(plan('restart', []))).toBe(1);
    expect(peak(plan('restart', ['w-2']))).toBe(2);
    expect(peak(plan('restart', ['in another cluster']))).toBe(1);
    expect(peak(plan('bmc-change', ['w-2']))).toBe(1);
  });

  it('is what others work on too, and what is lost or cordoned, each node once', () => {
    expect(peak(plan('cordon', []), { running: ['w-2', 'w-1', 'in another cluster'] })).toBe(2);
    const lost = nodes.map(node => (node.name === 'w-3' ? { ...node, ready: false } : node));
    expect(peak(plan('cordon', []), { nodes: lost, running: ['w-3'] })).toBe(2);
  });

  it('is what a taint of ours keeps pods from, and not what others keep for some pods', () => {
    const tainted = (effect: string, owner?: string) =>
      nodes.map(node =>
        node.name === 'w-3'
          ? { ...node, taints: [{ key: 'x', effect }], annotations: owner ? { [taintOwner]: owner } : {} }
          : node,
      );
    const peakWith = (effect: string, owner?: string) => peak(plan('drain', []), { nodes: tainted(effect, owner) });
    const ours = (effect: string) => JSON.stringify({ [`x:${effect}`]: 'op-1' });
    expect(peakWith('NoExecute', ours('NoExecute'))).toBe(2);
    expect(peakWith('NoSchedule', ours('NoSchedule'))).toBe(2);
    expect(peakWith('PreferNoSchedule', ours('PreferNoSchedule'))).toBe(1);
    for (const owner of [undefined, ours('NoSchedule'), 'no JSON']) expect(peakWith('NoExecute', owner)).toBe(1);
  });

  it('endangers members of etcd behind the same BMC', () => {
    const moment = { nodes, running: [] };
    expect(endangered(plan('restart', ['cp-1']), 'w-1', moment)).toEqual(['cp-1']);
    expect(endangered(plan('cordon', ['cp-1']), 'w-1', moment)).toEqual([]);
  });
});

describe('the last of its kind at the moment of an effect', () => {
  const lastOf = (node: string, kind: PlanKind, moment: Partial<Parameters<typeof blastNow>[2]> = {}, more = {}) =>
    blastNow(planFor(node, kind, more), node, { nodes, running: [], ...moment }).lastOf;
  const without = (name: string, change: Partial<NodeFacts>) =>
    nodes.map(node => (node.name === name ? { ...node, ...change } : node));

  it('is a node that is alone in its zone, and not one that has another beside it', () => {
    expect(lastOf('w-3', 'cordon')).toEqual(['the zone b']);
    expect(lastOf('w-1', 'cordon')).toEqual([]);
  });

  it('is one whose neighbour is cordoned, tainted by us, lost, or worked on by now', () => {
    const annotations = { [taintOwner]: JSON.stringify({ 'x:NoExecute': 'op-1' }) };
    for (const moment of [
      { nodes: without('w-2', { taints: [{ key: 'x', effect: 'NoExecute' }], annotations }) },
      { nodes: without('w-2', { unschedulable: true }) },
      { nodes: without('w-2', { ready: false }) },
      { running: ['w-2'] },
    ])
      expect(lastOf('w-1', 'drain', moment)).toEqual(['the zone a']);
  });

  it('is not one that is lost already, nor one that is only given back', () => {
    expect(lastOf('w-3', 'restart', { nodes: without('w-3', { ready: false }) })).toEqual([]);
    for (const kind of ['uncordon', 'power-on', 'bmc-change'] as const) expect(lastOf('w-3', kind)).toEqual([]);
  });

  it('is taken by a taint that keeps pods away, not by a wish or by its removal', () => {
    const taint = (effect: string, remove = false) =>
      lastOf('w-3', 'taint', {}, { taint: { taint: { key: 'x', effect }, remove } });
    expect([taint('NoSchedule'), taint('NoExecute')]).toEqual([['the zone b'], ['the zone b']]);
    expect([taint('PreferNoSchedule'), taint('NoSchedule', true)]).toEqual([[], []]);
  });
});
