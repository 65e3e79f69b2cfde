/** A duration as kubectl shows it: two units while they tell something, one after that. */
export function humanDuration(seconds: number): string {
  const minute = 60;
  const hour = 60 * minute;
  const day = 24 * hour;
  if (seconds < 0) return '0s';
  if (seconds < 2 * minute) return `${seconds}s`;
  if (seconds < 10 * minute) return two([seconds, minute, 'm'], [1, 's']);
  if (seconds < 3 * hour) return `${Math.floor(seconds / minute)}m`;
  if (seconds < 8 * hour) return two([seconds, hour, 'h'], [minute, 'm']);
  if (seconds < 2 * day) return `${Math.floor(seconds / hour)}h`;
  if (seconds < 8 * day) return two([seconds, day, 'd'], [hour, 'h']);
  return `${Math.floor(seconds / day)}d`;
}

/** How long ago an RFC 3339 time was. */
export function ageSince(time: string | undefined): string {
  if (time === undefined) return '<unknown>';
  return humanDuration(Math.max(0, Math.floor((Date.now() - Date.parse(time)) / 1000)));
}

function two([seconds, unit, name]: [number, number, string], [smaller, smallName]: [number, string]): string {
  const rest = Math.floor((seconds % unit) / smaller);
  return `${Math.floor(seconds / unit)}${name}${rest === 0 ? '' : `${rest}${smallName}`}`;
}
