import { describe, expect, it } from 'vitest';
import type { Finding } from '../../src/core/finding.ts';
import { evaluate, findingsOf, type ServerState } from '../../src/health/evaluate.ts';
import { historyOf } from '../support/health-histories.ts';
import { type Outcome, outcomesOf, rowsOf, stories } from '../support/health-outcomes.ts';

const histories = 1000;
const outcomes = outcomesOf(histories);
const rows = rowsOf(outcomes);

/** Judgements that slip three times in a hundred looks do so three times in five now and then. */
const mostFalseWarnings: Record<string, number> = { 'BMC judges wrongly for a look': 4 };
/** Ten errors an hour are about where a rise begins to be one: some of the slowest stay under it for hours. */
const mostMissed: Record<string, number> = { 'corrected errors rise': 1 };
const mostLate = 10;

/** Enough to play it again: the story and its seed. */
const named = (found: Outcome[]) => found.map(({ story, seed, ...rest }) => ({ story: story.name, seed, ...rest }));

describe(`${histories} seeded histories`, () => {
  it('are all of the stories, each often enough to tell', () => {
    expect(rows.map(({ story }) => story)).toEqual(stories);
    expect(rows.reduce((sum, row) => sum + row.histories, 0)).toBe(histories);
    expect(Math.min(...rows.map(row => row.histories))).toBeGreaterThanOrEqual(20);
  });

  it('have no false critical finding', () => {
    expect(named(outcomes.filter(({ falsely }) => falsely.some(({ critical }) => critical)))).toEqual([]);
  });

  it.each(rows.map(row => [row.story.name, row] as const))('%s', (name, row) => {
    expect(row.falseWarnings).toBeLessThanOrEqual(mostFalseWarnings[name] ?? 0);
    expect(row.missed).toBeLessThanOrEqual(mostMissed[name] ?? 0);
    expect(row.falseCordons).toBe(0);
    expect(row.missedCordons).toBe(0);
  });

  it('are told in time but for one in a hundred', () => {
    expect(named(outcomes.filter(({ late }) => late.length > 0)).slice(mostLate)).toEqual([]);
  });

  it('advise to cordon soon where two parts fail at one moment', () => {
    const [row] = rows.filter(({ story }) => story.name === 'fan and memory');
    expect(row?.cordonMinutes).toBeLessThanOrEqual(5);
  });
});

describe('a history', () => {
  it('tells the same after every restart', () => {
    for (const { made } of stories) {
      const { looks } = historyOf(made, 7, 2);
      let running: ServerState | undefined;
      let restarted: ServerState | undefined;
      for (const look of looks) {
        running = evaluate(running, look, { site: 'bos' }).state;
        const stored = restarted && (JSON.parse(JSON.stringify(restarted)) as ServerState);
        restarted = evaluate(stored, look, { site: 'bos' }).state;
      }
      expect(restarted).toEqual(running);
    }
  });

  it('leaves little to remember of a server that is well', () => {
    let state: ServerState | undefined;
    for (const look of historyOf([], 1).looks) state = evaluate(state, look, { site: 'bos' }).state;
    expect(state && findingsOf(state)).toEqual<Finding[]>([]);
    expect(JSON.stringify(state).length).toBeLessThan(2000);
  });
});
