/**
 * The pieces of Block Kit that we send. Every word of ours or of the inventory
 * goes in as `plain_text`: Slack looks for no mention, link or format in it, so
 * that a name cannot break out, whatever it holds. Limits are Slack's.
 */
import { plainWords } from '../../core/plain-words.ts';

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
  | { type: 'actions'; elements: Button[] }
  | { type: 'divider' };

/** A message: its pieces, and what notifications and screen readers say of it. */
export type Card = { text: string; blocks: Piece[] };

const limits = { header: 150, section: 3000, field: 2000, button: 75, context: 2000, notice: 300, line: 400 };
const mostFields = 10;

export function header(text: string): Piece {
  return { type: 'header', text: plain([text], limits.header) };
}

/** Each a line, whatever it holds. */
export function section(...lines: string[]): Piece {
  return { type: 'section', text: plain(lines, limits.section) };
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
export function list(title: string, lines: string[], most = 8): Piece[] {
  if (lines.length === 0) return [];
  const shown = lines.slice(0, most).map(line => `• ${words(line)}`);
  const rest = lines.length > most ? [`• and ${lines.length - most} more, under Review`] : [];
  return [section(title, ...shown, ...rest)];
}

export function button(action: string, text: string, more: Pick<Button, 'value' | 'url' | 'style'>): Button {
  return { type: 'button', action_id: action, text: plain([text], limits.button), ...more };
}

/** One line without anything invisible. */
function words(text: string): string {
  return plainWords(text, limits.line);
}

/** For the one place of a message that Slack reads as markup. */
export function notice(text: string): string {
  const escaped = words(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return cut(escaped, limits.notice);
}

function plain(lines: string[], most: number): PlainText {
  return { type: 'plain_text', text: cut(lines.map(words).join('\n'), most) || '–', emoji: false };
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
