/** How long ago, as `kubectl` would say it. */

const units: [seconds: number, name: string][] = [
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'm'],
  [1, 's'],
];

/** `3d4h`, `12m`, `45s`; empty where `since` is not known. Both are RFC 3339. */
export function ageText(since: string | undefined, now: string): string {
  const seconds = ageSeconds(since, now);
  return seconds === undefined ? '' : durationText(Math.max(0, seconds));
}

/** Whole seconds; negative where the other clock is ahead. */
export function ageSeconds(since: string | undefined, now: string): number | undefined {
  const ms = Date.parse(now) - Date.parse(since ?? '');
  return Number.isNaN(ms) ? undefined : Math.round(ms / 1000);
}

export function durationText(seconds: number): string {
  const index = units.findIndex(([size]) => seconds >= size * 2);
  const [size, name] = units[index] ?? [1, 's'];
  const [next, nextName] = units[index + 1] ?? [1, ''];
  const rest = index >= 0 && seconds < size * 10 ? Math.floor((seconds % size) / next) : 0;
  return `${Math.floor(seconds / size)}${name}${rest > 0 ? `${rest}${nextName}` : ''}`;
}
