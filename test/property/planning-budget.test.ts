import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { remainingBudget } from '../../src/planning/budget.ts';

const names = fc.uniqueArray(fc.constantFrom('n1', 'n2', 'n3', 'n4', 'n5', 'n6'));
const limit = fc.integer({ min: 0, max: 10 });

describe('the remaining budget', () => {
  it('is what all distinct nodes that are down or held leave of the limit', () => {
    fc.assert(
      fc.property(limit, names, names, (maxUnavailable, unavailable, inFlight) => {
        const distinct = new Set(unavailable.concat(inFlight)).size;
        expect(remainingBudget({ maxUnavailable, unavailable, inFlight })).toBe(Math.max(0, maxUnavailable - distinct));
      }),
    );
  });

  it('counts a node that is in both lists once', () => {
    expect(remainingBudget({ maxUnavailable: 2, unavailable: ['n1'], inFlight: ['n1'] })).toBe(1);
    expect(remainingBudget({ maxUnavailable: 2, unavailable: ['n1'], inFlight: ['n2'] })).toBe(0);
  });

  it('never grows when one more node goes down', () => {
    fc.assert(
      fc.property(limit, names, names, fc.constantFrom('n1', 'n7'), (maxUnavailable, unavailable, inFlight, more) => {
        const before = remainingBudget({ maxUnavailable, unavailable, inFlight });
        const after = remainingBudget({ maxUnavailable, unavailable: [...unavailable, more], inFlight });
        expect(after).toBeLessThanOrEqual(before);
        expect(after).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('is nothing for a limit that is no count', () => {
    const odd = fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -1, 1.5);
    fc.assert(
      fc.property(odd, maxUnavailable => {
        expect(remainingBudget({ maxUnavailable, unavailable: [], inFlight: [] })).toBe(0);
      }),
    );
  });
});
