/**
 * The pieces of Block Kit that we send. Every word of ours or of the inventory
 * goes in as `plain_text`: Slack looks for no mention, link or format in it, so
 * that a name cannot break out, whatever it holds. Limits are Slack's.
 */
import { charactersOf, escaped, line, lines } from './blocks/text.ts';

export type PlainText = { type: 'plain_text'; text: string; emoji: false };

export type Button = {
  type: 'button';
  action_id: string;
  text: PlainText;
  value?: string;
  url?: string;
  style?: 'primary' | 'danger';
};

export type Piece =
  | { type: 'header'; text: PlainText }
  | { type: 'section'; text?: PlainText; fields?: PlainText[] }
  | { type: 'context'; elements: PlainText[] }
  | { type: 'actions'; elements: Button[] };

/** A message: its pieces, and what notifications and screen readers say of it. */
export type Card = { text: string; blocks: Piece[] };

const limits = { header: 150, section: 3000, field: 2000, button: 75, context: 2000, notice: 300, line: 400 };
const mostFields = 10;

export function header(text: string): Piece {
  return { type: 'header', text: plain([text], limits.header) };
}

/** Each a line, whatever it holds. */
export function section(...parts: string[]): Piece {
  return { type: 'section', text: plain(parts, limits.section) };
}

export function context(text: string): Piece {
  return { type: 'context', elements: [plain([text], limits.context)] };
}

/** Name over value, two beside each other, as many sections as it takes. */
export function facts(pairs: [name: string, value: string][]): Piece[] {
  const fields = pairs.map(pair => plain(pair, limits.field));
  return Array.from({ length: Math.ceil(fields.length / mostFields) }, (_, index) => ({
    type: 'section',
    fields: fields.slice(index * mostFields, (index + 1) * mostFields),
  }));
}

type Listing = {
  /** Lines at most. */
  most?: number;
  /** Characters at most, all told; at least {@link leastOf} of it. */
  room?: number;
};

/** A title and a line each; what is beyond `most` or `room` is counted. Lines are whole where there is room for all of them. */
export function list(title: string, items: string[], { most = 8, room = limits.section }: Listing = {}): Piece[] {
  if (items.length === 0) return [];
  const all = items.slice(0, most).map(item => line(`• ${item}`, limits.section));
  const left = room - leastOf(title);
  const areWhole = all.every((each, index) => each === line(`• ${items[index]}`, Number.POSITIVE_INFINITY));
  const whole = areWhole && sizeOf(all) <= left ? all : all.map(each => line(each, limits.line));
  const shown = startOf(whole, left);
  const isCut = shown.some((each, index) => each !== line(`• ${items[index]}`, Number.POSITIVE_INFINITY));
  const rest = items.length - shown.length;
  const note = rest > 0 ? `• and ${rest} more, under Review` : isCut ? '• what ends with … is whole under Review' : '';
  return sectionsOf([line(title, limits.header), ...shown, ...(note === '' ? [] : [note])]);
}

export type Listed = Listing & { title: string; items: string[] };

/** The lists one after the other, each with what those before it leave of the room; what a list lacks is counted in it. */
export function listsWithin(room: number, lists: Listed[]): Piece[][] {
  let left = room;
  return lists.map(({ title, items, ...listing }, index) => {
    const later = lists.slice(index + 1).filter(each => each.items.length > 0);
    const kept = later.reduce((sum, each) => sum + leastOf(each.title), 0);
    const pieces = list(title, items, { ...listing, room: Math.min(listing.room ?? limits.section, left - kept) });
    left -= charactersOf(pieces);
    return pieces;
  });
}

/** Its title, and how much is left out. */
function leastOf(title: string): number {
  return Math.min(title.length, limits.header) + 50;
}

/** As many as there is room for. */
function startOf(all: string[], room: number): string[] {
  let left = room;
  const end = all.findIndex(each => {
    left -= each.length + 1;
    return left < 0;
  });
  return end < 0 ? all : all.slice(0, end);
}

function sizeOf(all: string[]): number {
  return all.reduce((sum, each) => sum + each.length + 1, 0);
}

/** Whole lines in as many sections as it takes. */
function sectionsOf(all: string[]): Piece[] {
  const texts: string[] = [];
  for (const each of all) {
    const last = texts.at(-1);
    if (last !== undefined && last.length + each.length < limits.section) texts[texts.length - 1] = `${last}\n${each}`;
    else texts.push(each);
  }
  return texts.map(text => ({ type: 'section', text: { type: 'plain_text', text, emoji: false } }));
}

export function button(action: string, text: string, more: Pick<Button, 'value' | 'url' | 'style'>): Button {
  return { type: 'button', action_id: action, text: plain([text], limits.button), ...more };
}

/** For the one place of a message that Slack reads as markup. */
export function notice(text: string): string {
  return escaped(line(text, limits.notice));
}

function plain(parts: string[], most: number): PlainText {
  const text = lines(parts.map(part => line(part, limits.line)).join('\n'), most);
  return { type: 'plain_text', text: text || '–', emoji: false };
}
