import { describe, expect, it } from 'vitest';
import { failureOf } from '../../src/planning/node-failure.ts';
import { nodeOf, pdbOf, podOf } from '../support/cluster-facts.ts';

const nodes = [nodeOf('n1'), nodeOf('n2')];

function failure(pods: Parameters<typeof podOf>[0][], pdbs = [] as ReturnType<typeof pdbOf>[]) {
  return failureOf('n1', { nodes, pods: pods.map(podOf), pdbs, daemonSets: [] });
}

describe('the failure of a node', () => {
  it('hits hardest what nothing starts again, then what has no replica, and ends with what belongs to the node', () => {
    const hit = failure([
      { controller: { kind: 'DaemonSet', name: 'agent' } },
      { name: 'etcd', mirror: true, controller: undefined },
      { controller: { kind: 'ReplicaSet', name: 'api' } },
      { controller: { kind: 'ReplicaSet', name: 'api' }, node: 'n2' },
      { controller: { kind: 'ReplicaSet', name: 'lonely' } },
      { controller: { kind: 'ReplicaSet', name: 'lonely' }, node: 'n2', ready: false },
      { name: 'bare', controller: undefined },
      { name: 'done', controller: undefined, phase: 'Succeeded' },
    ]);
    expect(hit.map(({ name, impact, readyElsewhere }) => [name, impact, readyElsewhere])).toEqual([
      ['pod shop/bare', 'lost', 0],
      ['ReplicaSet shop/lonely', 'down', 0],
      ['ReplicaSet shop/api', 'degraded', 1],
      ['DaemonSet shop/agent', 'local', 0],
      ['static pod shop/etcd', 'local', 0],
    ]);
  });

  it('leaves a StatefulSet waiting, its volumes attached, and pods that fit nowhere Pending', () => {
    const [hit] = failure([
      {
        controller: { kind: 'StatefulSet', name: 'db' },
        claims: ['data'],
        requests: { cpu: 9000, memory: 0, ephemeralStorage: 0, pods: 1 },
      },
    ]);
    expect(hit?.consequences).toEqual([
      'no pod replaces these until the node is back, deleted or marked out of service',
      'their volumes stay attached for some minutes',
      'one of them fits nowhere else: 1 node: insufficient cpu',
    ]);
  });

  it('breaks a budget that wants more healthy pods than are left', () => {
    const pods = [{}, {}, { node: 'n2' }];
    const told = (desiredHealthy: number) =>
      failure(pods, [pdbOf({ currentHealthy: 3, desiredHealthy, disruptionsAllowed: 3 - desiredHealthy })])[0];
    expect(told(2)?.consequences).toEqual(['PodDisruptionBudget shop/api is broken: 1 healthy of 2 wanted']);
    expect(told(1)?.consequences).toEqual([]);
    const counted = (change: Parameters<typeof podOf>[0]) =>
      failure([{}, change, { node: 'n2' }], [pdbOf({ currentHealthy: 2, desiredHealthy: 1 })])[0]?.consequences;
    expect(counted({ ready: false }), 'what is not ready is not lost').toEqual([]);
    expect(counted({ labels: { app: 'web' } }), 'nor is what it does not count').toEqual([]);
    expect(counted({})).toHaveLength(1);
    expect(told(1)?.budgets).toEqual([{ name: 'shop/api', says: expect.stringContaining('allows 2 now') }]);
  });
});
