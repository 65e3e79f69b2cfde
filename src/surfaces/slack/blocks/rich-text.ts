/**
 * Rich text by its parts. Slack parses no markup in it, so that a name or a
 * log line cannot mention, link or format whatever it says; the texts given
 * here are harmless lines already.
 */
import type { types } from '@slack/bolt';
import type { Cell, Tone } from '../../../core/document.ts';
import { line } from './text.ts';

export type Piece = types.RichTextElement;
type Style = NonNullable<types.RichTextText['style']>;

const longestCell = 250;
const marks: Partial<Record<Tone, string>> = {
  good: 'large_green_circle',
  warn: 'large_yellow_circle',
  bad: 'red_circle',
};

/** Slack refuses an empty one. */
export function piece(text: string, style?: Style): Piece {
  return { type: 'text', text: text === '' ? ' ' : text, ...(style && { style }) };
}

/** A cell with its tone as a mark before it, since Slack has no colours for text. */
export function cellPieces(cell: Cell): Piece[] {
  const { text, tone } = typeof cell === 'string' ? { text: cell, tone: 'plain' as const } : cell;
  return tonedPieces(line(text, longestCell), tone);
}

export function tonedPieces(text: string, tone: Tone): Piece[] {
  const mark = marks[tone];
  const words = piece(text, tone === 'muted' ? { italic: true } : undefined);
  return mark === undefined ? [words] : [{ type: 'emoji', name: mark }, piece(' '), words];
}

export function section(pieces: Piece[]): types.RichTextSection {
  return { type: 'rich_text_section', elements: pieces };
}

export function bullets(items: Piece[][]): types.RichTextList {
  return { type: 'rich_text_list', style: 'bullet', elements: items.map(section) };
}

/** In letters of one width, as a terminal would show it. */
export function preformatted(text: string): types.RichTextPreformatted {
  return { type: 'rich_text_preformatted', elements: [{ type: 'text', text }] };
}

export function richText(elements: types.RichTextBlockElement[]): types.RichTextBlock {
  return { type: 'rich_text', elements };
}
