/** Plans for one node: what each kind counts, refuses, warns of and promises. */
import { describe, expect, it } from 'vitest';
import { factValue, known, unknown } from '../../src/core/bmc.ts';
import type { NodeFacts } from '../../src/core/cluster-facts.ts';
import { cordonReason, outOfService } from '../../src/core/cluster-marks.ts';
import { FleetError } from '../../src/core/errors.ts';
import type { FleetCluster, FleetNode } from '../../src/core/fleet.ts';
import type { PlanDraft } from '../../src/core/plan.ts';
import { type ChangeRequest, planChange } from '../../src/planning/plan-change.ts';
import { etcdOf, nodeOf, podOf } from '../support/cluster-facts.ts';
import { serverHealth } from '../support/random-fleet.ts';

const entryOf = (name: string, bmc = name, change: Partial<FleetNode> = {}): FleetNode => ({
  name,
  site: 'boston',
  cluster: 'boston',
  role: 'worker',
  server: { bmcUrl: `https://${bmc}.bmc`, credential: 'lab' },
  ...change,
});
const entry = entryOf('n1');
const server = serverHealth(entry, '1.8.2');
const node = nodeOf('n1', { systemUuid: factValue(server.identity.uuid) ?? '' });
const cluster: FleetCluster = {
  name: 'boston',
  site: 'boston',
  budget: { maxUnavailable: 2 },
  nodes: [entry, entryOf('n2'), entryOf('n3')],
};
const evidence = {
  etcd: known(etcdOf({ 'cp-1': known(true), 'cp-2': known(true), 'cp-3': known(true) })),
  remediators: known([]),
  own: known<ReadonlyMap<string, string>>(new Map()),
};
const api = podOf({ name: 'api-1' });
const facts = {
  nodes: [node, nodeOf('n2'), nodeOf('n3')],
  pods: [api, podOf({ node: 'n2' })],
  pdbs: [],
  daemonSets: [],
};

function plan(kind: ChangeRequest['kind'], change: Partial<ChangeRequest> = {}): PlanDraft {
  const drain = { deleteEmptyDir: false, force: false, byPriority: false };
  return planChange({ kind, action: 'any', cluster, entry, server, node, facts, drain, evidence, ...change });
}

function refused(kind: ChangeRequest['kind'], change: Partial<ChangeRequest> = {}): string {
  try {
    plan(kind, change);
  } catch (thrown) {
    if (thrown instanceof FleetError) return `${thrown.code}: ${thrown.message}`;
    throw thrown;
  }
  return 'not refused';
}

const blastOf = (draft: PlanDraft) => draft.scopes[0]?.blast;
const silentNode: NodeFacts = { ...node, ready: false, conditions: [{ type: 'Ready', status: 'Unknown' }] };
const beside = { fleet: [...cluster.nodes, entryOf('n4', 'n1'), entryOf('far', 'n1', { cluster: 'other' })] };
const settings = [{ attribute: 'Turbo', from: 'On', to: 'Off' }];

