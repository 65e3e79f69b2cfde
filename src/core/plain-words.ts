/**
 * Words of a machine, made fit for one line of a Node's annotation, condition
 * or Event, or of a plan card: what `kubectl describe` prints as it is.
 */

/** Controls, escapes, bidi and zero-width marks, lone surrogates, line separators. */
const invisible = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+/gu;

/** One line of at most so many characters; what was cut off is told by an ellipsis. */
export function plainWords(text: string, most = 200): string {
  const line = text.replace(invisible, ' ').replace(/ {2,}/g, ' ').trim();
  return line.length <= most ? line : `${line.slice(0, most - 1).trimEnd()}…`;
}

/** Without what no database takes: zero bytes, and halves of characters, as firmware leaves them in a fixed field. */
export function storable(text: string): string {
  return text.replaceAll('\0', '').toWellFormed();
}

/** JSON whose texts are such. */
export function storableJson(value: unknown): string {
  return JSON.stringify(value, (_, part) => (typeof part === 'string' ? storable(part) : part));
}
