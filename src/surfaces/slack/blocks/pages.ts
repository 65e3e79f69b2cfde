/**
 * All of an answer in as many pages as it takes, and nothing of it cut: what is too long for a line goes on in the next, and a
 * row of a table is a line that names its columns.
 */
import type { Block, Cell, Tone } from '../../../core/document.ts';
import { renderBlocks } from '../../cli/render.ts';
import type { SlackBlock } from './render-blocks.ts';
import { bullets, type Piece, piece, preformatted, richText, section, tonedPieces } from './rich-text.ts';
import { wholeLines } from './text.ts';

/** Of one page: a view takes a hundred blocks, buttons and the like included. */
const room = { blocks: 90, characters: 20_000 };
const longestHeading = 150;
const longestLine = 1_000;
const linesInBlock = 20;
/** Letters of one width that a Slack window shows side by side. */
const columns = 80;
/** The worst of a row is said of all of it. */
const worst: Tone[] = ['bad', 'warn', 'good', 'muted'];

/** At least one page, and none of them empty. */
export function pagesOf(blocks: Block[]): SlackBlock[][] {
  const pages: SlackBlock[][] = [];
  let left = 0;
  for (const block of blocks.flatMap(wholeOf)) {
    const size = JSON.stringify(block).length;
    const page = pages.at(-1);
    if (page && size <= left && page.length < room.blocks) page.push(block);
    else {
      pages.push([block]);
      left = room.characters;
    }
    left -= size;
  }
  return pages.length > 0 ? pages : [[richText([section([piece('Nothing to show.', { italic: true })])])]];
}

function wholeOf(block: Block): SlackBlock[] {
  if ('heading' in block)
    return wholeLines(block.heading, longestHeading).map(text => ({
      type: 'header',
      text: { type: 'plain_text', text: text || ' ', emoji: false },
    }));
  if ('facts' in block) return listed(block.facts.flatMap(([name, value]) => named(`${name}: `, value)));
  if ('list' in block) {
    const title = block.title === undefined ? [] : named(block.title, '');
    return [
      ...title.map(pieces => richText([section(pieces)])),
      ...listed(block.list.flatMap(cell => named('', cell))),
    ];
  }
  if ('table' in block) {
    const { columns: names, rows } = block.table;
    return listed(rows.flatMap(row => rowLines(names, row)));
  }
  const text = renderBlocks([block], { columns, color: false });
  return chunked(text.split('\n'), linesInBlock).map(lines => richText([preformatted(lines.join('\n') || ' ')]));
}

/** The first cell names the row; those that say nothing are left out. */
function rowLines(names: string[], row: Cell[]): Piece[][] {
  const cells = row.map(cell => (typeof cell === 'string' ? { text: cell, tone: 'plain' as const } : cell));
  const said = cells.flatMap(({ text }, index) => (text === '' ? [] : [`${names[index] ?? ''} ${text}`]));
  const [first = '', ...others] = said;
  const tone = worst.find(each => cells.some(cell => cell.tone === each)) ?? 'plain';
  return named(others.length > 0 ? `${first}; ` : first, { text: others.join('; '), tone });
}

function named(name: string, cell: Cell): Piece[][] {
  const { text, tone } = typeof cell === 'string' ? { text: cell, tone: 'plain' as const } : cell;
  const names = name === '' ? [] : wholeLines(name, longestLine).map(part => [piece(part, { bold: true })]);
  const [first = [], ...others] = text === '' ? [] : wholeLines(text, longestLine).map(part => tonedPieces(part, tone));
  return [...names.slice(0, -1), [...(names.at(-1) ?? []), ...first], ...others].filter(pieces => pieces.length > 0);
}

function listed(lines: Piece[][]): SlackBlock[] {
  return chunked(lines, linesInBlock).map(some => richText([bullets(some)]));
}

function chunked<T>(all: T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, index) =>
    all.slice(index * size, (index + 1) * size),
  );
}