describe('a plan is refused', () => {
  it('where BMC and Node are not proved one machine', () => {
    expect(refused('cordon', { node: nodeOf('n1') })).toMatch(/^identity_mismatch: n1: Redfish UUID 0000/);
    const nameless = { ...server, identity: { ...server.identity, uuid: unknown('not told') } };
    expect(refused('cordon', { server: nameless })).toMatch(/^identity_mismatch: .*not told/);
  });

  it('where something speaks against emptying the node, or nobody looked', () => {
    const remediators = unknown('403');
    expect(refused('drain', { evidence: { ...evidence, remediators } })).toMatch(/n1 is not drained: .*403$/);
    expect(refused('drain', { evidence: undefined as never })).toContain('nothing was read');
    expect(blastOf(plan('cordon', { evidence: undefined as never }))).toMatchObject({ peakUnavailable: 1 });
  });

  it('where something speaks against a taint that makes its pods go, and not against another', () => {
    const ours = { ...evidence, own: known(new Map([['n1', 'Groundskeeper itself runs on it']])) };
    const tainted = (effect: string, change: Partial<ChangeRequest> = {}) =>
      refused('taint', { taint: { taint: { key: 'x', effect }, remove: false }, evidence: ours, ...change });
    expect(tainted('NoExecute')).toMatch(/n1 is not tainted: Groundskeeper itself runs on it$/);
    expect(tainted('NoExecute', { evidence: undefined as never })).toContain('nothing was read');
    expect(tainted('NoSchedule')).toBe('not refused');
    const taint = { key: 'x', effect: 'NoExecute' };
    expect(tainted('NoExecute', { taint: { taint, remove: true } })).toBe('not refused');
    expect(tainted('NoExecute', { taint: { taint: { ...taint, key: outOfService }, remove: false } })).toBe(
      'not refused',
    );
  });

  it('where the drain would stop, but not where nothing is drained', () => {
    const stuck = { facts: { ...facts, pods: [podOf({ name: 'db-1', emptyDirs: ['data'] })] } };
    expect(refused('restart', stuck)).toMatch(/the drain of n1 would stop: shop\/db-1: local data/);
    expect(refused('cordon', stuck)).toBe('not refused');
    expect(refused('restart', { ...stuck, node: silentNode, undrained: true })).toBe('not refused');
  });

  it('undrained, while Kubernetes hears from the node', () => {
    expect(refused('restart', { undrained: true })).toContain('Kubernetes hears from n1');
    const heard: NodeFacts = { ...node, ready: false, conditions: [{ type: 'Ready', status: 'False' }] };
    expect(refused('restart', { undrained: true, node: heard })).toContain('Kubernetes hears from n1');
  });

  it('where its start would bring settings into force that nobody named', () => {
    const waiting = known(settings);
    for (const kind of ['restart', 'power-on'] as const)
      expect(refused(kind, { waiting })).toMatch(/a start of n1 would bring .*: Turbo On → Off$/);
    expect(refused('restart', { waiting: unknown('no answer') })).toContain('what waits is not known (no answer)');
    for (const nothing of [{}, { waiting: known([]) }, { waiting, applyWaiting: true }])
      expect(refused('restart', nothing)).toBe('not refused');
    expect(refused('power-off', { waiting })).toBe('not refused');
  });

  it('where a part of a control plane hangs on the same BMC', () => {
    const fleet = [...cluster.nodes, entryOf('n4', 'n1', { role: 'control-plane' })];
    expect(refused('restart', { fleet })).toMatch(/the same BMC serves n4, a control-plane node/);
    const seen = { ...facts, nodes: [...facts.nodes, nodeOf('n4', { role: 'control-plane' })] };
    expect(refused('restart', { fleet: beside.fleet, facts: seen })).toMatch(/serves n4, a control-plane node/);
    expect(refused('power-on', { fleet })).toBe('not refused');
  });
});

describe('what a plan counts', () => {
  it('is what is away, the node, and what hangs on its BMC in the same cluster', () => {
    const away = { facts: { ...facts, nodes: [node, nodeOf('n2', { ready: false }), nodeOf('n3')] } };
    expect(blastOf(plan('cordon', away))).toMatchObject({ peakUnavailable: 2, targets: 1 });
    expect(blastOf(plan('uncordon', away))).toMatchObject({ peakUnavailable: 1, controlPlane: 0 });
    const shared = plan('restart', { ...away, ...beside });
    expect(blastOf(shared)).toMatchObject({ peakUnavailable: 3, targets: 3 });
    expect(shared.targets[0]?.alongside).toEqual(['n4', 'far']);
    expect(plan('cordon', beside).targets[0]).not.toHaveProperty('alongside');
    expect(plan('bmc-change', { ...beside, bmcChange: { act: 'reset-bmc' } }).targets[0]).toHaveProperty('alongside');
    expect(blastOf(plan('bmc-change', { ...beside, bmcChange: { act: 'identify', lit: true } }))?.targets).toBe(1);
  });

  it('is the last of its role, where its capacity goes', () => {
    const alone = { facts: { ...facts, nodes: [node] } };
    const last = plan('cordon', { ...alone, declareOutage: true });
    expect(blastOf(last)?.lastOf).toEqual(['the role worker']);
    expect(last).toMatchObject({ declaredOutage: true, warnings: [expect.stringContaining('the role worker')] });
    expect(blastOf(plan('uncordon', alone))?.lastOf).toEqual([]);
    expect(plan('cordon')).not.toHaveProperty('declaredOutage');
  });

  it('is the control plane and its quorum, by every account', () => {
    const cp = { ...node, role: 'control-plane' as const };
    const etcd = known(etcdOf({ n1: known(true), 'cp-2': known(true), 'cp-3': known(true) }));
    const of = (kind: ChangeRequest['kind']) => blastOf(plan(kind, { node: cp, evidence: { ...evidence, etcd } }));
    expect(of('drain')).toMatchObject({ controlPlane: 1, quorumLost: false });
    expect(of('uncordon')).toMatchObject({ controlPlane: 1, quorumLost: false });
    expect(of('power-on')).toMatchObject({ controlPlane: 0, quorumLost: false });
    expect(blastOf(plan('drain'))).toMatchObject({ controlPlane: 0, quorumLost: false });
  });
});

