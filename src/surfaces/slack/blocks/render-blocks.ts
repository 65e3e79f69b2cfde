/**
 * Answers of tools as Slack blocks, word for word what a terminal shows. Only
 * rich and plain text are made, in which Slack parses no markup; what machines
 * wrote stands apart, with its source. An answer that is too long for one
 * message ends with where the rest is.
 */
import type { types } from '@slack/bolt';
import type { Block } from '../../../core/document.ts';
import type { FleetError } from '../../../core/errors.ts';
import { renderBlocks } from '../../cli/render.ts';
import { bullets, cellPieces, type Piece, piece, preformatted, richText, section, tonedPieces } from './rich-text.ts';
import { escaped, line, lines } from './text.ts';

export type SlackBlock = types.HeaderBlock | types.RichTextBlock | types.DividerBlock;

/** A message may have 50 blocks and about 13,000 characters; the rest is left to buttons and the like. */
export type Room = { blocks: number; characters: number };
const message: Room = { blocks: 40, characters: 11_000 };

const longestHeading = 150;
const longestText = 3_000;
const mostFacts = 30;
const mostItems = 30;
/** Letters of one width that a Slack window shows side by side. */
const columns = 80;
const more: SlackBlock = richText([
  section([piece('There is more than fits here: the same command on the CLI shows all of it.', { italic: true })]),
]);

/** Never empty, and within `room`. */
export function slackBlocks(blocks: Block[], room: Room = message): SlackBlock[] {
  const shown: SlackBlock[] = [];
  let left = room.characters;
  for (const block of blocks.map(blockOf)) {
    left -= sizeOf(block);
    if (left < 0 || shown.length + 1 >= room.blocks) return [...shown, more];
    shown.push(block);
  }
  return shown.length > 0 ? shown : [blockOf({ text: 'Nothing to show.', tone: 'muted' })];
}

/** Message, quoted machine text and hint of a failure. */
export function errorBlocks(error: FleetError): SlackBlock[] {
  return slackBlocks(errorAnswer(error));
}

export function errorAnswer({ message: text, hint, untrusted }: FleetError): Block[] {
  return [
    { text, tone: 'bad' },
    ...(untrusted === undefined ? [] : [{ untrusted: [untrusted], source: 'the other side answered' }]),
    ...(hint === undefined ? [] : [{ text: `Hint: ${hint}` }]),
  ];
}

/** What a notification and a screen reader say of a message: its first words. */
export function fallbackText(blocks: Block[]): string {
  const [first] = blocks.flatMap(block => ('heading' in block ? [block.heading] : 'text' in block ? [block.text] : []));
  return escaped(line(first ?? 'Groundskeeper answers', longestHeading));
}

function blockOf(block: Block): SlackBlock {
  if ('heading' in block) return headerOf(block.heading);
  if ('text' in block) return richText([section(tonedPieces(lines(block.text, longestText), block.tone ?? 'plain'))]);
  if ('facts' in block) {
    const facts = block.facts.slice(0, mostFacts).flatMap(([name, value], index): Piece[] => {
      const label = piece(`${index > 0 ? '\n' : ''}${line(name, longestHeading)}: `, { bold: true });
      return [label, ...cellPieces(value)];
    });
    return richText([section(facts.length > 0 ? facts : [piece('none', { italic: true })])]);
  }
  if ('list' in block) return listOf(block);
  if ('untrusted' in block)
    return richText([
      section([piece(`${line(block.source, longestHeading)}:`, { italic: true })]),
      preformatted(lines(block.untrusted.join('\n'), longestText) || ' '),
    ]);
  return richText([preformatted(fitting(renderBlocks([block], { columns, color: false })))]);
}

function headerOf(text: string): types.HeaderBlock {
  return { type: 'header', text: { type: 'plain_text', text: line(text, longestHeading) || ' ', emoji: false } };
}

function listOf({ list, title }: Extract<Block, { list: unknown }>): types.RichTextBlock {
  const head = title === undefined ? [] : [section([piece(line(title, longestHeading), { bold: true })])];
  const rest = list.length - mostItems;
  const items = [
    ...list.slice(0, mostItems).map(cellPieces),
    ...(rest > 0 ? [[piece(`and ${rest} more`, { italic: true })]] : []),
    ...(list.length === 0 ? [[piece('none', { italic: true })]] : []),
  ];
  return richText([...head, bullets(items)]);
}

/** Whole lines of it, and how many were left out. */
function fitting(text: string): string {
  if (text.length <= longestText) return text;
  const all = text.split('\n');
  const kept: string[] = [];
  let size = 40;
  for (const each of all) {
    size += each.length + 1;
    if (size > longestText) break;
    kept.push(each);
  }
  return [...kept, `(${all.length - kept.length} more lines)`].join('\n');
}

function sizeOf(block: SlackBlock): number {
  return JSON.stringify(block).length;
}
