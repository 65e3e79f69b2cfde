/** What each kind of plan promises to do, in order: the effects come after what may refuse them. */
import { describe, expect, it } from 'vitest';
import type { PlanKind } from '../../src/core/plan.ts';
import type { PlannedChange } from '../../src/core/planned-change.ts';
import { recoverySteps, rolloutSteps, stepsOf, undrainedSteps } from '../../src/planning/plan-steps.ts';

const names = (steps: { name: string }[]) => steps.map(({ name }) => name).join(', ');

describe('the steps of a plan', () => {
  it('prove the machine first, whatever is done', () => {
    for (const steps of Object.values(stepsOf)) expect(steps[0]).toBe(stepsOf.drain[0]);
  });

  it.each<[PlanKind, string]>([
    ['restart', 'identity, nothing staged, remediators, cordon, silent, reset, rejoin, uncordon'],
    ['power-off', 'identity, nothing staged, remediators, cordon, silent, off'],
  ])('of a %s that is not drained prove in its place that the node is silent', (kind, steps) => {
    expect(names(undrainedSteps(kind))).toBe(steps);
    expect(names(stepsOf[kind])).toBe(steps.replace('silent', 'budgets, drain'));
  });

  it('of a restart of the BMC that is to free a task look for the task before they act', () => {
    expect(names(recoverySteps())).toBe('identity, stuck, change, prove');
  });

  it('settle from the first effect on that cannot be stopped, and then to the end', () => {
    for (const [kind, steps] of Object.entries(stepsOf)) {
      const first = steps.findIndex(({ settling }) => settling);
      if (first >= 0) expect([kind, steps.slice(first).every(({ settling }) => settling)]).toEqual([kind, true]);
    }
  });

  it('of a rollout hold one more change only where a node has more than one', () => {
    const change: PlannedChange = { kind: 'bios-settings', settings: [], activation: 'next-start' };
    const last = 'set, staged, reset, verify, rejoin, uncordon, soak';
    expect(names(rolloutSteps([{ changes: [change] }, {}]))).toMatch(new RegExp(`drain, ${last}$`));
    expect(names(rolloutSteps([{ changes: [change] }, { changes: [change, change] }]))).toMatch(
      /rejoin, next change, uncordon, soak$/,
    );
  });
});
