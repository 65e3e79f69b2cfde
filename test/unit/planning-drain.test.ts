import { describe, expect, it } from 'vitest';
import type { PdbFacts, PodFacts } from '../../src/core/cluster-facts.ts';
import type { VolumeTie } from '../../src/core/scheduling.ts';
import { drainVerdict } from '../../src/planning/drain-filter.ts';
import { type DrainFacts, drainPreview } from '../../src/planning/drain-preview.ts';
import { pdbGroupsOfNode } from '../../src/planning/pdb-groups.ts';
import { selects } from '../../src/planning/selector.ts';
import { withVolumes } from '../../src/planning/volume-ties.ts';
import { pdbOf as pdb, podOf as pod } from '../support/cluster-facts.ts';

const careful = { deleteEmptyDir: false, force: false, byPriority: false };
const bold = { deleteEmptyDir: true, force: true, byPriority: false };

function preview(change: Partial<DrainFacts>) {
  return drainPreview({
    pods: [],
    pdbs: [],
    daemonSets: [{ namespace: 'shop', name: 'agent' }],
    options: careful,
    ...change,
  });
}

const agent = { kind: 'DaemonSet', name: 'agent' };
const lost = { kind: 'DaemonSet', name: 'lost' };

describe('the drain filter', () => {
  const daemonSets = new Set(['shop/agent']);
  it.each([
    ['a managed pod', pod(), careful, 'evict'],
    ['a pod being deleted, whatever else it is', pod({ terminating: true, emptyDirs: ['tmp'] }), careful, 'skip'],
    ['a DaemonSet pod', pod({ controller: agent }), careful, 'skip'],
    ['a DaemonSet pod with local data', pod({ controller: agent, emptyDirs: ['tmp'] }), careful, 'skip'],
    ['a pod of a DaemonSet that is gone', pod({ controller: lost }), careful, 'block'],
    ['the same, forced', pod({ controller: lost }), bold, 'evict'],
    [
      'the same, forced, with local data',
      pod({ controller: lost, emptyDirs: ['tmp'] }),
      { ...bold, deleteEmptyDir: false },
      'block',
    ],
    ['a finished pod of a DaemonSet that is gone', pod({ controller: lost, phase: 'Failed' }), careful, 'evict'],
    ['a mirror pod, which has no controller', pod({ mirror: true, controller: undefined }), careful, 'skip'],
    ['a pod with local data', pod({ emptyDirs: ['tmp'] }), careful, 'block'],
    ['the same, allowed', pod({ emptyDirs: ['tmp'] }), { ...careful, deleteEmptyDir: true }, 'evict'],
    ['a finished pod with local data', pod({ emptyDirs: ['tmp'], phase: 'Succeeded' }), careful, 'evict'],
    ['an unmanaged pod', pod({ controller: undefined }), careful, 'block'],
    ['the same, forced', pod({ controller: undefined }), { ...careful, force: true }, 'evict'],
    ['a finished unmanaged pod', pod({ controller: undefined, phase: 'Succeeded' }), careful, 'evict'],
  ] as const)('%s', (_, subject, options, action) => {
    expect(drainVerdict(subject, daemonSets, options).action).toBe(action);
  });

  it('keeps every warning, not just the last', () => {
    const orphan = drainVerdict(pod({ controller: lost, emptyDirs: ['tmp'] }), daemonSets, bold);
    expect(orphan.warnings).toEqual([
      'its DaemonSet shop/lost does not exist: nothing starts it again',
      'local data in emptyDir tmp is lost',
    ]);
    const { warnings } = drainVerdict(pod({ controller: undefined, emptyDirs: ['tmp', 'cache'] }), daemonSets, bold);
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toContain('tmp, cache');
  });
});

