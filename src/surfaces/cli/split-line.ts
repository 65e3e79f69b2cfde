/** A typed line as words, with the quoting that people know from a shell and nothing else of a shell. */
import { FleetError } from '../../core/errors.ts';

/** Splits at spaces; single quotes, double quotes and backslashes keep them. Throws invalid_input on an open quote. */
export function splitLine(line: string): string[] {
  const { words, open } = scan(line);
  if (open) throw new FleetError({ code: 'invalid_input', message: 'a quote is not closed' });
  return words;
}

/** The words before the one under the cursor, and that one as typed so far; an open quote ends with the line. */
export function splitForCompletion(line: string): { before: string[]; current: string } {
  const { words, pending } = scan(line);
  return pending ? { before: words.slice(0, -1), current: words.at(-1) ?? '' } : { before: words, current: '' };
}

function scan(line: string): { words: string[]; open: boolean; pending: boolean } {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  let escaped = false;
  for (const character of line) {
    if (escaped) {
      word = (word ?? '') + character;
      escaped = false;
    } else if (character === '\\' && quote !== "'") escaped = true;
    else if (character === quote) quote = undefined;
    else if (quote === undefined && (character === "'" || character === '"')) {
      quote = character;
      word ??= '';
    } else if (quote === undefined && /\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + character;
  }
  if (word !== undefined) words.push(word);
  return { words, open: quote !== undefined || escaped, pending: word !== undefined };
}
