import { describe, expect, it } from 'vitest';
import { known, unknown } from '../../src/core/bmc.ts';
import { notReadSince } from '../../src/core/finding.ts';
import { acknowledged } from '../../src/health/acknowledge.ts';
import { findingsOf } from '../../src/health/evaluate.ts';
import { scoreOf } from '../../src/health/score.ts';
import {
  atMinute,
  fanOf,
  inlet,
  only,
  play,
  sensorOf,
  silent,
  standing,
  supplyOf,
  times,
} from '../support/health-samples.ts';

const stopped = { fans: known([fanOf(0)]) };
const warm = (celsius: number) => ({ temperatures: known([inlet(celsius)]) });

describe('a finding', () => {
  it('opens when enough samples of the last few are bad, and not before', () => {
    expect(standing(play([stopped, {}, stopped]))).toEqual([]);
    expect(standing(play([stopped, {}, stopped, stopped]))).toEqual([['fan', 'critical']]);
  });

  it('clears after some good samples in a row, and a bad one between them begins the count again', () => {
    const open = play(times(3, stopped));
    expect(standing(play([...times(4, {}), stopped, ...times(4, {})], { after: open }))).toEqual([['fan', 'critical']]);
    const cleared = play(times(5, {}), { after: open });
    expect(only(cleared)).toMatchObject({ state: 'cleared', clearedAt: atMinute(7).toISOString() });
    expect(cleared.changed).toHaveLength(1);
  });

  it('stays as it is over samples that do not read its part, and says since when', () => {
    const open = play(times(3, stopped));
    for (const blind of [{ fans: unknown('404') }, { fans: known([fanOf(undefined)]) }, { fans: known([]) }, silent]) {
      const later = play(times(30, blind), { after: open });
      const fan = findingsOf(later.state).find(({ kind }) => kind === 'fan');
      expect(fan).toMatchObject({ state: 'open', samples: 1, lastRead: atMinute(2).toISOString() });
      expect(fan && notReadSince(fan, atMinute(30))).toBe(atMinute(2).toISOString());
    }
  });

  it('does not open over samples that do not read its part', () => {
    expect(standing(play([stopped, { fans: unknown('404') }, stopped, { fans: unknown('404') }]))).toEqual([]);
    expect(standing(play([stopped, stopped, ...times(70, { fans: unknown('404') }), stopped]))).toEqual([]);
  });

  it('needs a margin below its limit to clear', () => {
    const open = play(times(5, warm(39)));
    expect(standing(open)).toEqual([['inlet-temperature', 'warning']]);
    expect(standing(play(times(30, warm(37)), { after: open }))).toEqual([['inlet-temperature', 'warning']]);
    expect(standing(play(times(10, warm(35)), { after: open }))).toEqual([]);
  });

  it('becomes critical with samples that are, and a warning again when they are over', () => {
    const critical = play(times(5, warm(43)), { after: play(times(5, warm(39))) });
    expect(critical.changed.map(({ level }) => level)).toEqual(['critical']);
    expect(standing(play(times(10, warm(40)), { after: critical }))).toEqual([['inlet-temperature', 'warning']]);
  });

  it('has the same id whenever it opens, another for another server or part', () => {
    const first = play(times(3, stopped));
    const again = play([...times(5, {}), ...times(3, stopped)], { after: first });
    expect(only(again).id).toBe(only(first).id);
    expect(only(again)).toMatchObject({ state: 'open', since: atMinute(10).toISOString(), samples: 1 });
    const others = [
      play(times(3, stopped), { node: 'n2' }),
      play(times(3, { fans: known([fanOf(0, { uri: '/other' })]) })),
    ];
    expect(new Set([first, ...others].map(played => only(played).id)).size).toBe(3);
  });

  it('keeps the first and the newest of what was seen', () => {
    const { evidence, text } = only(play(Array.from({ length: 40 }, (_, i) => warm(39 + i / 100))));
    expect(evidence.map(({ value }) => value)).toEqual([39.04, 39.05, 39.06, 39.37, 39.38, 39.39]);
    expect(text).toBe('temperature Inlet Temp is warning at 39.39 °C, limit 38 °C');
  });

  it('is forgotten a day after it cleared', () => {
    const cleared = play([...times(3, stopped), ...times(5, {})]);
    expect(findingsOf(play(times(1435, {}), { after: cleared }).state)).toHaveLength(1);
    expect(play(times(1445, {}), { after: cleared }).state.tracks).toEqual({});
  });

  it('takes no sample twice, and none that is older', () => {
    const twice = play([stopped, stopped]);
    expect(standing(play([stopped, stopped], { after: { ...twice, minutes: 0 } }))).toEqual([]);
  });
});

