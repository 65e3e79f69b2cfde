import { afterEach, describe, expect, it } from 'vitest';
import { type Beat, keepBeat } from '../../src/health/beat.ts';
import { hintsOf, restMs } from '../../src/health/hints.ts';
import { manualClock } from '../support/manual-clock.ts';

const everyMs = 60_000;
const rest = restMs(everyMs);
const beats: Beat[] = [];
afterEach(() => {
  for (const beat of beats.splice(0)) beat.stop();
});

/** Visits take no time unless said. `visits` are seconds since the start. */
function play(nodes = ['a'], tookMs = 0) {
  const clock = manualClock(0);
  const visits: [node: string, second: number][] = [];
  const visit = async (node: string) => {
    visits.push([node, clock.now() / 1000]);
    return tookMs;
  };
  const beat = keepBeat({ nodes, everyMs, spreadMs: 0, restMs: rest, visit, clock });
  beats.push(beat);
  /** Every server sleeps again after this. */
  const at = async (second: number, act: () => void = () => {}) => {
    await settled();
    clock.goTo(second * 1000);
    await settled();
    act();
    await settled();
  };
  const settled = async () => {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    await clock.asleep(nodes.length);
  };
  const ofA = () => visits.filter(([node]) => node === 'a').map(([, second]) => second);
  return { clock, beat, visits, at, ofA };
}

describe('a hint', () => {
  it('brings a visit before the next beat, and the beat stays', async () => {
    const { beat, at, ofA } = play();
    await at(20, () => beat.hurry('a'));
    await at(60);
    await at(120);
    expect(ofA()).toEqual([0, 20, 60, 120]);
  });

  it('soon after a visit waits for the rest of the BMC, and many of them are one', async () => {
    const { beat, at, ofA } = play();
    const asked: boolean[] = [];
    await at(3, () => asked.push(...[1, 2, 3].map(() => beat.hurry('a'))));
    expect(asked).toEqual([true, false, false]);
    await at(9);
    expect(ofA()).toEqual([0]);
    await at(10);
    expect(ofA()).toEqual([0, 10]);
  });

  it('leaves a slow BMC the share of its time that is its own', async () => {
    const { beat, at, ofA } = play(['a'], 9_000);
    await at(12, () => beat.hurry('a'));
    await at(26);
    expect(ofA()).toEqual([0]);
    await at(27);
    expect(ofA()).toEqual([0, 27]);
  });

  it('of a server that is nobody of ours is nothing', () => {
    const { beat, clock } = play();
    const hint = hintsOf({ servers: [{ node: 'a', site: 's' }], everyMs, hurry: beat.hurry, clock });
    expect(hint('b')).toBe(false);
  });
});

it('a storm at one site gives it as many looks more as it has servers, and takes none from another', async () => {
  const nodes = ['a', 'b', 'c'];
  const { beat, at, visits, clock } = play(nodes);
  const servers = nodes.map(node => ({ node, site: node === 'c' ? 'calm' : 'stormy' }));
  const hint = hintsOf({ servers, everyMs, hurry: beat.hurry, clock });
  for (let second = 10; second < 60; second += 5)
    await at(second, () => {
      for (let event = 0; event < 1000; event++) hint('a');
    });
  const count = (node: string) => visits.filter(([each]) => each === node).length;
  expect(nodes.map(count)).toEqual([3, 1, 1]);
  await at(59, () => hint('c'));
  expect(nodes.map(count)).toEqual([3, 1, 2]);
  await at(61, () => hint('a'));
  expect(nodes.map(count)).toEqual([4, 2, 3]);
});
