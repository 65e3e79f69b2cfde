/** The blocks of a card as HTML: word for word what a terminal shows. */
import type { Block, Cell } from '../../core/document.ts';
import { renderBlocks } from '../cli/render.ts';
import { type Markup, markup } from './markup.ts';

export function blockMarkup(block: Block): Markup {
  if ('heading' in block) return markup`<h3>${block.heading}</h3>`;
  if ('text' in block) return markup`<p class="${block.tone ?? 'plain'}">${block.text}</p>`;
  if ('facts' in block) return factsMarkup(block.facts);
  if ('table' in block) return tableMarkup(block.table.columns, block.table.rows);
  if ('list' in block) return listMarkup(block.list, block.title);
  return markup`<pre>${renderBlocks([block], { columns: 72, color: false })
    .split('\n')
    .map(line => markup`${line}<br>`)}</pre>`;
}

export function factsMarkup(facts: [name: string, value: Cell | Markup][]): Markup {
  return markup`<dl>${facts.map(
    ([name, value]) => markup`<div><dt>${name}</dt><dd>${isCell(value) ? cellMarkup(value) : value}</dd></div>`,
  )}</dl>`;
}

/** Wide tables scroll by themselves, and not the page with them. */
export function tableMarkup(columns: string[], rows: (Cell | Markup)[][]): Markup {
  const row = (cells: (Cell | Markup)[]) =>
    markup`<tr>${cells.map(cell => markup`<td>${isCell(cell) ? cellMarkup(cell) : cell}</td>`)}</tr>`;
  return markup`<div class="wide" tabindex="0"><table><thead><tr>${columns.map(
    column => markup`<th scope="col">${column}</th>`,
  )}</tr></thead><tbody>${rows.map(row)}</tbody></table></div>`;
}

function listMarkup(items: Cell[], title?: string): Markup {
  const tone = sharedTone(items);
  return markup`<section class="list ${tone}">${title === undefined ? '' : markup`<h3>${title}</h3>`}<ul>${items.map(
    item => markup`<li>${tone === 'plain' ? cellMarkup(item) : textOf(item)}</li>`,
  )}</ul></section>`;
}

/** The tone of a list that has one throughout. */
export function sharedTone(items: Cell[]): string {
  const tones = new Set(items.map(item => (typeof item === 'string' ? 'plain' : item.tone)));
  const [only = 'plain'] = tones;
  return tones.size === 1 ? only : 'plain';
}

function cellMarkup(cell: Cell): Markup {
  return typeof cell === 'string' ? markup`${cell}` : markup`<span class="${cell.tone}">${cell.text}</span>`;
}

function textOf(cell: Cell): string {
  return typeof cell === 'string' ? cell : cell.text;
}

function isCell(value: Cell | Markup): value is Cell {
  return typeof value === 'string' || 'tone' in value;
}
