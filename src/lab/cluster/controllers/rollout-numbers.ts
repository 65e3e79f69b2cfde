/** How many pods a rollout may have too many or too few, as the API's fields say it. */

/** A number, or a percentage of `whole` rounded up or down. */
export function portionOf(value: number | string | undefined, whole: number, round: 'up' | 'down'): number {
  if (value === undefined) return 0;
  if (typeof value === 'number') return value;
  if (!value.endsWith('%')) return Number.parseInt(value, 10) || 0;
  const portion = (Number.parseFloat(value) / 100) * whole;
  return round === 'up' ? Math.ceil(portion) : Math.floor(portion);
}

/** Pods above and below the wanted number during a rolling update; never none of both. */
export function rollingLimits(
  { maxSurge = '25%', maxUnavailable = '25%' }: { maxSurge?: number | string; maxUnavailable?: number | string },
  wanted: number,
): { surge: number; unavailable: number } {
  const surge = portionOf(maxSurge, wanted, 'up');
  const unavailable = portionOf(maxUnavailable, wanted, 'down');
  return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : Math.min(unavailable, wanted) };
}
