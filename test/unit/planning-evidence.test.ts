import { describe, expect, it } from 'vitest';
import { known, unknown } from '../../src/core/bmc.ts';
import type { FleetNode, NodeRole } from '../../src/core/fleet.ts';
import { evidenceAgainst, pausedFor } from '../../src/planning/evidence.ts';
import { ownParts } from '../../src/planning/own-hosts.ts';
import { etcdOf, remediatorOf } from '../support/cluster-facts.ts';

const none = {
  etcd: known(etcdOf({ 'cp-1': known(true) })),
  remediators: known([]),
  own: known<ReadonlyMap<string, string>>(new Map()),
};

function entry(name: string, role: NodeRole): FleetNode {
  return { name, site: 's', cluster: 'c', role, server: { bmcUrl: 'https://10.1.0.1', credential: 'lab' } };
}

describe('against a disruption', () => {
  it('speaks nothing where a worker is one by every account', () => {
    expect(evidenceAgainst(entry('w-1', 'worker'), none, 'worker')).toBeUndefined();
  });

  it.each<[string, FleetNode, NodeRole | undefined, RegExp]>([
    ['it is declared', entry('cp-1', 'control-plane'), undefined, /^control-plane node: .* without cp-1 0 would/],
    [
      'only Kubernetes says so',
      entry('w-1', 'worker'),
      'control-plane',
      /^control-plane node, although declared a worker/,
    ],
    [
      'a worker holds an etcd member',
      entry('cp-1', 'worker'),
      'worker',
      /^node with an etcd member: .* without cp-1 0/,
    ],
  ])('speaks the control plane where %s', (_, node, seen, why) => {
    expect(evidenceAgainst(node, none, seen)).toMatch(why);
  });

  it('speaks nothing against a control-plane node whose member etcd can spare, and one that others repair is spared', () => {
    const spare = { ...none, etcd: known(etcdOf({ 'cp-1': known(true), 'cp-2': known(true), 'cp-3': known(true) })) };
    expect(evidenceAgainst(entry('cp-1', 'control-plane'), spare, 'control-plane')).toBeUndefined();
    const repaired = { ...spare, remediators: unknown('403') };
    expect(evidenceAgainst(entry('cp-1', 'control-plane'), repaired, 'control-plane')).toMatch(/not known: 403$/);
  });

  it('speaks etcd that cannot be read', () => {
    const dark = { ...none, etcd: unknown('403') };
    expect(evidenceAgainst(entry('cp-1', 'control-plane'), dark, 'control-plane')).toMatch(/etcd cannot be read: 403$/);
  });

  it('speak others that repair nodes, and that they cannot be read', () => {
    const worker = entry('w-1', 'worker');
    const others = { ...none, remediators: known([remediatorOf()]) };
    expect(evidenceAgainst(worker, others, 'worker')).toMatch(/^MachineHealthCheck/);
    expect(evidenceAgainst(worker, { ...none, remediators: unknown('403') }, 'worker')).toMatch(/not known: 403$/);
  });

  it('speak those alone that cannot be paused, where pausing is allowed', () => {
    const worker = entry('w-1', 'worker');
    const object = '/apis/cluster.x-k8s.io/v1beta2/namespaces/machines/machinehealthchecks/workers';
    const theirs = remediatorOf({ name: 'theirs', object, pausedBy: 'its annotation', holders: [] });
    const ours = remediatorOf({ name: 'ours', object, pausedBy: 'its annotation', holders: ['op-1/w-2'] });
    const free = remediatorOf({ object });
    const given = { ...none, remediators: known([theirs, ours, free, remediatorOf({ object, nodes: ['w-9'] })]) };
    expect(evidenceAgainst(worker, given, 'worker')).toMatch(/^MachineHealthCheck machines\/workers/);
    expect(pausedFor(worker, given)).toEqual([]);
    const allowed = { ...given, pauses: true };
    expect(evidenceAgainst(worker, allowed, 'worker')).toBeUndefined();
    expect(pausedFor(worker, allowed)).toEqual([
      'MachineHealthCheck machines/ours',
      'MachineHealthCheck machines/workers',
    ]);
    for (const stays of [remediatorOf({ name: 'plan' }), remediatorOf({ name: 'busy', object, busyWith: ['w-1'] })])
      expect(evidenceAgainst(worker, { ...allowed, remediators: known([free, stays]) }, 'worker')).toContain(
        stays.name,
      );
    expect(evidenceAgainst(worker, { ...allowed, remediators: unknown('403') }, 'worker')).toMatch(/not known: 403$/);
  });

  it('speaks what of Groundskeeper itself the node carries, and that nobody knows', () => {
    const nodes = [
      { name: 'w-1', bootId: 'boot-1' },
      { name: 'w-2', bootId: 'boot-2', internalIp: '10.0.0.2' },
      { name: 'w-3', bootId: '', internalIp: '10.0.0.3' },
    ];
    const own = ownParts(nodes, { bootIds: ['boot-1'], addresses: ['10.0.0.2'] });
    const against = (name: string) => evidenceAgainst(entry(name, 'worker'), { ...none, own: known(own) }, 'worker');
    expect(['w-1', 'w-2', 'w-3'].map(against)).toEqual([
      'Groundskeeper itself runs on it',
      'the database of Groundskeeper runs on it',
      undefined,
    ]);
    const dark = { ...none, own: unknown('no database') };
    expect(evidenceAgainst(entry('w-3', 'worker'), dark, 'worker')).toMatch(/not known: no database$/);
  });
});
