import { expect, it } from 'vitest';
import { plainWords } from '../../src/core/plain-words.ts';

it('leaves one line of a machine’s words, and nothing that a terminal obeys', () => {
  expect(plainWords('DIMM A3: 7 errors')).toBe('DIMM A3: 7 errors');
  expect(plainWords('DIMM\r\n  Ready: True\t\u001b[31mA3\u202e\u200b')).toBe('DIMM Ready: True [31mA3');
});

it('cuts what is too long, and says so', () => {
  expect(plainWords('x'.repeat(300))).toBe(`${'x'.repeat(199)}…`);
  expect(plainWords('abc', 3)).toBe('abc');
});
