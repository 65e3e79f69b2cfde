/**
 * An answer as a model somewhere else reads it: whatever a machine or a stranger named among our words stands between « and »,
 * as the model of our own is shown it. People need none of that, and read the same answer without.
 */
import type { Bar, Block, Cell } from '../../core/document.ts';
import type { FleetError } from '../../core/errors.ts';
import { fenced, plainWords } from '../../core/plain-words.ts';
import { renderBlocks } from '../cli/render.ts';

const longest = 2_000;

/** Wide enough that no table is broken for a reader without a terminal. */
const style = { columns: 400, color: false };

export function fencedText(blocks: Block[]): string {
  return renderBlocks(blocks.map(withFences), style);
}

function withFences(block: Block): Block {
  if ('heading' in block) return { ...block, heading: spoken(block.heading, block) };
  if ('text' in block) return { ...block, text: spoken(block.text, block) };
  if ('facts' in block) return { facts: block.facts.map(([name, value]) => [name, cell(value)]) };
  if ('table' in block) return { table: { ...block.table, rows: block.table.rows.map(row => row.map(cell)) } };
  if ('list' in block) return { ...block, list: block.list.map(cell) };
  if ('bars' in block)
    return { ...block, bars: block.bars.map((bar): Bar => ({ ...bar, name: spoken(bar.name, bar) })) };
  return block;
}

/** What failed; names of machines and words of the call itself may stand in its message. */
export function failureBlocks({ message, hint, untrusted }: FleetError): Block[] {
  return [
    { text: message, foreign: true },
    ...(untrusted === undefined ? [] : [{ untrusted: [untrusted], source: 'the other side answered' }]),
    ...(hint === undefined ? [] : [{ text: `Hint: ${hint}` }]),
  ];
}

function cell(value: Cell): Cell {
  return typeof value === 'string' ? value : { ...value, text: spoken(value.text, value) };
}

function spoken(text: string, { foreign }: { foreign?: true }): string {
  return foreign ? fenced(plainWords(text, longest)) : text;
}
