/** Whatever a tool answers, Slack takes it, and no text in it acts. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Block } from '../../src/core/document.ts';
import { slackBlocks } from '../../src/surfaces/slack/blocks/render-blocks.ts';
import { blockProblems, charactersOf, mostMessageCharacters } from '../support/slack/block-limits.ts';

const nasty = fc.constantFrom('<!channel>', '<@U1>', '*x*', '```', '\u202e', '\u001b[2J', '\ud800', '&lt;', '\n', ' ');
const text = fc.oneof(
  fc.string({ maxLength: 400 }),
  fc.array(nasty, { maxLength: 8 }).map(parts => parts.join('')),
);
const tone = fc.constantFrom('good', 'warn', 'bad', 'muted', 'plain');
const cell = fc.oneof(text, fc.record({ text, tone }));
const block = fc.oneof(
  fc.record({ heading: text }),
  fc.record({ text: fc.array(text, { maxLength: 30 }).map(all => all.join('\n')), tone }),
  fc.record({ facts: fc.array(fc.tuple(text, cell), { maxLength: 60 }) }),
  fc.record({ list: fc.array(cell, { maxLength: 60 }), title: text }),
  fc.record({ untrusted: fc.array(text, { maxLength: 60 }), source: text }),
  fc.record({
    table: fc.integer({ min: 1, max: 5 }).chain(width => {
      const row = fc.array(cell, { minLength: width, maxLength: width });
      return fc.record({
        columns: fc.array(text, { minLength: width, maxLength: width }),
        rows: fc.array(row, { maxLength: 40 }),
      });
    }),
  }),
) as fc.Arbitrary<Block>;

it('is within the limits of a message, and in kinds of text that Slack parses no markup in', () => {
  fc.assert(
    fc.property(fc.array(block, { maxLength: 60 }), blocks => {
      const shown = slackBlocks(blocks);
      expect(blockProblems(shown, 'message')).toEqual([]);
      expect(charactersOf(shown)).toBeLessThan(mostMessageCharacters);
      const written = JSON.stringify(shown);
      expect(written).not.toContain('mrkdwn');
      expect(written).not.toMatch(/"type":"(?:link|user|channel|usergroup|broadcast)"/);
      expect(written).not.toMatch(/[\p{Cf}\p{Cs}]|\\u00[01]/u);
    }),
    { numRuns: 150 },
  );
});

it('ends with where the rest is when it is too long', () => {
  const long = Array.from({ length: 80 }, (_, index): Block => ({ text: `line ${index}` }));
  const shown = slackBlocks(long);
  expect(shown.length).toBeLessThanOrEqual(40);
  expect(JSON.stringify(shown.at(-1))).toContain('the same command on the CLI shows all of it');
});
