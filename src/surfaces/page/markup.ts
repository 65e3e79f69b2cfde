/**
 * HTML by template. Every text that is put in comes from a machine, a stranger
 * or a person: it loses what a reader cannot see (controls, bidi marks) and is
 * escaped, here and for all pages, so that no page can forget it.
 */
import { html, raw } from 'hono/html';
import { plainText } from '../cli/plain-text.ts';

/** HTML that is safe as it stands; only this file makes it. */
export type Markup = ReturnType<typeof raw>;

type Value = string | number | undefined | Markup | readonly Value[];

export function markup(template: TemplateStringsArray, ...values: Value[]): Markup {
  return raw(html(template, ...values.map(harmless)).toString());
}

/** Text of this program itself, such as its style sheet. */
export const trusted = raw;

function harmless(value: Value): unknown {
  if (Array.isArray(value)) return value.map(harmless);
  if (typeof value === 'string') return plainText(value);
  return value ?? '';
}
