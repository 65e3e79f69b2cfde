/**
 * Whether a change may start now at a site: inside one of its maintenance windows, outside of its change freezes. A window
 * keeps things from starting and ends nothing that runs, so what is to start must fit into what is left of it. Pure.
 */
import {
  type Calendar,
  type ChangeFreeze,
  type MaintenanceWindow,
  type Weekday,
  type WindowNow,
  weekdays,
} from '../core/calendar.ts';
import { dayMs, momentOf, shownAt } from './local-time.ts';

/** From the first to just before the second, in milliseconds since the epoch. */
type Span = [from: number, to: number];

/** Further ahead nobody looks. */
const horizonDays = 400;
const inSightMs = (horizonDays - 1) * dayMs;

/** What holds at `now`. Windows that touch or overlap are one. */
export function windowAt(calendar: Calendar, now: number): WindowNow {
  const { windows, timeZone } = calendar;
  const closed = calendar.changeFreezes.map(freeze => spanOfFreeze(freeze, timeZone)).sort(byStart);
  const spans = windows.length === 0 ? [always] : joined(windowSpans(windows, timeZone, now));
  for (const [from, to] of without(spans, closed)) {
    if (to <= now) continue;
    if (from <= now) return { open: true, ...(to < now + inSightMs && { closesAt: to }) };
    return { open: false, opensAt: from, why: whyClosed(calendar, now) };
  }
  return { open: false, why: whyClosed(calendar, now) };
}

/** Whether what takes `needMs` may start now and be over before the window closes. */
export function fits(window: WindowNow, needMs: number, now: number): boolean {
  return window.open && (window.closesAt === undefined || window.closesAt - now >= needMs);
}

/** The first moment at or after `now` at which it fits; undefined where no window that is seen is long enough. */
export function nextOpening(calendar: Calendar, needMs: number, now: number): number | undefined {
  for (let at = now; at < now + inSightMs; ) {
    const window = windowAt(calendar, at);
    if (fits(window, needMs, at)) return at;
    const next = window.open ? window.closesAt : window.opensAt;
    if (next === undefined) return undefined;
    at = next;
  }
  return undefined;
}

const enough = 20;

/**
 * What a node's part is expected to take: the 95th percentile of how long earlier ones took, where there are enough to tell,
 * else the sum of the limits that are set for it.
 */
export function expectedMs(earlierMs: readonly number[], limitMs: number): number {
  if (earlierMs.length < enough) return limitMs;
  const sorted = earlierMs.toSorted((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * 0.95) - 1] ?? limitMs;
}

const always: Span = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
const byStart = ([a]: Span, [b]: Span) => a - b;

function whyClosed({ changeFreezes, timeZone }: Calendar, now: number): string {
  const freeze = changeFreezes.find(each => {
    const [from, to] = spanOfFreeze(each, timeZone);
    return from <= now && now < to;
  });
  return freeze
    ? `changes rest from ${freeze.from} to ${freeze.to}: ${freeze.reason}`
    : 'no maintenance window is open';
}

function spanOfFreeze({ from, to }: ChangeFreeze, timeZone: string): Span {
  return [momentOf(Date.parse(from), timeZone), momentOf(Date.parse(to) + dayMs, timeZone)];
}

/** In order of their beginning, from the day before `now`: a window may have begun then. */
function* windowSpans(windows: MaintenanceWindow[], timeZone: string, now: number): Generator<Span> {
  const today = Math.floor(shownAt(now, timeZone) / dayMs) * dayMs;
  for (let day = -1; day <= horizonDays; day++) {
    const date = today + day * dayMs;
    const begins = windows.filter(({ days }) => days.includes(weekdayOf(date)));
    yield* begins.map(({ from, to }) => spanOn(date, { from, to }, timeZone)).sort(byStart);
  }
}

function spanOn(date: number, { from, to }: Pick<MaintenanceWindow, 'from' | 'to'>, timeZone: string): Span {
  const lastDate = to > from ? date : date + dayMs;
  return [momentOf(date + clockMs(from), timeZone), momentOf(lastDate + clockMs(to), timeZone)];
}

/** Of a date as UTC; the first of 1970 was a Thursday. */
function weekdayOf(date: number): Weekday {
  return weekdays[(Math.floor(date / dayMs) + 3) % 7] ?? 'mon';
}

function clockMs(text: string): number {
  const [hours = 0, minutes = 0] = text.split(':').map(Number);
  return (hours * 60 + minutes) * 60_000;
}

function* joined(spans: Iterable<Span>): Generator<Span> {
  let open: Span | undefined;
  for (const span of spans) {
    if (open && span[0] <= open[1]) open = [open[0], Math.max(open[1], span[1])];
    else {
      if (open) yield open;
      open = span;
    }
  }
  if (open) yield open;
}

function* without(spans: Iterable<Span>, cut: Span[]): Generator<Span> {
  for (let [from, to] of spans) {
    for (const [start, end] of cut) {
      if (end <= from || start >= to) continue;
      if (start > from) yield [from, start];
      from = Math.min(end, to);
    }
    if (from < to) yield [from, to];
  }
}
