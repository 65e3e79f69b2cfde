/** Durations as people write them. */

const unitMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

const dayMs = 86_400_000;

/** Milliseconds of `500ms`, `10s`, `45m`, `4h` or `7d`; undefined for anything else, or beyond so many days. */
export function parseDuration(text: string, mostDays = 30): number | undefined {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text);
  if (!match) return undefined;
  const ms = Number(match[1]) * (unitMs[match[2] ?? ''] ?? Number.NaN);
  return ms <= mostDays * dayMs ? ms : undefined;
}
