/** Where something stands in a file, as editors count: from line 1. */

/** The line of a character. */
export function lineOf(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}

/** The line of a byte of the text as UTF-8, which is how the evaluator counts. */
function lineOfByte(text: string, byte: number): number {
  return Buffer.from(text).subarray(0, byte).toString('utf8').split('\n').length;
}

type Located = { message: string; sourceLocations?: { start: number }[] };

/** `file:line: message` of what the evaluator says about a text that begins on line `first` of the file. */
export function placed(
  error: Located,
  { name, text, first = 1 }: { name: string; text: string; first?: number },
): string {
  const at = error.sourceLocations?.[0];
  return at ? `${name}:${first - 1 + lineOfByte(text, at.start)}: ${error.message}` : `${name}: ${error.message}`;
}
