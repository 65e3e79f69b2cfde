/** Windows against a naive reading of the clock on the wall, minute by minute. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Calendar, Weekday } from '../../src/core/calendar.ts';
import { expectedMs, fits, nextOpening, windowAt } from '../../src/planning/windows.ts';

const minute = 60_000;
const hour = 60 * minute;
const days: Weekday[] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const newYork = 'America/New_York';

const at = (text: string) => Date.parse(text);
const calendar = (change: Partial<Calendar>): Calendar => ({
  timeZone: newYork,
  windows: [],
  changeFreezes: [],
  ...change,
});
const daily = (from: string, to: string): Partial<Calendar> => ({ windows: [{ days, from, to }] });

/** Opening and closing around a moment, in UTC. */
function around(change: Partial<Calendar>, now: string): { opens?: string; closes?: string } {
  const window = windowAt(calendar(change), at(now));
  const shown = (moment: number | undefined) => (moment === undefined ? undefined : new Date(moment).toISOString());
  return window.open ? { closes: shown(window.closesAt) } : { opens: shown(window.opensAt) };
}

describe('where clocks go forward in New York (2026-03-08, 2:00 to 3:00)', () => {
  it('a window over the night is an hour shorter', () => {
    expect(around(daily('22:00', '05:00'), '2026-03-08T02:59:59Z')).toEqual({ opens: '2026-03-08T03:00:00.000Z' });
    expect(around(daily('22:00', '05:00'), '2026-03-08T03:00:00Z')).toEqual({ closes: '2026-03-08T09:00:00.000Z' });
  });

  it('one that begins or ends at a time that is skipped does so when the clocks change', () => {
    expect(around(daily('02:30', '04:00'), '2026-03-08T06:00:00Z')).toEqual({ opens: '2026-03-08T07:00:00.000Z' });
    expect(around(daily('01:00', '02:30'), '2026-03-08T06:30:00Z')).toEqual({ closes: '2026-03-08T07:00:00.000Z' });
  });

  it('one of skipped times alone does not open that night', () => {
    expect(around(daily('02:10', '02:50'), '2026-03-08T06:00:00Z')).toEqual({ opens: '2026-03-09T06:10:00.000Z' });
  });
});

describe('where clocks go back in New York (2026-11-01, 2:00 to 1:00)', () => {
  it('a window over the night is an hour longer', () => {
    expect(around(daily('22:00', '05:00'), '2026-11-01T02:00:00Z')).toEqual({ closes: '2026-11-01T10:00:00.000Z' });
    expect(around(daily('22:00', '05:00'), '2026-11-01T10:00:00Z')).toEqual({ opens: '2026-11-02T03:00:00.000Z' });
  });

  it('one that ends at a time that comes twice ends at the first, and one that begins there begins once', () => {
    expect(around(daily('23:00', '01:30'), '2026-11-01T04:00:00Z')).toEqual({ closes: '2026-11-01T05:30:00.000Z' });
    expect(around(daily('23:00', '01:30'), '2026-11-01T06:00:00Z')).toEqual({ opens: '2026-11-02T04:00:00.000Z' });
    expect(around(daily('01:30', '03:00'), '2026-11-01T05:30:00Z')).toEqual({ closes: '2026-11-01T08:00:00.000Z' });
  });
});

