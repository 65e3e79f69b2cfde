/**
 * Answers and failures as terminal text. Every string is made harmless on the
 * way, and what a machine or a stranger wrote stands behind a bar with its
 * source, so that it cannot pass for words of ours.
 */
import pc from 'picocolors';
import type { Block, Cell, Tone } from '../../core/document.ts';
import type { FleetError } from '../../core/errors.ts';
import { barLines } from './bars.ts';
import { displayWidth, plainLines, plainText, wrapLine } from './plain-text.ts';
import { plotLines } from './plot.ts';
import { type Paint, type TableCell, tableLines } from './table.ts';

export type RenderStyle = { columns: number; color: boolean };

const bar = '│ ';

/** The blocks, one empty line apart, without a final line break. */
export function renderBlocks(blocks: Block[], style: RenderStyle): string {
  const paint = painter(style.color);
  return blocks.map(block => blockLines(block, style, paint).join('\n')).join('\n\n');
}

/** Message, quoted machine text and hint of a failure, without a final line break. */
export function renderError(error: FleetError, style: RenderStyle): string {
  const paint = painter(style.color);
  const message = wrapped(`${error.message}`, style.columns).map((line, index) =>
    index === 0 ? `${paint('error:', 'bad')} ${line}` : line,
  );
  const untrusted = error.untrusted ? quoted([error.untrusted], 'the other side answered', { ...style, paint }) : [];
  const hint = error.hint ? wrapped(`Hint: ${error.hint}`, style.columns) : [];
  return [...message, ...untrusted, ...hint].join('\n');
}

/** Colours by tone, or none. */
export function painter(color: boolean): Paint {
  const colors = pc.createColors(color);
  const tones: Record<Tone, (text: string) => string> = {
    good: colors.green,
    warn: colors.yellow,
    bad: colors.red,
    muted: colors.dim,
    plain: text => text,
  };
  return (text, tone) => tones[tone](text);
}

function blockLines(block: Block, style: RenderStyle, paint: Paint): string[] {
  const { columns } = style;
  if ('heading' in block) {
    const colors = pc.createColors(style.color);
    return wrapped(block.heading, columns).map(line => colors.bold(line));
  }
  if ('text' in block) return wrapped(block.text, columns).map(line => paint(line, block.tone ?? 'plain'));
  if ('facts' in block) return factLines(block.facts, columns, paint);
  if ('table' in block) {
    const { table } = block;
    if (table.rows.length === 0)
      return [paint(`(no rows: ${table.columns.map(plainText).filter(Boolean).join(', ')})`, 'muted')];
    const plain = { columns: table.columns.map(plainText), rows: table.rows.map(row => row.map(cellOf)) };
    return tableLines(plain, columns, paint);
  }
  if ('list' in block) {
    const items = block.list.map(cellOf).flatMap(({ text, tone }) => {
      const lines = wrapLine(text, Math.max(20, columns - 4));
      return lines.map((line, index) => `${index === 0 ? '  - ' : '    '}${paint(line, tone)}`);
    });
    const none = items.length === 0 ? [paint('  none', 'muted')] : [];
    return [...(block.title ? [plainText(block.title)] : []), ...items, ...none];
  }
  if ('bars' in block)
    return [...(block.title ? [plainText(block.title)] : []), ...barLines(block.bars, columns, paint)];
  if ('plot' in block)
    return [...(block.title ? [plainText(block.title)] : []), ...plotLines(block.plot, columns, paint)];
  return quoted(block.untrusted, block.source, { ...style, paint });
}

function factLines(facts: [string, Cell][], columns: number, paint: Paint): string[] {
  const names = facts.map(([name]) => plainText(name));
  const width = Math.max(0, ...names.map(displayWidth));
  return facts.flatMap(([, value], index) => {
    const name = names[index] ?? '';
    const { text, tone } = cellOf(value);
    const label = paint(name, 'muted') + ' '.repeat(width - displayWidth(name) + 2);
    const lines = wrapLine(text, Math.max(20, columns - width - 2));
    return lines.map((line, row) => `${row === 0 ? label : ' '.repeat(width + 2)}${paint(line, tone)}`.trimEnd());
  });
}

function quoted(texts: string[], source: string, { columns, paint }: RenderStyle & { paint: Paint }): string[] {
  const lines = texts.flatMap(plainLines).flatMap(line => wrapLine(line, Math.max(20, columns - bar.length)));
  const from = paint(`${bar}[${plainText(source)}]`, 'muted');
  return [from, ...lines.map(line => `${paint(bar, 'muted')}${line}`.trimEnd())];
}

function wrapped(text: string, columns: number): string[] {
  return plainLines(text).flatMap(line => wrapLine(line, columns));
}

function cellOf(cell: Cell): TableCell {
  return typeof cell === 'string'
    ? { text: plainText(cell), tone: 'plain' }
    : { text: plainText(cell.text), tone: cell.tone };
}
