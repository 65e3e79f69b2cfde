import { describe, expect, it } from 'vitest';
import type { PodFacts } from '../../src/core/cluster-facts.ts';
import { type SimulationRequest, simulateDrainOf } from '../../src/planning/drain-simulation.ts';
import { nodeOf, pdbOf, podOf } from '../support/cluster-facts.ts';

const careful = { deleteEmptyDir: false, force: false, byPriority: false };
const nodes = [nodeOf('n1'), nodeOf('n2'), nodeOf('n3')];

function simulate(change: Partial<SimulationRequest['facts']>, request: Partial<SimulationRequest> = {}) {
  const facts = {
    nodes,
    pods: [],
    pdbs: [],
    daemonSets: [{ namespace: 'shop', name: 'agent', desired: 1, ready: 1 }],
    ...change,
  };
  return simulateDrainOf({ nodes: ['n1'], facts, options: careful, ...request });
}

const three = (change: Partial<PodFacts> = {}) => Array.from({ length: 3 }, () => podOf(change));

describe('a simulated drain', () => {
  it('finishes where every pod may go, and says where to', () => {
    const { verdict, pods, turns, longestGraceSeconds } = simulate({
      pods: [podOf({ graceSeconds: 5 }), podOf({ graceSeconds: 90 }), podOf({ node: 'n2' })],
    });
    expect({ verdict, turns, longestGraceSeconds }).toEqual({ verdict: 'finishes', turns: 1, longestGraceSeconds: 90 });
    expect(pods.map(({ goes, placement, onlyReplica }) => [goes, placement?.node, onlyReplica])).toEqual([
      ['now', 'n3', false],
      ['now', 'n2', false],
    ]);
  });

  it('lets as many go at once as the budget allows, and the others in turn', () => {
    const budget = pdbOf({ disruptionsAllowed: 2, currentHealthy: 3, desiredHealthy: 1, expectedPods: 3 });
    const { verdict, turns, pods } = simulate({ pods: three(), pdbs: [budget] });
    expect({ verdict, turns }).toEqual({ verdict: 'finishes', turns: 2 });
    expect(pods.map(({ goes }) => goes)).toEqual(['in-turn', 'now', 'now']);
    expect(pods[0]?.budgets).toEqual([{ name: 'shop/api', says: expect.stringContaining('allows 2 now') }]);
  });

  it('never ends where what has left fits nowhere and the budget is used up by it', () => {
    const huge = { cpu: 9000, memory: 1, ephemeralStorage: 0, pods: 1 };
    const pods = [podOf({ requests: huge }), podOf({ requests: huge }), podOf({ node: 'n2' })];
    const budget = pdbOf({ disruptionsAllowed: 1 });
    const simulation = simulate({ pods, pdbs: [budget] });
    expect(simulation.verdict).toBe('stalls');
    expect(simulation.pods.map(({ goes }) => goes)).toEqual(['stuck', 'now']);
    expect(simulation.pods[0]?.placement).toMatchObject({ refusals: [{ nodes: 2, reason: 'insufficient cpu' }] });
    const two = [podOf({ requests: huge }), podOf(), podOf(), podOf({ node: 'n2' })];
    const allowing = (disruptionsAllowed: number) => simulate({ pods: two, pdbs: [pdbOf({ disruptionsAllowed })] });
    expect([allowing(1), allowing(2)].map(each => each.verdict)).toEqual(['stalls', 'finishes']);
    // With more leave than homeless pods the others get their turn.
    expect(simulate({ pods: [...pods, podOf()], pdbs: [pdbOf({ disruptionsAllowed: 3 })] }).verdict).toBe('finishes');
  });

  it('waits for a budget that allows nothing now, and does not begin against one that never does', () => {
    const none = { disruptionsAllowed: 0, currentHealthy: 2, blockedSince: '2026-01-01T00:00:00Z' };
    const waiting = simulate({ pods: [podOf()], pdbs: [pdbOf(none)] });
    expect(waiting.verdict).toBe('waits');
    expect(waiting.pods[0]?.budgets[0]?.says).toContain('since 2026-01-01T00:00:00Z');
    const never = simulate({ pods: [podOf()], pdbs: [pdbOf({ ...none, desiredHealthy: 3 })] });
    expect(never.verdict).toBe('blocked');
    expect(never.pods[0]).toMatchObject({ goes: 'blocked', reason: expect.stringContaining('never allows') });
  });

  it('asks no budget for pods that are not ready or finished where Kubernetes asks none', () => {
    const budget = pdbOf({ disruptionsAllowed: 0, currentHealthy: 2, unhealthyPodEvictionPolicy: 'AlwaysAllow' });
    const pods = [podOf({ ready: false }), podOf({ phase: 'Succeeded' }), podOf({ phase: 'Pending', ready: false })];
    const { verdict, pods: seen } = simulate({ pods, pdbs: [budget] });
    expect(verdict).toBe('finishes');
    expect(seen.map(({ goes, budgets }) => [goes, budgets])).toEqual(Array(3).fill(['now', []]));
    expect(seen.map(({ reason }) => reason)).toEqual(['', 'finished', '']);
  });

  it('tells what stays, what ends already and what blocks, and blocks first', () => {
    const { verdict, pods } = simulate({
      pods: [
        podOf({ name: 'agent', controller: { kind: 'DaemonSet', name: 'agent' } }),
        podOf({ name: 'ending', terminating: true }),
        podOf({ name: 'etcd', mirror: true, controller: undefined }),
        podOf({ name: 'scratch', emptyDirs: ['tmp'] }),
        podOf({ name: 'bare', controller: undefined }),
      ],
    });
    expect(verdict).toBe('blocked');
    expect(pods.map(({ pod, goes }) => `${pod.name} ${goes}`)).toEqual([
      'scratch blocked',
      'bare blocked',
      'ending leaving',
      'agent stays',
      'etcd stays',
    ]);
  });

  it('counts replicas and room on the nodes that stay alone', () => {
    const pods = [podOf(), podOf({ node: 'n2' })];
    const one = simulate({ pods });
    expect(one.pods.map(({ onlyReplica }) => onlyReplica)).toEqual([false]);
    const both = simulate({ pods }, { nodes: ['n1', 'n2'] });
    expect(both.pods.map(({ onlyReplica, placement }) => [onlyReplica, placement?.node])).toEqual([
      [true, 'n3'],
      [true, 'n3'],
    ]);
  });
});
