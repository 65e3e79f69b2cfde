/** Moments as the clocks of a place show them. */

export const minuteMs = 60_000;

export type LocalClock = {
  /** Milliseconds that its clocks are ahead of UTC then. */
  offset(at: number): number;
  /** `2026-11-26 14:05:09` */
  text(at: number): string;
};

/** Of an IANA time zone. */
export function localClock(timeZone: string): LocalClock {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' });
  const shown = (at: number) => format.format(at);
  return {
    offset: at => Date.parse(`${shown(at).replace(' ', 'T')}Z`) - Math.floor(at / 1000) * 1000,
    text: shown,
  };
}

/** A stretch of time with its place, for the line below a title. */
export function stretch(clock: LocalClock, { from, to, timeZone }: { from: number; to: number; timeZone: string }) {
  const exact = to - from < 10 * minuteMs;
  const [begin, end] = [from, to].map(at => clock.text(at).slice(0, exact ? 19 : 16)) as [string, string];
  const sameDay = begin.slice(0, 10) === end.slice(0, 10);
  return `${begin} to ${sameDay ? end.slice(11) : end}, ${timeZone}`;
}
