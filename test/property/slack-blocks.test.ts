/** Whatever a tool answers, Slack takes it, and no text in it acts. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Block } from '../../src/core/document.ts';
import { plainText } from '../../src/surfaces/cli/plain-text.ts';
import { pagesOf } from '../../src/surfaces/slack/blocks/pages.ts';
import { slackBlocks } from '../../src/surfaces/slack/blocks/render-blocks.ts';
import { blockProblems, charactersOf, mostMessageCharacters, viewProblems } from '../support/slack/block-limits.ts';

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

/** All that people read of it, without what stands between words. */
function read(value: unknown): string {
  if (Array.isArray(value)) return value.map(read).join('');
  if (typeof value !== 'object' || value === null) return '';
  return Object.entries(value)
    .map(([key, each]) => (key === 'text' && typeof each === 'string' ? each.replace(/\s/g, '') : read(each)))
    .join('');
}

/** Texts of the blocks that plans are shown with. */
function textsOf(block: Block): string[] {
  const cells = (all: (string | { text: string })[]) => all.map(each => (typeof each === 'string' ? each : each.text));
  if ('heading' in block) return [block.heading];
  if ('facts' in block) return cells(block.facts.flat());
  if ('list' in block) return cells([...block.list, block.title ?? '']);
  if ('table' in block) return cells(block.table.rows.flat());
  return [];
}

it('stands on pages whole, and each page is a view that Slack takes', () => {
  const long = fc.array(fc.string({ minLength: 300, maxLength: 400 }), { maxLength: 10 }).map(all => all.join(' '));
  const listed = fc.record({ list: fc.array(fc.oneof(cell, long), { maxLength: 60 }), title: text });
  fc.assert(
    fc.property(fc.array(fc.oneof(block, listed as fc.Arbitrary<Block>), { maxLength: 40 }), blocks => {
      const pages = pagesOf(blocks);
      for (const page of pages)
        expect(viewProblems({ type: 'modal', title: { type: 'plain_text', text: 'Plan' }, blocks: page })).toEqual([]);
      expect(JSON.stringify(pages)).not.toMatch(/mrkdwn|[\p{Cf}\p{Cs}]|\\u00[01]/u);
      const shown = read(pages);
      for (const each of blocks.flatMap(textsOf)) expect(shown).toContain(plainText(each).replace(/\s/g, ''));
    }),
    { numRuns: 100 },
  );
});
