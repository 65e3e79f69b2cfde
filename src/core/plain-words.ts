/**
 * Words of a machine, made fit for one line of a Node's annotation, condition
 * or Event, or of a plan card: what `kubectl describe` prints as it is.
 */

/** Controls, escapes, bidi and zero-width marks, lone surrogates, line separators. */
const invisible = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+/gu;

/** Words of others among ours; none of them ends its own fence. */
export function fenced(text: string): string {
  return text === '' ? '' : `«${text.replace(/[«»]/g, '"')}»`;
}

/** One line of at most so many characters; what was cut off is told by an ellipsis. */
export function plainWords(text: string, most = 200): string {
  const line = text.replace(invisible, ' ').replace(/ {2,}/g, ' ').trim();
  return line.length <= most ? line : `${line.slice(0, most - 1).trimEnd()}…`;
}
