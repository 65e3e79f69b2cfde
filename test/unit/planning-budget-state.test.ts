/** What a PodDisruptionBudget says to an eviction: yes, later, or never; and which pods it is not even asked about. */
import { describe, expect, it } from 'vitest';
import type { PdbFacts, PodFacts } from '../../src/core/cluster-facts.ts';
import { budgetState, describeBudget, isExempt, passesUnready } from '../../src/planning/budget-state.ts';
import { pdbOf, podOf } from '../support/cluster-facts.ts';

/** Three pods, of which two must stay and one is not well. */
const none = (change: Partial<PdbFacts> = {}) => pdbOf({ disruptionsAllowed: 0, currentHealthy: 2, ...change });
const stuck = (change: Partial<PodFacts> = {}) =>
  podOf({ name: 'sick', ready: false, waiting: 'CrashLoopBackOff', ...change });

describe('a budget', () => {
  it('allows while it counts one to spare, and is waited for until it has counted', () => {
    expect(budgetState(pdbOf(), [])).toBe('allows');
    expect(budgetState(none(), [])).toBe('waits');
    expect(budgetState(pdbOf({ observed: false }), [])).toBe('waits');
    expect(budgetState(none({ observed: false, desiredHealthy: 3 }), [])).toBe('waits');
  });

  it('never allows where it wants all that there are, or more', () => {
    expect(['never', 'never', 'waits']).toEqual(
      [4, 3, 2].map(desiredHealthy => budgetState(none({ desiredHealthy }), [])),
    );
  });

  it.each(['CrashLoopBackOff', 'CreateContainerConfigError', 'ErrImagePull', 'ImagePullBackOff', 'InvalidImageName'])(
    'never allows where what it could spare is in %s',
    waiting => {
      expect(budgetState(none(), [stuck({ waiting })])).toBe('never');
    },
  );

  it.each<[string, PodFacts]>([
    ['only starts', stuck({ waiting: 'ContainerCreating' })],
    ['waits for nothing', podOf({ ready: false })],
    ['is ready after all', stuck({ ready: true })],
    ['is none of its own', stuck({ labels: { app: 'db' } })],
    ['is finished', stuck({ phase: 'Failed' })],
  ])('is waited for where a pod %s', (_, pod) => {
    expect(budgetState(none(), [pod])).toBe('waits');
  });

  it('is told in one line: what it asks, whose it is, how it stands and since when', () => {
    const name = 'PodDisruptionBudget shop/api (minAvailable 2';
    expect(describeBudget(pdbOf({ disruptionsAllowed: 2 }))).toBe(`${name}) allows 2 now`);
    expect(describeBudget(pdbOf({ observed: false, owner: 'Helm' }))).toBe(
      `${name}, of Helm) has not been counted yet`,
    );
    const blocked = none({ blockedSince: 'noon' });
    expect(describeBudget(blocked)).toBe(`${name}) allows no disruption since noon: 2 healthy of 3, 2 wanted`);
    expect(describeBudget(none())).toBe(`${name}) allows no disruption: 2 healthy of 3, 2 wanted`);
    expect(describeBudget({ ...blocked, desiredHealthy: 3 })).toBe(
      `${name}) never allows a disruption since noon: it wants all 3 pods healthy`,
    );
    expect(describeBudget(none(), [stuck()])).toBe(
      `${name}) never allows a disruption: 2 of 3 pods must stay healthy, and shop/sick is in CrashLoopBackOff`,
    );
    expect(describeBudget(none({ expectedPods: 0 }))).toContain('it cannot count its pods');
  });
});

describe('an eviction', () => {
  it('asks no budget for what ends already or does not run yet', () => {
    expect([podOf({ terminating: true }), podOf({ phase: 'Pending' }), podOf()].map(isExempt)).toEqual([
      true,
      true,
      false,
    ]);
  });

  it.each<[boolean, Partial<PdbFacts>, boolean]>([
    [true, { unhealthyPodEvictionPolicy: 'AlwaysAllow' }, false],
    [false, { unhealthyPodEvictionPolicy: 'AlwaysAllow', currentHealthy: 0 }, true],
    [false, { currentHealthy: 2 }, true],
    [false, { currentHealthy: 1 }, false],
    [false, { currentHealthy: 0, desiredHealthy: 0 }, false],
    [false, { currentHealthy: 1, desiredHealthy: 1 }, true],
  ])('of a pod that is ready (%s) passes beside a budget of %j: %s', (ready, change, passes) => {
    expect(passesUnready(podOf({ ready }), pdbOf(change))).toBe(passes);
  });
});
