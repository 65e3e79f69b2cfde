/**
 * Text that Slack may show as it is. Slack obeys markup wherever it parses
 * any: `<!channel>` wakes everybody, `<https://a|b>` hides where a link leads.
 */
import { plainLines, plainText } from '../../cli/plain-text.ts';

/** One harmless line of at most so many UTF-16 units, which is how Slack counts; what was cut off is told by an ellipsis. */
export function line(text: string, most: number): string {
  return cut(plainText(text), most);
}

/** Several harmless lines of at most so many UTF-16 units together. */
export function lines(text: string, most: number): string {
  return cut(plainLines(text).join('\n'), most);
}

/** One harmless line as pieces of at most so many UTF-16 units, broken between words where there are any, nothing left out. At least one. */
export function wholeLines(text: string, most: number): string[] {
  const pieces: string[] = [];
  let rest = plainText(text);
  while (rest.length > most) {
    const space = rest.lastIndexOf(' ', most - 1) + 1;
    const end = space > 0 ? space : /[\ud800-\udbff]/.test(rest[most - 1] ?? '') ? most - 1 : most;
    pieces.push(rest.slice(0, end));
    rest = rest.slice(end);
  }
  return [...pieces, rest];
}

/** All that people read of blocks, which Slack counts over a whole message: it takes about 13,000. */
export function charactersOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return Object.entries(value).reduce(
    (sum, [key, each]) => sum + (key === 'text' && typeof each === 'string' ? each.length : charactersOf(each)),
    0,
  );
}

/** Text where Slack parses markup, such as the words of a notification: it names and wakes nobody. */
export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** As Slack sent it: the opposite of {@link escaped}. */
export function unescaped(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}

function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const kept = text.slice(0, most - 1);
  return `${/[\ud800-\udbff]$/.test(kept) ? kept.slice(0, -1) : kept}…`;
}
