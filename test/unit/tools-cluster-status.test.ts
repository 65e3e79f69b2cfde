import { describe, expect, it } from 'vitest';
import { known, unknown } from '../../src/core/bmc.ts';
import type { NodeFacts } from '../../src/core/cluster-facts.ts';
import { badConditions, unusualTaints } from '../../src/health/node-signs.ts';
import { ageText } from '../../tools/parts/age.ts';
import { machineWord } from '../../tools/parts/machine-word.ts';
import type { StatusOutput } from '../../tools/parts/status-output.ts';
import { problemsOf } from '../../tools/parts/status-problems.ts';
import { etcdRow, nodeStatus } from '../../tools/parts/status-rows.ts';
import { eachWithin, within } from '../../tools/parts/within.ts';
import { nodeOf } from '../support/cluster-facts.ts';

const now = '2026-01-01T12:00:00Z';
const ago = (seconds: number) => new Date(Date.parse(now) - seconds * 1000).toISOString();

function row(name: string, leaseSeconds: number | undefined, change: Partial<NodeFacts> = {}) {
  const lease = known(leaseSeconds === undefined ? undefined : ago(leaseSeconds));
  return nodeStatus({ node: nodeOf(name, change), pods: [], cordon: undefined, lease, now });
}

const none = { requested: 0, allocatable: 0 };

function problems(change: Partial<StatusOutput>): string[] {
  return problemsOf({
    cluster: 'c',
    site: 's',
    asOf: now,
    version: 'v1.34.2',
    nodes: [],
    missing: [],
    unlisted: [],
    requested: { cpu: none, memory: none, ephemeralStorage: none, pods: none },
    disruption: { maxUnavailable: 1, unavailable: [], moreMayGoDown: 1 },
    budgets: [],
    pending: [],
    daemonSets: [],
    etcd: etcd([true, true, true]),
    remediators: [],
    storage: [],
    ...change,
  }).map(({ level, text }) => `${level}: ${text}`);
}

function etcd(healthy: (boolean | undefined)[]) {
  return etcdRow({
    evidence: 'endpoints',
    members: healthy.map((state, index) => ({
      node: `cp-${index}`,
      healthy: state === undefined ? unknown('no answer') : known(state),
      leader: unknown('not told'),
    })),
    withoutMember: [],
    outsideControlPlane: [],
    unlisted: [],
  });
}

describe('leases', () => {
  it('that have run out betray a silent kubelet while Kubernetes still says Ready', () => {
    expect(problems({ nodes: [row('n1', 5), row('n2', 300)] })).toEqual([
      'critical: n2 is Ready, but its lease is 5m old: its kubelet is silent',
    ]);
    expect(problems({ nodes: [row('n1', 5), row('n2', undefined)] })).toEqual([
      'critical: n2 is Ready, but its lease is missing: its kubelet is silent',
    ]);
  });

  it('that are all old are rather a clock, and said once', () => {
    expect(problems({ nodes: [row('n1', 300), row('n2', 300)] })).toEqual([
      expect.stringContaining('the clocks here and there differ'),
    ]);
  });

  it('of a node that is not Ready are no news, and one that cannot be read is not called stale', () => {
    expect(problems({ nodes: [row('n1', 5), row('n2', 300, { ready: false })] })).toEqual([
      'critical: n2 is not Ready',
    ]);
    const unread = nodeStatus({ node: nodeOf('n1'), pods: [], cordon: undefined, lease: unknown('403'), now });
    expect(unread).toMatchObject({ leaseStale: false, leaseAgeSeconds: 'unknown (403)' });
  });
});

describe('etcd', () => {
  it.each([
    [[true, true, true], []],
    [[true, true, false], ['critical: etcd: 2 of 3 members are known to be healthy, 2 are needed: none may fail']],
    [[true, true, undefined], ['critical: etcd: 2 of 3 members are known to be healthy, 2 are needed: none may fail']],
    [[true, false, false], ['critical: etcd: 1 of 3 members are known to be healthy, 2 are needed']],
    [[true, true, true, true, false], ['warning: etcd: 4 of 5 members are known to be healthy, 3 are needed']],
    [[true], []],
    [[], ['warning: no etcd member can be found']],
  ])('with members %j', (members, expected) => {
    expect(problems({ etcd: etcd(members) })).toEqual(expected);
  });

  it('that cannot be read is said', () => {
    expect(problems({ etcd: 'unknown (403)' })).toEqual(['warning: etcd: unknown (403)']);
  });
});

describe('conditions and taints', () => {
  const condition = (type: string, status: 'True' | 'False' | 'Unknown') => ({ type, status });

  it('are bad by what they mean', () => {
    const conditions = [
      condition('Ready', 'Unknown'),
      condition('DiskPressure', 'True'),
      condition('MemoryPressure', 'Unknown'),
      condition('PIDPressure', 'False'),
      condition('NetworkUnavailable', 'False'),
      condition('EtcdIsVoter', 'True'),
      condition('GpuHealthy', 'False'),
      condition('groundskeeper.io/Maintenance', 'True'),
    ];
    expect(badConditions({ conditions }).map(({ type }) => type)).toEqual([
      'Ready',
      'DiskPressure',
      'MemoryPressure',
      'GpuHealthy',
    ]);
  });

  it('are out of the ordinary where not every cordoned or control-plane node has them', () => {
    const taints = ['node-role.kubernetes.io/control-plane', 'node.kubernetes.io/unschedulable', 'gpu'].map(key => ({
      key,
      effect: 'NoSchedule',
    }));
    expect(unusualTaints({ taints }).map(({ key }) => key)).toEqual(['gpu']);
  });
});

describe('facts within a limit', () => {
  it('become unknown, with the reason, when they hang or fail, and hold nothing else', async () => {
    const hangs = () => new Promise<string>(() => undefined);
    expect(await within(hangs, 5)).toEqual(unknown('no answer within 0.005 s'));
    expect(await within(() => Promise.reject(new Error('refused')))).toEqual(unknown('refused'));
    expect(await within(async () => 'told')).toEqual(known('told'));
  });

  it('of many are all answered for', async () => {
    const names = Array.from({ length: 25 }, (_, index) => `n${index}`);
    const read = (name: string) => (name === 'n3' ? new Promise<string>(() => undefined) : Promise.resolve(name));
    const facts = await eachWithin(names, read, 50);
    expect([...facts.keys()].sort()).toEqual(names.toSorted());
    expect(facts.get('n3')).toEqual(unknown(expect.stringContaining('no answer within')));
    expect(facts.get('n24')).toEqual(known('n24'));
  });
});

describe('words', () => {
  it.each([
    [5, '5s'],
    [119, '119s'],
    [150, '2m30s'],
    [3600, '60m'],
    [9000, '2h30m'],
    [200_000, '2d7h'],
    [-5, '0s'],
  ])('of an age of %d s', (seconds, text) => {
    expect(ageText(ago(seconds), now)).toBe(text);
  });

  it('of machines stand among ours only one at a time', () => {
    expect(machineWord('CrashLoopBackOff')).toBe('CrashLoopBackOff');
    expect(machineWord('v1.34.2+k3s1')).toBe('v1.34.2+k3s1');
    for (const text of ['all well, approved', '', 'a\nb', '\u001b[2J', 'x'.repeat(100)])
      expect(machineWord(text)).toBe('(unreadable)');
  });
});
