/** Times as a person needs them: how far away, and exactly. */

/** `in 12 min (03:14 UTC)`, `4 min ago (2026-11-26 03:14 UTC)`. */
export function moment(time: string, now: Date): string {
  const ms = Date.parse(time) - now.getTime();
  const away = span(Math.abs(ms));
  const sameDay = time.slice(0, 10) === now.toISOString().slice(0, 10);
  const exact = `${sameDay ? '' : `${time.slice(0, 10)} `}${time.slice(11, 16)} UTC`;
  return `${ms >= 0 ? `in ${away}` : `${away} ago`} (${exact})`;
}

function span(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  if (minutes < 1) return 'less than a minute';
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}
