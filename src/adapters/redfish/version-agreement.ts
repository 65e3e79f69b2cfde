/** Whether two spellings name one version: inventories add dates and words that ComputerSystem leaves out, or the other way round. */

/** True when the words of one are found together in the other: `1.4` and `BIOS Date: 08/04/2023 Ver 1.4`. */
export function sameVersion(a: string | undefined, b: string | undefined): boolean {
  const [x, y] = [words(a), words(b)];
  if (x.length === 0 || y.length === 0) return false;
  return x.length <= y.length ? contains(y, x) : contains(x, y);
}

function words(version: string | undefined): string[] {
  return (version ?? '').trim().toLowerCase().split(/\s+/).filter(Boolean);
}

function contains(whole: string[], part: string[]): boolean {
  return whole.some((_, start) => part.every((word, offset) => whole[start + offset] === word));
}