describe('the drain preview', () => {
  it('reports all blocked pods together', () => {
    const { blocked, evictions } = preview({
      pods: [pod({ emptyDirs: ['a'] }), pod({ controller: undefined }), pod()],
    });
    expect(blocked).toHaveLength(2);
    expect(evictions).toHaveLength(1);
  });

  it('lists pods that are leaving apart from those that stay', () => {
    const leaving = pod({ terminating: true });
    const result = preview({
      pods: [leaving, pod({ controller: agent }), pod({ controller: agent, terminating: true })],
    });
    expect(result.skipped).toHaveLength(3);
    expect(result.leaving).toEqual([leaving]);
    const orphan = pod({ controller: { kind: 'DaemonSet', name: 'gone' }, terminating: true });
    const namesake = pod({ controller: { ...agent, kind: 'ReplicaSet' }, terminating: true });
    expect(preview({ pods: [orphan, namesake] }).leaving).toEqual([orphan, namesake]);
  });

  it('warns of a budget that waits, with its numbers and since when', () => {
    const blockedSince = '2026-03-01T04:05:06.000Z';
    const waiting = pdb({ disruptionsAllowed: 0, currentHealthy: 2, blockedSince, owner: 'Helm release shop' });
    const { warnings, evictions } = preview({ pods: [pod()], pdbs: [waiting] });
    expect(evictions).toHaveLength(1);
    expect(warnings.join()).toContain(
      'shop/api (minAvailable 2, of Helm release shop) allows no disruption since 2026-03-01T04:05:06.000Z: 2 healthy of 3, 2 wanted',
    );
    expect(preview({ pods: [pod()], pdbs: [pdb()] }).warnings).toEqual([]);
    expect(preview({ pods: [pod()], pdbs: [pdb({ observed: false })] }).warnings.join()).toContain('not been counted');
  });

  it.each([
    ['wants all its pods', { desiredHealthy: 3 }, 'wants all 3 pods healthy'],
    ['cannot count its pods', { expectedPods: 0, desiredHealthy: 0, currentHealthy: 0 }, 'cannot count'],
  ])('blocks before a budget that %s: it never allows', (_, change, text) => {
    const { blocked, evictions } = preview({ pods: [pod()], pdbs: [pdb({ disruptionsAllowed: 0, ...change })] });
    expect(evictions).toEqual([]);
    expect(blocked[0]?.reason).toContain(text);
  });

  it('blocks before a budget whose missing pods crash-loop, and waits while they only start', () => {
    const subject = pod();
    const seen = (waiting?: string) =>
      preview({
        pods: [subject],
        clusterPods: [subject, pod({ node: 'n2' }), pod({ node: 'n3', ready: false, ...(waiting && { waiting }) })],
        pdbs: [pdb({ disruptionsAllowed: 0, currentHealthy: 2 })],
      });
    expect(seen('CrashLoopBackOff').blocked[0]?.reason).toContain('is in CrashLoopBackOff');
    expect(seen('ContainerCreating').blocked).toEqual([]);
    expect(seen().evictions).toHaveLength(1);
  });

  it('does not hold against a budget what crash-loops on the drained node itself and may leave it', () => {
    const ailing = pod({ ready: false, waiting: 'CrashLoopBackOff' });
    const subject = pod();
    const budget = (change: Partial<PdbFacts>) =>
      pdb({ disruptionsAllowed: 0, currentHealthy: 1, desiredHealthy: 1, expectedPods: 2, ...change });
    const seen = (change: Partial<PdbFacts>, where = 'n1') => {
      const sick = { ...ailing, node: where };
      const here = [subject, ...(where === 'n1' ? [sick] : [])];
      return preview({ pods: here, clusterPods: [subject, sick], pdbs: [budget(change)] });
    };
    expect(seen({ unhealthyPodEvictionPolicy: 'AlwaysAllow' }).evictions).toHaveLength(2);
    expect(seen({}).evictions).toHaveLength(2);
    expect(seen({ currentHealthy: 0 }).blocked.map(each => each.pod)).toEqual([subject, { ...ailing, node: 'n1' }]);
    expect(seen({}, 'n2').blocked).toHaveLength(1);
  });

  it('warns of a volume that this node alone has, and of no other', () => {
    const tie = (key: string, values: string[]): VolumeTie => ({
      volume: 'pv-1',
      claim: 'shop/data',
      terms: [{ labels: [{ key, operator: 'In', values }], fields: [] }],
    });
    const subject = pod({ claims: ['data'] });
    const warned = (...ties: VolumeTie[]) => preview({ pods: withVolumes([subject], ties) }).warnings.join();
    expect(warned(tie('kubernetes.io/hostname', ['n1']))).toContain('its volume pv-1 is on this node alone');
    expect(warned(tie('kubernetes.io/hostname', ['n1', 'n2']))).toBe('');
    expect(warned(tie('topology.kubernetes.io/zone', ['a']))).toBe('');
    expect(warned({ ...tie('kubernetes.io/hostname', ['n1']), claim: 'other/data' })).toBe('');
  });

  it('warns of a pod that may take long to end', () => {
    expect(preview({ pods: [pod({ graceSeconds: 1800 })] }).warnings.join()).toContain('may take 30 minutes to end');
    expect(preview({ pods: [pod({ graceSeconds: 300 })] }).warnings.join()).toContain('may take 5 minutes to end');
    expect(preview({ pods: [pod({ graceSeconds: 299 })] }).warnings).toEqual([]);
  });

  it.each([
    ['AlwaysAllow', { unhealthyPodEvictionPolicy: 'AlwaysAllow', currentHealthy: 0 } as const, 1],
    ['a healthy budget', { currentHealthy: 3, desiredHealthy: 3 }, 1],
    ['an unhealthy budget', { currentHealthy: 2, desiredHealthy: 3 }, 0],
  ])('lets an unready pod pass as the API would: %s', (_, change, evicted) => {
    const pdbs = [pdb({ disruptionsAllowed: 0, desiredHealthy: 3, ...change })];
    expect(preview({ pods: [pod({ ready: false })], pdbs }).evictions).toHaveLength(evicted);
  });

  it('warns of what stays behind on the node', () => {
    expect(preview({ pods: [pod({ hostPaths: ['/data'] })] }).warnings.join()).toContain('/data stays on this node');
  });

  it('blocks a pod that two budgets count: its eviction could only fail', () => {
    const pdbs = [pdb(), pdb({ name: 'everything', selector: {} })];
    expect(preview({ pods: [pod()], pdbs }).blocked[0]?.reason).toContain('shop/api, shop/everything');
    expect(preview({ pods: [pod({ ready: false })], pdbs }).blocked).toHaveLength(1);
    expect(preview({ pods: [pod({ phase: 'Pending' })], pdbs }).blocked).toEqual([]);
  });

  it('warns when the only ready replica goes', () => {
    const mine = pod();
    const elsewhere = (change: Partial<PodFacts>) =>
      preview({ pods: [mine], clusterPods: [mine, pod({ node: 'n2', ...change })] });
    expect(elsewhere({}).warnings).toEqual([]);
    expect(elsewhere({ ready: false }).warnings.join()).toContain('only ready replica');
    for (const other of [
      { namespace: 'other' },
      { terminating: true },
      { controller: undefined },
      { controller: { kind: 'StatefulSet', name: 'api' } },
      { controller: { kind: 'ReplicaSet', name: 'web' } },
    ])
      expect(elsewhere(other).warnings, JSON.stringify(other)).toEqual([
        expect.stringContaining('the only ready replica of ReplicaSet api: it is down until it runs elsewhere'),
      ]);
  });

  it.each<[string, Partial<PodFacts>]>([
    ['nothing controls', { controller: undefined }],
    ['is not ready', { ready: false }],
    ['is finished', { phase: 'Succeeded' }],
  ])('says nothing of replicas of a pod that %s', (_, change) => {
    const mine = pod(change);
    const { warnings } = preview({
      pods: [mine],
      clusterPods: [mine, pod({ node: 'n2', ready: false })],
      options: bold,
    });
    expect(warnings.join()).not.toContain('replica');
  });
});

