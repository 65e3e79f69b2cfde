/** When a digest is due, by the clocks of its place. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dueNow, nextAfter } from '../../src/digest/schedule.ts';

const morning = { cron: '0 7 * * 1-5', timeZone: 'America/New_York' };
const at = (text: string) => new Date(text);

describe('a digest of seven in the morning in New York, on working days', () => {
  it.each([
    ['is not due before', '2026-11-25T12:00:00Z', '2026-11-26T11:59:59Z', undefined],
    ['is due then', '2026-11-25T12:00:00Z', '2026-11-26T12:00:00Z', { at: at('2026-11-26T12:00:00Z'), missed: 0 }],
    ['is due once', '2026-11-26T12:00:00Z', '2026-11-26T23:00:00Z', undefined],
    ['rests at the weekend', '2026-11-27T12:00:00Z', '2026-11-30T11:00:00Z', undefined],
    [
      'counts what was missed',
      '2026-11-23T12:00:00Z',
      '2026-11-26T15:00:00Z',
      { at: at('2026-11-26T12:00:00Z'), missed: 2 },
    ],
    [
      'follows the clocks into summer',
      '2026-03-06T12:00:00Z',
      '2026-03-09T11:00:00Z',
      { at: at('2026-03-09T11:00:00Z'), missed: 0 },
    ],
  ])('%s', (_what, last, now, due) => {
    expect(dueNow(morning, at(last), at(now))).toEqual(due);
  });

  it('says when it comes next', () => {
    expect(nextAfter(morning, at('2026-11-27T12:00:00Z'))).toBe('2026-11-30T12:00:00.000Z');
  });
});

it('no moment is told twice, and none is lost, however often one looks', () => {
  const steps = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(steps, minutes => {
      const schedule = { cron: '*/20 * * * *', timeZone: 'UTC' };
      const start = at('2026-11-26T00:10:00Z');
      let [last, now, told] = [start, start, 0];
      for (const step of minutes) {
        now = new Date(now.getTime() + step * 60_000);
        const due = dueNow(schedule, last, now);
        if (due === undefined) continue;
        expect(due.at > last && due.at <= now).toBe(true);
        told += 1 + due.missed;
        last = due.at;
      }
      expect(told).toBe(Math.floor((now.getTime() - at('2026-11-26T00:00:00Z').getTime()) / 1_200_000));
    }),
    { numRuns: 50 },
  );
});

it('a year without anybody looking is not counted to its end', () => {
  expect(
    dueNow({ cron: '* * * * *', timeZone: 'UTC' }, at('2025-11-26T00:00:00Z'), at('2026-11-26T00:00:30Z')),
  ).toEqual({
    at: at('2026-11-26T00:00:00Z'),
    missed: 1_000,
  });
});
