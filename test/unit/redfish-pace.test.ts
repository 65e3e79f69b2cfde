/** How many requests at once a BMC is thought to bear. */
import { expect, test } from 'vitest';
import { Pace } from '../../src/adapters/redfish/pace.ts';

/** Answers one after another, each sent when the one before came. */
function answers(pace: Pace, from = 0) {
  let at = from;
  return (times: number, tookMs: number, options: { status?: number; slow?: boolean } = {}) => {
    for (let turn = 0; turn < times; turn++) {
      const sent = at;
      at += tookMs;
      pace.answered({ sent, at, status: 200, slow: false, ...options });
    }
  };
}

test('a 503 halves it, down to one, and every twenty good answers give one back', () => {
  const pace = new Pace();
  const answer = answers(pace);
  const seen = [pace.inFlight];
  for (const status of [503, 429, 503]) {
    answer(1, 10, { status });
    seen.push(pace.inFlight);
  }
  expect(seen).toEqual([4, 2, 1, 1]);
  answer(19, 10);
  expect(pace.inFlight).toBe(1);
  answer(1, 10);
  expect(pace.inFlight).toBe(2);
  answer(200, 10);
  expect(pace.inFlight).toBe(4);
});

test('requests that were under way together halve it once', () => {
  const pace = new Pace();
  for (const sent of [0, 1, 2, 3]) pace.answered({ sent, at: 100 + sent, status: 503, slow: false });
  expect(pace.inFlight).toBe(2);
});

test('answers that get slow halve it; a BMC that was always slow is not punished for it', () => {
  const became = new Pace();
  const answer = answers(became);
  answer(50, 100);
  answer(3, 2_000);
  expect(became.inFlight).toBeLessThan(4);

  const always = new Pace();
  answers(always)(50, 2_000);
  expect(always.inFlight).toBe(4);

  const quick = new Pace();
  const brisk = answers(quick);
  brisk(50, 5);
  brisk(50, 300);
  expect(quick.inFlight).toBe(4);
});

test('a resource that is slow by nature tells nothing of the load', () => {
  const pace = new Pace();
  const answer = answers(pace);
  answer(20, 100);
  answer(20, 60_000, { slow: true });
  expect(pace.inFlight).toBe(4);
});

test('a limit holds, whatever the answers say', () => {
  const pace = new Pace();
  pace.limit(1);
  answers(pace)(500, 10);
  expect(pace.inFlight).toBe(1);
});

test('answers that now and then take ten times as long tell of no load', () => {
  const pace = new Pace();
  const answer = answers(pace);
  const seen = new Set<number>();
  for (let turn = 0; turn < 200; turn++) {
    answer(4, 400);
    answer(1, 6_000);
    seen.add(pace.inFlight);
  }
  expect([...seen]).toEqual([4]);
});
