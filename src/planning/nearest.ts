/** Names that somebody may have meant. For suggestions only: nothing is ever done to what is near. */

/** Those of `names` that differ from `name` by case or at most two letters. */
export function nearest(name: string, names: string[]): string[] {
  const lower = name.toLowerCase();
  return names.filter(each => each.toLowerCase() === lower || distance(each, name) <= 2);
}

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return Number.POSITIVE_INFINITY;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(
        Math.min((next[j - 1] ?? 0) + 1, (row[j] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)),
      );
    row = next;
  }
  return row[b.length] ?? 0;
}
