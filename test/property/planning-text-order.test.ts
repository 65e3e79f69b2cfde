import fc from 'fast-check';
import { expect, it } from 'vitest';
import { byText } from '../../src/planning/text-order.ts';

it('texts are ordered by their code units, and each text is equal to itself alone', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'B', 'ä', '1', '\u{1f600}'), maxLength: 3 });
  fc.assert(
    fc.property(text, text, (a, b) => {
      const [first] = [a, b].sort();
      expect(byText(a, b)).toBe(a === b ? 0 : first === a ? -1 : 1);
    }),
  );
});