describe('a finding that comes and goes', () => {
  const cycle = [...times(3, stopped), ...times(5, {})];
  const flapping = play([...cycle, ...cycle, ...cycle]);

  it('latches with the third time, and then only a person ends it', () => {
    expect(standing(play([...cycle, ...cycle]))).toEqual([]);
    expect(only(play(times(60, {}), { after: flapping }))).toMatchObject({ state: 'open', latched: true });
    const answer = acknowledged(flapping.state, only(flapping).id, { by: 'ada', at: atMinute(30) });
    expect(answer?.finding).toMatchObject({ state: 'cleared', latched: false, acknowledged: { by: 'ada' } });
  });

  it('does not latch when the times lie days apart', () => {
    const days = [...cycle, ...times(1500, {})];
    expect(standing(play([...days, ...days, ...cycle]))).toEqual([]);
  });

  it('begins a new count after it was acknowledged', () => {
    const answer = acknowledged(flapping.state, only(flapping).id, { by: 'ada', at: atMinute(24) });
    if (!answer) expect.fail('the finding stands');
    const after = { ...flapping, state: answer.state };
    expect(standing(play(cycle, { after }))).toEqual([]);
  });
});

describe('acknowledging', () => {
  const by = { by: 'ada', at: atMinute(10) };

  it('keeps a finding until its part is well', () => {
    const open = play(times(3, stopped));
    const answer = acknowledged(open.state, only(open).id, by);
    if (!answer) expect.fail('the finding stands');
    const known_ = { ...open, state: answer.state };
    expect(only(play(times(9, stopped), { after: known_ })).state).toBe('acknowledged');
    expect(only(play(times(5, {}), { after: known_ })).state).toBe('cleared');
  });

  it('does not hold for what gets worse', () => {
    const open = play(times(5, warm(39)));
    const answer = acknowledged(open.state, only(open).id, by);
    if (!answer) expect.fail('the finding stands');
    expect(only(play(times(5, warm(44)), { after: { ...open, state: answer.state } })).state).toBe('open');
  });

  it('ends what has not been read for a day', () => {
    const open = play(times(3, stopped));
    const at = atMinute(26 * 60);
    expect(acknowledged(open.state, only(open).id, { by: 'ada', at })?.finding.state).toBe('cleared');
  });

  it('knows no finding that does not stand', () => {
    const cleared = play([...times(3, stopped), ...times(5, {})]);
    expect(acknowledged(cleared.state, only(cleared).id, by)).toBeUndefined();
    expect(acknowledged(cleared.state, 'fnd-000000000000', by)).toBeUndefined();
  });
});

describe('the score', () => {
  const scored = (played: ReturnType<typeof play>, at = played.minutes) =>
    scoreOf(played.state, findingsOf(played.state), atMinute(at));

  it('is unknown where nothing was read, ever or lately, and never well', () => {
    expect(scoreOf(undefined, [], atMinute(0))).toEqual({ level: 'unknown', reasons: ['nothing was read yet'] });
    expect(scored(play(times(9, silent))).level).toBe('unknown');
    expect(scored(play([{}]), 20).level).toBe('unknown');
  });

  it('falls with what is wrong, and critical is worse than any number of warnings', () => {
    expect(scored(play([{}]))).toEqual({ level: 'ok', score: 100, reasons: [] });
    const warned = scored(
      play(times(5, { temperatures: known([1, 2, 3, 4, 5, 6, 7].map(i => inlet(40, { uri: `/${i}` }))) })),
    );
    expect(warned).toMatchObject({ level: 'warning', score: 41 });
    expect(scored(play(times(5, stopped)))).toMatchObject({ level: 'critical', score: 40 });
  });

  it('keeps a critical finding while the BMC is silent, and says that it is old', () => {
    const lost = play(times(30, silent), { after: play(times(5, stopped)) });
    expect(scored(lost)).toMatchObject({
      level: 'critical',
      reasons: [
        expect.stringContaining('nothing was read since'),
        expect.stringMatching(/^Fan .*not read since/),
        expect.stringContaining('does not answer'),
      ],
    });
  });

  it('makes little of what concerns the BMC alone', () => {
    const drifted = play(times(2, {}), {
      given: { firmware: [{ component: 'bios', have: '1.0', want: '1.1', differs: known(true) }] },
    });
    expect(scored(drifted)).toMatchObject({ level: 'warning', score: 95, reasons: ['bios runs 1.0, wanted is 1.1'] });
  });

  it('counts two parts that fail at once for two', () => {
    const both = {
      powerSupplies: known([supplyOf(1), supplyOf(2, 'warning')]),
      temperatures: known([sensorOf('X', 96)]),
    };
    expect(scored(play(times(5, both)))).toMatchObject({ level: 'warning', score: 70 });
  });
});
