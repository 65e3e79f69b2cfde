/**
 * The pieces of Block Kit that we send. Every word of ours or of the inventory
 * goes in as `plain_text`: Slack looks for no mention, link or format in it, so
 * that a name cannot break out, whatever it holds. Limits are Slack's.
 */
import { escaped, line, lines } from './blocks/text.ts';

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

/** A title and a line each; what is beyond `most` is counted. */
export function list(title: string, items: string[], most = 8): Piece[] {
  if (items.length === 0) return [];
  const rest = items.length > most ? [`• and ${items.length - most} more, under Review`] : [];
  return [section(title, ...items.slice(0, most).map(item => `• ${item}`), ...rest)];
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