describe('change freezes', () => {
  const yearEnd = { from: '2026-12-20', to: '2027-01-03', reason: 'year end' };

  it('last from the first moment of the first day to the last of the last, by the clocks of the site', () => {
    const change = { changeFreezes: [yearEnd] };
    expect(around(change, '2026-12-20T04:59:59Z')).toEqual({ closes: '2026-12-20T05:00:00.000Z' });
    expect(around(change, '2026-12-20T05:00:00Z')).toEqual({ opens: '2027-01-04T05:00:00.000Z' });
    const london = { ...change, timeZone: 'Europe/London' };
    expect(around(london, '2026-12-20T00:00:00Z')).toEqual({ opens: '2027-01-04T00:00:00.000Z' });
    expect(windowAt(calendar(change), at('2026-12-24T12:00:00Z'))).toMatchObject({
      why: expect.stringContaining('year end'),
    });
  });

  it('are named while they keep it closed, and no longer', () => {
    const noon = calendar({ ...daily('12:00', '13:00'), changeFreezes: [yearEnd] });
    const why = (now: string) => windowAt(noon, at(now));
    for (const now of ['2026-12-20T05:00:00Z', '2026-12-24T17:30:00Z', '2027-01-04T04:59:59Z'])
      expect(why(now)).toMatchObject({ why: expect.stringContaining('year end') });
    for (const now of ['2026-12-20T04:59:59Z', '2027-01-04T05:00:00Z'])
      expect(why(now)).toMatchObject({ why: 'no maintenance window is open' });
  });

  it('count in any order, also where they touch or one lies within another', () => {
    const freeze = (from: string, to: string) => ({ from, to, reason: 'x' });
    const changeFreezes = [
      freeze('2026-12-20', '2027-01-03'),
      freeze('2026-12-24', '2026-12-26'),
      freeze('2026-11-27', '2026-11-27'),
      freeze('2026-11-26', '2026-11-26'),
    ];
    expect(around({ changeFreezes }, '2026-11-26T12:00:00Z')).toEqual({ opens: '2026-11-28T05:00:00.000Z' });
    expect(around({ changeFreezes }, '2026-11-28T05:00:00Z')).toEqual({ closes: '2026-12-20T05:00:00.000Z' });
    expect(around({ changeFreezes }, '2026-12-25T12:00:00Z')).toEqual({ opens: '2027-01-04T05:00:00.000Z' });
  });

  it('that begin with a window leave nothing of it', () => {
    const change = { ...daily('00:00', '01:00'), changeFreezes: [yearEnd] };
    expect(around(change, '2026-12-19T12:00:00Z')).toEqual({ opens: '2027-01-04T05:00:00.000Z' });
    expect(around({ ...change, ...daily('23:00', '00:00') }, '2026-12-20T05:00:00Z').opens).toBe(
      '2027-01-05T04:00:00.000Z',
    );
  });

  it('close a window that is open, and one that ends within a window leaves its rest open', () => {
    const change = { ...daily('22:00', '05:00'), changeFreezes: [yearEnd] };
    expect(around(change, '2026-12-20T03:00:00Z')).toEqual({ closes: '2026-12-20T05:00:00.000Z' });
    expect(around(change, '2026-12-20T06:00:00Z')).toEqual({ opens: '2027-01-04T05:00:00.000Z' });
  });
});

describe('windows', () => {
  it('that touch are one, and those that never end never close', () => {
    const touching = [...(daily('12:00', '13:00').windows ?? []), ...(daily('10:00', '12:00').windows ?? [])];
    expect(around({ windows: touching }, '2026-06-01T15:00:00Z')).toEqual({ closes: '2026-06-01T17:00:00.000Z' });
    expect(windowAt(calendar(daily('00:00', '00:00')), at('2026-06-01T15:00:00Z'))).toEqual({ open: true });
  });
});

