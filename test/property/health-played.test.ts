/** The first of the seeded histories again, this time played by BMCs of the lab and read over Redfish. */
import { beforeAll, describe, expect, it } from 'vitest';
import { outcomesOf, rowsOf, stories } from '../support/health-outcomes.ts';
import { type Played, playedOutcomes, told } from '../support/played-histories.ts';

/** Every story once. */
const histories = stories.length;
const direct = outcomesOf(histories);
let played: Played[];

beforeAll(async () => {
  played = await playedOutcomes(histories, '127.126.0.1');
}, 240_000);

describe(`${histories} histories that BMCs of the lab play`, () => {
  it('are read over Redfish look by look, on machines of several vendors', () => {
    expect(new Set(played.map(({ outcome }) => outcome.story)).size).toBe(stories.length);
    // A look reads the system at least, and there are 180 of them but where the BMC is away.
    expect(played.filter(({ requests }) => requests < 1000)).toEqual([]);
    expect(new Set(played.map(({ machine }) => machine)).size).toBe(3);
  });

  it('are told as they are where the rules are given the same looks: as early, as falsely, as seldom', () => {
    const named = (each: (typeof direct)[number]) => ({ story: each.story.name, seed: each.seed, ...told(each) });
    expect(played.map(({ outcome }) => named(outcome))).toEqual(direct.map(named));
  });

  it('have no false critical finding, and no false or missed cordon', () => {
    const rows = rowsOf(played.map(({ outcome }) => outcome));
    const wrong = rows.filter(row => row.falseCritical + row.falseCordons + row.missedCordons > 0);
    expect(wrong.map(({ story }) => story.name)).toEqual([]);
    expect(rows.filter(({ cordonMinutes }) => cordonMinutes !== undefined).length).toBeGreaterThan(3);
  });
});
