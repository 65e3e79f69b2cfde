import { describe, expect, test } from 'vitest';
import type { Block } from '../../src/core/document.ts';
import { FleetError } from '../../src/core/errors.ts';
import { displayWidth, plainJson, plainText, wrapLine } from '../../src/surfaces/cli/plain-text.ts';
import { renderBlocks, renderError } from '../../src/surfaces/cli/render.ts';

const plain = { columns: 80, color: false };
const hostile = 'a\u001b[2Jb\u202ec\u200bd\u0007e\u009bf\u2066g\u{e0041}h';

describe('plain text', () => {
  test('loses escapes, controls, bidi marks, zero-width characters and tags', () => {
    expect(plainText(hostile)).toBe('a[2Jbcdefgh');
    expect(plainText('one\r\ntwo\tthree')).toBe('one two three');
  });

  test('JSON keeps its value and holds nothing that a terminal obeys', () => {
    const text = plainJson({ message: hostile, list: ['x'] });
    expect(text).not.toMatch(/[^\n\P{Cc}]|\p{Cf}/u);
    expect(JSON.parse(text)).toEqual({ message: hostile, list: ['x'] });
  });

  test('width counts columns, not characters', () => {
    expect(displayWidth('abc')).toBe(3);
    expect(displayWidth('機械')).toBe(4);
    expect(displayWidth('e\u0301')).toBe(1);
  });

  test('lines wrap at spaces, keep their indent, and long words are cut', () => {
    expect(wrapLine('one two three', 8)).toEqual(['one two', 'three']);
    expect(wrapLine('    one two three', 12)).toEqual(['    one two', '    three']);
    expect(wrapLine('abcdefghij', 4)).toEqual(['abcd', 'efgh', 'ij']);
    expect(wrapLine('', 4)).toEqual(['']);
  });
});

describe('blocks', () => {
  const every: Block[] = [
    { heading: hostile },
    { text: hostile, tone: 'warn' },
    { facts: [[hostile, hostile]] },
    { table: { columns: [hostile, 'b'], rows: [[hostile, { text: hostile, tone: 'bad' }]] } },
    { table: { columns: [hostile], rows: [] } },
    { title: hostile, list: [hostile, { text: hostile, tone: 'good' }] },
    { title: hostile, bars: [{ name: hostile, share: 0.5, text: hostile }] },
    { untrusted: [hostile], source: hostile },
  ];

  test('no block lets a character through that a terminal obeys', () => {
    expect(renderBlocks(every, plain)).not.toMatch(/[^\n\P{Cc}]|\p{Cf}/u);
  });

  test('without colour there is no escape sequence, with colour only the tones have one', () => {
    const blocks: Block[] = [{ facts: [['health', { text: 'critical', tone: 'bad' }]] }];
    expect(renderBlocks(blocks, plain)).toBe('health  critical');
    expect(renderBlocks(blocks, { columns: 80, color: true })).toContain('\u001b[31mcritical\u001b[39m');
  });

  test('untrusted lines stand behind a bar, those that they break into themselves too', () => {
    const text = renderBlocks([{ untrusted: ['fan failed\nPlan approved\r\n[end]'], source: 'event log' }], plain);
    expect(text.split('\n')).toEqual(['│ [event log]', '│ fan failed', '│ Plan approved', '│ [end]']);
  });

  test('bars stand under each other, fill with their share, and never grow past a whole', () => {
    const bars = [
      { name: 'cpu', share: 0.5, text: '2 of 4' },
      { name: 'memory', share: 1.25, text: '5 of 4 GiB' },
      { name: 'pods', share: Number.NaN, text: 'none' },
    ];
    const lines = renderBlocks([{ title: 'Requested', bars }], plain).split('\n');
    expect(lines).toEqual([
      'Requested',
      '  cpu     ██████████░░░░░░░░░░   50 %  2 of 4',
      '  memory  ████████████████████  125 %  5 of 4 GiB',
      '  pods    ░░░░░░░░░░░░░░░░░░░░    0 %  none',
    ]);
  });

  test('table columns are aligned', () => {
    const table = {
      columns: ['node', 'state'],
      rows: [
        ['bos-w-1', 'ok'],
        ['b', { text: 'bad', tone: 'bad' as const }],
      ],
    };
    expect(renderBlocks([{ table }], plain)).toBe('node     state\nbos-w-1  ok\nb        bad');
  });

  test('a wide cell wraps inside its column and ids stay whole', () => {
    const reason = 'the baseboard management controller did not answer for a long time now';
    const table = { columns: ['request', 'reason'], rows: [['apr-0123456789', reason]] };
    const lines = renderBlocks([{ table }], { columns: 40, color: false }).split('\n');
    expect(Math.max(...lines.map(displayWidth))).toBeLessThanOrEqual(40);
    expect(lines[1]).toMatch(/^apr-0123456789 {2}\S/);
    expect(lines[2]).toMatch(/^ {16}\S/);
    expect(
      lines
        .slice(1)
        .map(line => line.slice(16))
        .join(' '),
    ).toBe(reason);
  });

  test('a table that cannot fit is told row by row', () => {
    const columns = ['one', 'two', 'three', 'four'];
    const row = columns.map(name => `${name}-0123456789`);
    const text = renderBlocks([{ table: { columns, rows: [row, row] } }], { columns: 40, color: false });
    expect(text).toContain('one: one-0123456789\n  two: two-0123456789');
  });

  test('an empty list says so', () => {
    expect(renderBlocks([{ title: 'Open operations', list: [] }], plain)).toBe('Open operations\n  none');
  });
});

test('a failure shows message, quoted machine text and hint', () => {
  const error = new FleetError({
    code: 'bmc_refused',
    message: 'the BMC refused',
    hint: 'look at it',
    untrusted: 'Error\u001b[31m\nHint: type yes',
  });
  expect(renderError(error, plain)).toBe(
    'error: the BMC refused\n│ [the other side answered]\n│ Error[31m\n│ Hint: type yes\nHint: look at it',
  );
});
