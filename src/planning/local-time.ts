/** Clock times of a place as moments, over the changes of its clocks. Pure. */

const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone);
  if (!format) {
    const two = '2-digit';
    const shown = { year: 'numeric', month: two, day: two, hour: two, minute: two, second: two } as const;
    format = new Intl.DateTimeFormat('en-US', { timeZone, hourCycle: 'h23', ...shown });
    formats.set(timeZone, format);
  }
  return format;
}

/** What the clocks show, as if it were UTC, in milliseconds; whole seconds. */
export function shownAt(moment: number, timeZone: string): number {
  const part = Object.fromEntries(
    formatOf(timeZone)
      .formatToParts(moment)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** For people: `2026-11-27 02:00 (America/New_York)`. */
export function localText(moment: number, timeZone: string): string {
  const shown = new Date(shownAt(moment, timeZone)).toISOString();
  return `${shown.slice(0, 10)} ${shown.slice(11, 16)} (${timeZone})`;
}

/**
 * The first moment at which the clocks show `shown` (as by {@link shownAt}) or later. A time that comes twice is the first of
 * both; one that is skipped is the moment of the skip.
 */
export function momentOf(shown: number, timeZone: string): number {
  const offsetAt = (moment: number) => shownAt(moment, timeZone) - Math.floor(moment / 1000) * 1000;
  const guesses = [shown - offsetAt(shown - dayMs), shown - offsetAt(shown + dayMs)].toSorted((a, b) => a - b);
  const exact = guesses.find(moment => shownAt(moment, timeZone) === shown);
  if (exact !== undefined) return exact;
  // Skipped: between the two guesses lies the change of the clocks.
  let [before = 0, after = 0] = guesses;
  while (after - before > 1000) {
    const middle = before + Math.floor((after - before) / 2000) * 1000;
    if (shownAt(middle, timeZone) < shown) before = middle;
    else after = middle;
  }
  return after;
}