describe('what is to start', () => {
  const nightly = calendar(daily('22:00', '02:00'));

  it('fits exactly, and not by a millisecond more', () => {
    const now = at('2026-06-01T03:00:00Z');
    expect([3 * hour, 3 * hour + 1].map(need => fits(windowAt(nightly, now), need, now))).toEqual([true, false]);
    expect(fits({ open: true }, 1000 * hour, now)).toBe(true);
    expect(fits({ open: false, why: 'x' }, 0, now)).toBe(false);
  });

  it('waits for the next window that is long enough, or for none', () => {
    const mixed = calendar({
      windows: [
        { days: ['mon'], from: '22:00', to: '23:00' },
        { days: ['sat'], from: '10:00', to: '18:00' },
      ],
    });
    const monday = at('2026-06-01T12:00:00Z');
    const opening = (need: number) => nextOpening(mixed, need, monday);
    expect(opening(hour)).toBe(at('2026-06-02T02:00:00Z'));
    expect(opening(2 * hour)).toBe(at('2026-06-06T14:00:00Z'));
    expect(opening(9 * hour)).toBeUndefined();
  });

  it('is expected to take what nearly all took before it, or what it may take at most', () => {
    const twenty = Array.from({ length: 20 }, (_, n) => (20 - n) * minute);
    expect(expectedMs(twenty, 90 * minute)).toBe(19 * minute);
    expect(expectedMs(twenty.slice(1), 90 * minute)).toBe(90 * minute);
  });
});

const clock = fc.integer({ min: 0, max: 95 }).map(quarter => {
  const [h, m] = [Math.floor(quarter / 4), (quarter % 4) * 15];
  return `${String(h).padStart(2, '0')}:${String(m).padStart(2, '0')}`;
});
const anyCalendar = fc.record({
  timeZone: fc.constantFrom(
    newYork,
    'Europe/London',
    'Australia/Lord_Howe',
    'Asia/Kathmandu',
    'America/St_Johns',
    'UTC',
  ),
  windows: fc.array(fc.record({ days: fc.subarray(days, { minLength: 1 }), from: clock, to: clock }), {
    minLength: 1,
    maxLength: 3,
  }),
  changeFreezes: fc.constant<Calendar['changeFreezes']>([]),
});
/** A minute of the year in which all of these clocks change. */
const anyMinute = fc.integer({ min: 0, max: 365 * 24 * 60 - 1 }).map(n => at('2026-01-01T00:00:00Z') + n * minute);

/** The wall clock's own words. */
function wall(moment: number, timeZone: string): { day: string; time: string } {
  const shown = new Date(moment).toLocaleString('en-GB', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
  });
  const [day = '', time = ''] = shown.toLowerCase().split(/[ ,]+/);
  return { day, time };
}

function showsOpen({ windows, timeZone }: Calendar, moment: number): boolean {
  const { day, time } = wall(moment, timeZone);
  const before = days[(days.indexOf(day as Weekday) + 6) % 7];
  return windows.some(({ days: on, from, to }) => {
    const early = on.some(name => name === day) && time >= from && (to <= from || time < to);
    const late = to <= from && on.some(name => name === before) && time < to;
    return early || late;
  });
}

const clocksChangeNear = (moment: number, timeZone: string) => {
  const offset = (when: number) => wall(when, timeZone).time.slice(-2) + wall(when, timeZone).time.slice(0, 2);
  return [-1, 1].some(side => offset(moment + side * 24 * hour) !== offset(moment));
};

describe('any windows in any place', () => {
  it('are open when the clock on the wall says so, on days when it does not jump', () => {
    fc.assert(
      fc.property(anyCalendar, anyMinute, (any, moment) => {
        fc.pre(!clocksChangeNear(moment, any.timeZone));
        expect(windowAt(any, moment).open).toBe(showsOpen(any, moment));
      }),
      { numRuns: 2000 },
    );
  });

  it('open and close when they say they do, whatever the clocks do', () => {
    fc.assert(
      fc.property(anyCalendar, anyMinute, (any, moment) => {
        const window = windowAt(any, moment);
        const turn = window.open ? window.closesAt : window.opensAt;
        if (turn === undefined) return;
        expect(turn).toBeGreaterThan(moment);
        expect([windowAt(any, turn - 1).open, windowAt(any, turn).open]).toEqual([window.open, !window.open]);
        const between = moment + Math.floor((turn - moment) / 2);
        expect(windowAt(any, between).open).toBe(window.open);
      }),
      { numRuns: 300 },
    );
  });
});