describe('PodDisruptionBudget groups', () => {
  it('are those that count a pod of the node, each once', () => {
    const pods = [
      pod(),
      pod(),
      pod({ node: 'n2', labels: { app: 'db' } }),
      pod({ labels: { app: 'db' }, namespace: 'other' }),
    ];
    const pdbs = [pdb(), pdb({ name: 'db', selector: { matchLabels: { app: 'db' } } })];
    expect(pdbGroupsOfNode('n1', pods, pdbs)).toEqual(['shop/api']);
    expect(pdbGroupsOfNode('n2', pods, pdbs)).toEqual(['shop/db']);
  });

  it('leave finished pods out', () => {
    expect(pdbGroupsOfNode('n1', [pod({ phase: 'Succeeded' })], [pdb()])).toEqual([]);
  });
});

describe('label selectors', () => {
  const labels = { app: 'api', tier: '' };
  const one = (operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist', key: string, values?: string[]) =>
    selects({ matchExpressions: [{ key, operator, ...(values && { values }) }] }, labels);

  it('select everything when empty and nothing when missing', () => {
    expect(selects({}, {})).toBe(true);
    expect(selects(undefined, labels)).toBe(false);
  });

  it('need every requirement', () => {
    expect(selects({ matchLabels: { app: 'api', zone: 'a' } }, labels)).toBe(false);
    expect(
      selects({ matchLabels: { app: 'api' }, matchExpressions: [{ key: 'zone', operator: 'Exists' }] }, labels),
    ).toBe(false);
  });

  it('follow the operators of Kubernetes', () => {
    expect([one('In', 'app', ['api', 'db']), one('In', 'app', ['db']), one('In', 'zone', ['a'])]).toEqual([
      true,
      false,
      false,
    ]);
    expect([one('NotIn', 'app', ['api']), one('NotIn', 'zone', ['a'])]).toEqual([false, true]);
    expect([one('Exists', 'tier'), one('Exists', 'zone'), one('Exists', 'constructor')]).toEqual([true, false, false]);
    expect([one('DoesNotExist', 'tier'), one('DoesNotExist', 'zone')]).toEqual([false, true]);
  });
});
