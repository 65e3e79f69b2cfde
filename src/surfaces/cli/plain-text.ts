/**
 * Text that a terminal may print as it is. Names, messages and logs come from
 * machines and strangers, and a terminal obeys what it is sent: an escape
 * sequence could rewrite a plan card, a bidi mark could reverse a node's name.
 */

/** Controls, escapes, bidi and zero-width marks, lone surrogates, line separators. */
const invisible = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}|[\u{20000}-\u{3fffd}]/u;
const combining = /\p{Mn}|\p{Me}/u;
/** What may take another number of columns than one: below U+0300 no character combines, and none is wide. */
const uneven = /[^ -\u02ff]/;

/** One line of harmless text: line breaks and tabs become spaces, every other invisible character goes. */
export function plainText(text: string): string {
  return text.replace(/\r\n|[\r\n\t]/g, ' ').replace(invisible, '');
}

/** The same, keeping the line breaks as separate lines. */
export function plainLines(text: string): string[] {
  return text.split(/\r\n|\r|\n/).map(plainText);
}

/** JSON in which what a terminal would obey is written as `\u` escapes; still the same value. */
export function plainJson(value: unknown): string {
  const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(value, null, 2).replace(invisible, found =>
    found === '\n' ? found : found.split('').map(escaped).join(''),
  );
}

/** Terminal columns that the text takes. */
export function displayWidth(text: string): number {
  if (!uneven.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

/**
 * Breaks a line at spaces so that no piece is wider than `width`; longer words are cut. Every piece is indented as the line is.
 * At least one piece.
 */
export function wrapLine(line: string, width: number): string[] {
  const indent = /^ */.exec(line)?.[0] ?? '';
  if (indent.length === 0 || indent.length > width / 2) return wrapWords(line.trimStart(), width);
  return wrapWords(line.slice(indent.length), width - indent.length).map(piece => indent + piece);
}

function wrapWords(line: string, width: number): string[] {
  if (displayWidth(line) <= width) return [line];
  const pieces: string[] = [];
  let current = '';
  for (const word of line.split(' ')) {
    const joined = current === '' ? word : `${current} ${word}`;
    if (displayWidth(joined) <= width) {
      current = joined;
      continue;
    }
    if (current !== '') pieces.push(current);
    const chunks = cut(word, width);
    current = chunks.pop() ?? '';
    pieces.push(...chunks);
  }
  return [...pieces, current];
}

function cut(word: string, width: number): string[] {
  const chunks: string[] = [];
  let chunk = '';
  let used = 0;
  for (const character of word) {
    const size = characterWidth(character);
    if (used + size > width && chunk !== '') {
      chunks.push(chunk);
      chunk = '';
      used = 0;
    }
    chunk += character;
    used += size;
  }
  return [...chunks, chunk];
}

function characterWidth(character: string): number {
  if (!uneven.test(character)) return 1;
  if (combining.test(character)) return 0;
  return wide.test(character) ? 2 : 1;
}
