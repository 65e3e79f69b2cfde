import { describe, expect, it } from 'vitest';
import { type CordonMemory, countedCordon, remembered, resumed, statusOf } from '../../src/health/cordon-memory.ts';
import { atMinute } from '../support/health-samples.ts';

const fresh = () => remembered(undefined, atMinute(0));

/** How many are let through when one is asked for in each of these minutes. */
function asking(minutes: number[], most = 3, from: CordonMemory = fresh()) {
  let memory = from;
  const through = minutes.filter(minute => {
    const counted = countedCordon(memory, { most, now: atMinute(minute) });
    memory = counted.memory;
    return !counted.stopped;
  });
  return { minutes: through, memory };
}

describe('the breaker of cordons for hardware', () => {
  it('lets so many through within an hour, and then none until a person resumes, however long that takes', () => {
    const { minutes, memory } = asking([0, 10, 20, 30, 40, 90, 600]);
    expect(minutes).toEqual([0, 10, 20]);
    expect(statusOf(memory)).toEqual({ state: 'stopped', since: atMinute(30).toISOString(), nodes: [] });
    expect(asking([601, 602, 603, 604], 3, resumed(memory)).minutes).toEqual([601, 602, 603]);
  });

  it('counts by the hour that ends now', () => {
    expect(asking([0, 30, 59, 61, 91, 92]).minutes).toEqual([0, 30, 59, 61, 91]);
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('lets none through at a limit of %s', most => {
    expect(asking([0], most).minutes).toEqual([]);
  });

  it('is what it was after a restart, and stopped where its record cannot be read', () => {
    const { memory } = asking([0, 10, 20]);
    const again = remembered(JSON.parse(JSON.stringify(memory)), atMinute(25));
    expect(asking([30], 3, again).minutes).toEqual([]);
    for (const broken of [null, 7, {}, { ...memory, asked: ['yesterday'] }, { ...memory, held: [] }]) {
      expect(statusOf(remembered(broken, atMinute(1)))).toMatchObject({ state: 'stopped' });
    }
  });
});
