/**
 * A counter of errors, followed over time. Counters start again at zero when a
 * machine restarts or a module is replaced, and BMCs now and then answer zero
 * once; neither is an error, and neither hides the ones that follow.
 */

export type ErrorCounter = {
  last: number;
  /** Milliseconds since 1970 of `last`. */
  at: number;
  /** What it was before it fell, and when it fell. */
  before?: { count: number; at: number };
  /**
   * Errors of the last day: start of a slot in milliseconds since 1970, errors in it, samples in it that had some, and
   * the most that one of those had.
   */
  slots: [start: number, errors: number, samples: number, most?: number][];
};

const slotMs = 10 * 60_000;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** A counter that is back within this time at what it was has not been reset. */
const slipMs = 10 * 60_000;

/** With the first sample there is no rise yet. */
export function counted(counter: ErrorCounter | undefined, count: number, now: number): ErrorCounter {
  if (!counter) return { last: count, at: now, slots: [] };
  const slots = counter.slots.filter(([start]) => start > now - dayMs - slotMs);
  const recent = counter.before && now - counter.before.at <= slipMs ? counter.before : undefined;
  if (count < counter.last) {
    const before = recent && recent.count > counter.last ? recent : { count: counter.last, at: now };
    return { last: count, at: now, before, slots };
  }
  const back = recent !== undefined && count >= recent.count;
  const rise = count - (back ? recent.count : counter.last);
  const next = { last: count, at: now, ...(recent && !back ? { before: recent } : {}) };
  return { ...next, slots: rise > 0 ? spread(slots, { from: counter.at, to: now, rise }) : slots };
}

export type ErrorRate = {
  lastHour: number;
  lastDay: number;
  /** Samples of the last day in which the counter had risen. */
  samples: number;
  /** The same without the sample of most errors: one burst, or one answer that is no number of errors at all, is no rate. */
  beside: { lastHour: number; lastDay: number };
};

export function rateOf({ slots }: ErrorCounter, now: number): ErrorRate {
  const day = slots.filter(([start]) => start + slotMs > now - dayMs);
  const [lastHour, lastDay] = [sumSince(day, now - hourMs, now), sumSince(day, now - dayMs, now)];
  return {
    lastHour: Math.round(lastHour),
    lastDay: Math.round(lastDay),
    samples: day.reduce((total, [, , samples]) => total + samples, 0),
    beside: {
      lastHour: Math.round(Math.max(0, lastHour - mostSince(day, now - hourMs))),
      lastDay: Math.round(Math.max(0, lastDay - mostSince(day, now - dayMs))),
    },
  };
}

function mostSince(slots: ErrorCounter['slots'], since: number): number {
  return Math.max(0, ...slots.filter(([start]) => start + slotMs > since).map(([, , , most = 0]) => most));
}

/** Of the slot that `since` lies in, the part after it counts. */
function sumSince(slots: ErrorCounter['slots'], since: number, now: number): number {
  return slots.reduce((total, [start, errors]) => {
    const end = Math.min(start + slotMs, now);
    return end <= since ? total : total + errors * (start >= since ? 1 : (end - since) / (end - start));
  }, 0);
}

/** Errors that came while nobody could look are taken to have come evenly. */
function spread(
  slots: ErrorCounter['slots'],
  { from, to, rise }: { from: number; to: number; rise: number },
): ErrorCounter['slots'] {
  const next = new Map(slots.map(slot => [slot[0], slot]));
  const begin = Math.max(from, to - dayMs);
  // What came over hours was no burst.
  const burst = to - from <= slotMs ? rise : 0;
  for (let at = begin; at < to; ) {
    const start = Math.floor(at / slotMs) * slotMs;
    const end = Math.min(to, start + slotMs);
    const [, errors = 0, samples = 0, most = 0] = next.get(start) ?? [];
    const seen = errors + (rise * (end - at)) / (to - from);
    next.set(start, end === to ? [start, seen, samples + 1, Math.max(most, burst)] : [start, seen, samples, most]);
    at = end;
  }
  return [...next.values()].toSorted(([a], [b]) => a - b);
}
