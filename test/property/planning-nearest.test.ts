/** Suggestions against the definition of the distance: the least number of letters to put in, leave out or exchange. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nearest } from '../../src/planning/nearest.ts';

function letters(a: string, b: string): number {
  if (a === '' || b === '') return a.length + b.length;
  const [restA, restB] = [a.slice(1), b.slice(1)];
  if (a[0] === b[0]) return letters(restA, restB);
  return 1 + Math.min(letters(restA, restB), letters(restA, b), letters(a, restB));
}

const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 7 });

describe('names that somebody may have meant', () => {
  it('are those at most two letters away, and no others', () => {
    fc.assert(
      fc.property(word, fc.array(word, { maxLength: 6 }), (name, names) => {
        expect(nearest(name, names)).toEqual(names.filter(each => letters(name, each) <= 2));
      }),
      { numRuns: 500 },
    );
  });

  it('are those of other case, however many letters that changes', () => {
    expect(nearest('PROCVIRTUALIZATION', ['ProcVirtualization', 'ProcTurbo'])).toEqual(['ProcVirtualization']);
  });
});