describe('what people read of a plan', () => {
  it('is what its drain evicts, which does not come back', () => {
    const drained = plan('drain');
    expect(drained.targets[0]?.drain?.evict).toEqual(['shop/api-1']);
    expect(drained.irreversible).toEqual(['evicted pods are deleted and started elsewhere']);
    expect(plan('cordon')).toMatchObject({ irreversible: [], warnings: [] });
    expect(plan('cordon').targets[0]).not.toHaveProperty('drain');
  });

  it('is that a silent node is cut off instead', () => {
    const cut = plan('restart', { node: silentNode, undrained: true });
    expect(cut.warnings).toContainEqual(expect.stringContaining('cut off, not moved'));
    expect(cut.undrained).toBe(true);
    const names = cut.steps.map(({ name }) => name);
    expect(names).toContain('silent');
    expect(names).not.toContain('drain');
    expect(plan('restart')).not.toHaveProperty('undrained');
  });

  it('is what a taint deletes', () => {
    const taint = { key: 'dedicated', value: 'db', effect: 'NoExecute' };
    const tolerant = podOf({ placement: { ...api.placement, tolerations: [{ operator: 'Exists' }] } });
    const anHour = { operator: 'Exists', seconds: 3600 };
    const patient = podOf({ name: 'api-2', placement: { ...api.placement, tolerations: [anHour] } });
    const pods = [api, tolerant, patient, podOf({ mirror: true }), podOf({ node: 'n2' })];
    const of = (change: Partial<ChangeRequest>) => plan('taint', { facts: { ...facts, pods }, ...change });
    const added = of({ taint: { taint, remove: false } });
    expect(added.irreversible).toEqual(['deleted without asking any budget: shop/api-1, shop/api-2']);
    expect(added.warnings).toEqual([expect.stringMatching(/^NoExecute deletes 2 pods/)]);
    expect(added.taint).toEqual({ taint, remove: false });
    const names = (draft: PlanDraft) => draft.steps.map(({ name }) => name).join(', ');
    expect(names(added)).toBe('identity, remediators, budgets, taint, pods gone');
    expect(names(of({ taint: { taint, remove: true } }))).toBe('identity, taint');
    for (const change of [
      { taint, remove: true },
      { taint: { ...taint, effect: 'NoSchedule' }, remove: false },
      { taint: { key: outOfService, effect: 'NoSchedule' }, remove: true },
    ])
      expect(of({ taint: change })).toMatchObject({ irreversible: [], warnings: [] });
    const forced = of({ taint: { taint: { key: outOfService, effect: 'NoSchedule' }, remove: false } });
    expect(forced.warnings).toEqual([expect.stringContaining('detaches their volumes by force')]);
  });

  it('is why it was left cordoned, and what stays behind after a start or a power-off', () => {
    const left = { ...node, annotations: { [cordonReason]: 'a fan' } };
    expect(plan('uncordon', { node: left }).warnings).toEqual(['it was left cordoned: a fan']);
    expect(plan('uncordon').warnings).toEqual([]);
    expect(plan('cordon', { node: left }).warnings).toEqual([]);
    const marked = { ...node, taints: [{ key: outOfService, effect: 'NoExecute' }] };
    expect(plan('power-on', { node: marked }).warnings).toEqual([expect.stringContaining('remove it with taint-node')]);
    expect(plan('cordon', { node: marked }).warnings).toEqual([]);
    expect(plan('power-on').warnings).toEqual([]);
    expect(plan('power-off').warnings).toContainEqual(expect.stringContaining('stays cordoned and off'));
    expect(plan('restart').warnings).toEqual([]);
  });

  it('is what hangs on the same BMC', () => {
    const told = 'the same BMC serves n4, far: they are counted with this one';
    expect(plan('restart', beside).warnings).toEqual([told]);
    expect(plan('cordon', beside).warnings).toEqual([]);
    expect(plan('bmc-change', { ...beside, bmcChange: { act: 'reset-bmc' } }).warnings).toEqual([
      'the same BMC serves n4, far: nothing reaches them either while it restarts',
    ]);
    expect(plan('bmc-change', { ...beside, bmcChange: { act: 'identify', lit: true } }).warnings).toEqual([]);
  });

  it('is what a restart of the BMC that is to free a task may damage', () => {
    const recovered = plan('bmc-change', { bmcChange: { act: 'reset-bmc', recover: true } });
    expect(recovered.warnings).toEqual([expect.stringContaining('would damage it')]);
    expect(recovered.steps.map(({ name }) => name)).toContain('stuck');
    const plain = plan('bmc-change', { bmcChange: { act: 'reset-bmc' } });
    expect(plain).toMatchObject({ warnings: [], bmcChange: { act: 'reset-bmc' } });
    expect(plain.steps.map(({ name }) => name)).not.toContain('stuck');
  });

  it('is the settings that a change makes, or that wait for a start', () => {
    const bios = plan('bios-change', { bios: { changes: settings, follows: ['Boost = off'] } });
    expect(bios.warnings).toEqual(['the BIOS sets by itself then: Boost = off']);
    expect(bios.irreversible).toContainEqual(expect.stringContaining('keep the server from starting'));
    expect(bios.targets[0]?.changes).toHaveLength(1);
    const dozen = Array.from({ length: 12 }, (_, n) => ({ attribute: `A${n}`, from: 0, to: 1 }));
    const waiting = known(dozen);
    const started = plan('restart', { waiting, applyWaiting: true });
    expect(started.targets[0]?.waitingBios).toEqual(waiting);
    expect(started.irreversible).toHaveLength(2);
    expect(started.warnings).toEqual([expect.stringMatching(/this start brings .*A9 0 → 1 and 2 more$/)]);
    expect(plan('bmc-change', { waiting, bmcChange: { act: 'reset-bmc' } })).toMatchObject({
      irreversible: [],
      warnings: [expect.stringContaining('its restart may lose them')],
    });
    expect(plan('bmc-change', { waiting, bmcChange: { act: 'identify', lit: true } }).warnings).toEqual([]);
    const ten = plan('restart', { waiting: known(dozen.slice(0, 10)), applyWaiting: true });
    expect(ten.warnings).toEqual([expect.stringMatching(/A9 0 → 1$/)]);
    const nothing = plan('restart', { waiting: known([]), applyWaiting: true });
    expect(nothing).toMatchObject({ irreversible: [expect.stringContaining('evicted')], warnings: [] });
    for (const unnamed of [plan('restart', { waiting: known([]) }), plan('power-off', { waiting, applyWaiting: true })])
      expect(unnamed.targets[0]).not.toHaveProperty('waitingBios');
  });

  it('is that the program itself asks for it, and why', () => {
    const own = plan('cordon', { because: 'a fan stands still' });
    expect(own.warnings).toEqual(['asked for by Groundskeeper itself: a fan stands still']);
    expect(own).not.toHaveProperty('health');
    const health = { act: 'mark', healthy: false, reason: 'a fan stands still' } as const;
    expect(plan('health-mark', { health }).health).toEqual(health);
  });
});
