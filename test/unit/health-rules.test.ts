import { describe, expect, it } from 'vitest';
import { type Fact, type HealthLevel, known, unknown } from '../../src/core/bmc.ts';
import { FleetError } from '../../src/core/errors.ts';
import { findingsOf } from '../../src/health/evaluate.ts';
import {
  atMinute,
  dimmOf,
  driveOf,
  entryOf,
  fanOf,
  inlet,
  only,
  play,
  sampleOf,
  sensorOf,
  silent,
  standing,
  supplyOf,
  times,
} from '../support/health-samples.ts';

const memory = (told: Parameters<typeof dimmOf>[0]) => ({ memory: known([dimmOf(told)]) });
const counts = (numbers: number[]) => numbers.map(corrected => memory({ corrected }));
const upTo = (count: number, step: number, from = 0) => Array.from({ length: count }, (_, i) => from + i * step);

describe('corrected memory errors', () => {
  it('are normal while they are few, however many there were before', () => {
    expect(standing(play(counts(upTo(600, 1 / 60, 40_000).map(Math.floor))))).toEqual([]);
  });

  it('are one burst, not a trend, when one sample saw them', () => {
    expect(standing(play(counts([0, ...times(120, 60)])))).toEqual([]);
    expect(standing(play(counts([0, 60, ...times(40, 120)])))).toEqual([['memory-corrected', 'warning']]);
  });

  it('are a warning from ten an hour, and critical from a hundred', () => {
    expect(standing(play(counts(upTo(61, 1 / 3).map(Math.floor))))).toEqual([['memory-corrected', 'warning']]);
    const critical = play(counts(upTo(61, 4)));
    expect(standing(critical)).toEqual([['memory-corrected', 'critical']]);
    expect(only(critical).text).toBe('DIMM A1: 240 corrected errors in the last hour, 240 in the last day');
  });

  it('are a warning when they are slow but go on for a day', () => {
    expect(standing(play(counts(upTo(1440, 1 / 50).map(Math.floor))))).toEqual([['memory-corrected', 'warning']]);
  });

  it('are over when a day has passed with few of them', () => {
    const many = play(counts(upTo(61, 4)));
    const still = times(60, memory({ corrected: 240 }));
    expect(standing(play(still, { after: many }))).toEqual([['memory-corrected', 'warning']]);
    expect(standing(play(times(1500, memory({ corrected: 240 })), { after: many }))).toEqual([]);
  });

  it('are not made by a counter that starts again, or slips to zero once', () => {
    expect(standing(play(counts([900, 900, 0, 0, 1, 1, 0, 0])))).toEqual([]);
    expect(standing(play(counts([900, 0, 900, 900, 0, 0, 900, 901, 0, 901])))).toEqual([]);
  });

  it('are counted on after a counter started again', () => {
    expect(standing(play(counts([...times(5, 900), ...upTo(61, 4)])))).toEqual([['memory-corrected', 'critical']]);
  });

  it('that came while nobody could look are spread over that time', () => {
    const gap = play([memory({}), ...times(600, silent), ...counts([150, 150, 150])]);
    expect(standing(gap).filter(([kind]) => kind === 'memory-corrected')).toEqual([]);
    const rising = play(counts([151, 152]), { after: gap });
    const [finding] = findingsOf(rising.state).filter(({ kind }) => kind === 'memory-corrected');
    expect(finding?.text).toBe('DIMM A1: 16 corrected errors in the last hour, 152 in the last day');
  });

  it('of one burst, or of one answer that is no number of errors, are no rate, though a few follow', () => {
    const few = [201, 201, 202, 202, 203, 203, 203];
    const told = (numbers: number[]) =>
      standing(play([...counts(numbers)])).filter(([kind]) => kind === 'memory-corrected');
    expect(told([0, 0, 200, 200, ...few])).toEqual([]);
    expect(told([3, 65_535, 3, 3, 4, 4, 5, 5, 6, 6])).toEqual([]);
    expect(told([0, 200, 200, 400, 400, 400])).toEqual([['memory-corrected', 'warning']]);
  });

  it('are counted for each of two modules of one name', () => {
    const pair = (second: number) => ({ memory: known([dimmOf({}), dimmOf({ corrected: second })]) });
    const [finding] = findingsOf(play(upTo(61, 4).map(pair)).state);
    expect(finding?.part.name).toBe('DIMM A1 #2');
  });
});

describe('uncorrectable memory errors', () => {
  it('are critical when they come, for more than a day, a restart of the counter notwithstanding', () => {
    const lost = play([{}, ...times(2, memory({ uncorrected: 1 }))]);
    expect(standing(lost)).toEqual([['memory-uncorrectable', 'critical']]);
    expect(standing(play(times(1400, {}), { after: lost }))).toEqual([['memory-uncorrectable', 'critical']]);
    expect(standing(play(times(1445, {}), { after: lost }))).toEqual([]);
  });

  it('from before anybody looked are a warning in a module that the BMC calls well', () => {
    expect(standing(play(times(5, memory({ uncorrected: 2 }))))).toEqual([['memory-uncorrectable', 'warning']]);
    expect(standing(play(times(5, memory({ uncorrected: 2, health: 'critical' }))))).toEqual([
      ['memory-uncorrectable', 'critical'],
    ]);
  });
});

describe('memory of a BMC without counters', () => {
  it('is judged by its health', () => {
    expect(standing(play(times(3, memory({ counters: false, health: 'warning' }))))).toEqual([
      ['memory-health', 'warning'],
    ]);
  });
});

describe('fans', () => {
  const fans = (speed: number | undefined, more: Parameters<typeof fanOf>[1] = {}) => ({
    fans: known([fanOf(speed, more)]),
  });

  it.each([
    ['stands still', fans(0), 'critical'],
    ['crawls', fans(120), 'critical'],
    ['stands still, and the BMC calls it well', fans(0, { health: known('ok') }), 'warning'],
    ['stands still at 0 %', fans(0, { unit: 'percent' }), 'critical'],
    ['is called critical without a reading', fans(undefined, { health: known('critical') }), 'critical'],
  ])('that %s', (_, bad, level) => {
    expect(standing(play(times(5, bad)))).toEqual([['fan', level]]);
  });

  it.each([
    ['turns slowly by percent', fans(8, { unit: 'percent' })],
    ['is absent', fans(undefined)],
    ['stands still in a server that is off', { ...fans(0), power: known('off' as const) }],
    ['stands still in a server that may be off', { ...fans(0), power: unknown('no answer') }],
  ])('that %s is no finding', (_, well) => {
    expect(standing(play(times(10, well)))).toEqual([]);
  });
});

describe('temperatures', () => {
  const seen = (sensor: ReturnType<typeof sensorOf>) => standing(play(times(6, { temperatures: known([sensor]) })));

  it.each([
    ['past the limit of the BMC', sensorOf('CPU', 91, { upperCaution: 90, upperCritical: 95 }), 'component', 'warning'],
    ['past its critical limit', sensorOf('CPU', 95, { upperCaution: 90, upperCritical: 95 }), 'component', 'critical'],
    ['past a usual limit', sensorOf('Card', 96), 'component', 'warning'],
    ['of an inlet without limits', sensorOf('Ambient Temp', 39), 'inlet', 'warning'],
    ['of an inlet with one limit', sensorOf('01-Inlet Ambient', 38.5, { upperCritical: 42 }), 'inlet', 'warning'],
    ['that the BMC calls critical', sensorOf('CPU', 50, { health: known('critical') }), 'component', 'critical'],
    ['that the BMC calls well past its limit', inlet(60, { health: known('ok') }), 'inlet', 'warning'],
  ])('%s', (_, sensor, kind, level) => {
    expect(seen(sensor)).toEqual([[`${kind}-temperature`, level]]);
  });

  it.each([
    ['of a component just under its only limit', sensorOf('CPU', 98, { upperCritical: 99 })],
    ['that no sensor can mean', sensorOf('CPU', 255)],
    ['that counts down to a limit', sensorOf('P1 Therm Margin', -71)],
    ['that is missing', sensorOf('CPU', undefined)],
    ['of the inlet of a power supply', sensorOf('PSU1 Inlet Temp', 55)],
  ])('%s are no finding', (_, sensor) => {
    expect(seen(sensor)).toEqual([]);
  });
});

describe('the redundancy of fans', () => {
  const grouped = (health: HealthLevel, more = {}) =>
    times(5, { redundancy: known([{ uri: '/r', name: 'Fans', of: 'fans' as const, health: known(health) }]), ...more });

  it('is lost when the BMC says so long enough, and is back likewise', () => {
    const open = play(grouped('warning'));
    expect(standing(open)).toEqual([['fan-redundancy', 'warning']]);
    expect(standing(play(grouped('warning').slice(0, 2)))).toEqual([]);
    expect(standing(play(grouped('ok').slice(0, 4), { after: open }))).toHaveLength(1);
    expect(standing(play(grouped('ok'), { after: open }))).toEqual([]);
  });

  it('is nothing that a server needs that is off', () => {
    expect(standing(play(grouped('critical', { power: known('off') })))).toEqual([]);
  });
});

describe('power', () => {
  const supplies = (...list: ReturnType<typeof supplyOf>[]) => times(5, { powerSupplies: known(list) });

  it('loses its spare with one of two supplies', () => {
    expect(standing(play(supplies(supplyOf(1), supplyOf(2, 'critical'))))).toEqual([
      ['power-redundancy', 'warning'],
      ['power-supply', 'critical'],
    ]);
  });

  it('has none to spare where the BMC says so, though every supply is well; what it does not judge says nothing', () => {
    const grouped = (health: Fact<HealthLevel>) =>
      times(5, { redundancy: known([{ uri: '/r', name: 'PSU Redundancy', of: 'supplies' as const, health }]) });
    expect(standing(play(grouped(known('warning'))))).toEqual([['power-redundancy', 'warning']]);
    expect(standing(play(grouped(known('critical'))))).toEqual([['power-redundancy', 'warning']]);
    expect(standing(play(grouped(unknown('switched off'))))).toEqual([]);
    expect(standing(play(grouped(known('warning')).slice(0, 2)))).toEqual([]);
    const open = play(grouped(known('warning')));
    expect(standing(play(grouped(known('ok')).slice(0, 4), { after: open }))).toHaveLength(1);
    expect(standing(play(grouped(known('ok')), { after: open }))).toEqual([]);
  });

  it('has a spare left with one of three gone', () => {
    const three = supplies(supplyOf(1), supplyOf(2, 'critical'), supplyOf(3));
    expect(standing(play(three))).toEqual([['power-supply', 'critical']]);
  });

  it('cannot be told where a supply was not read', () => {
    const blind = { ...supplyOf(2), health: unknown('no answer') };
    expect(standing(play(supplies(supplyOf(1), blind)))).toEqual([]);
    const open = play(supplies(supplyOf(1), supplyOf(2, 'critical')));
    expect(standing(play(times(2, supplies(supplyOf(1), blind)).flat(), { after: open }))).toHaveLength(2);
  });
});

describe('drives', () => {
  const drive = (told: Parameters<typeof driveOf>[0]) => standing(play(times(5, { drives: known([driveOf(told)]) })));

  it('are told as failed, failing or worn', () => {
    expect(drive({ health: 'critical' })).toEqual([['drive-health', 'critical']]);
    expect(drive({ health: 'warning', predicted: true })).toEqual([['drive-predicted-failure', 'warning']]);
    expect(drive({ life: 5 })).toEqual([['drive-wear', 'warning']]);
    expect(drive({ life: 6 })).toEqual([]);
    expect(drive({ life: 0, hdd: true })).toEqual([]);
  });
});

describe('the event log', () => {
  const log = (entries: ReturnType<typeof entryOf>[], at?: Date) => ({
    log: known(entries),
    bmcTime: at ? known(at.toISOString()) : unknown('not given'),
  });
  const old = entryOf('4', atMinute(-3 * 1440));
  const young = entryOf('5', atMinute(1), 'DIMM lost');

  it('tells what is new, once, and not what stood there before', () => {
    expect(standing(play(times(5, log([entryOf('4', undefined)]))))).toEqual([]);
    const news = play([log([old]), ...times(5, log([young, old]))]);
    expect(news.changed).toHaveLength(1);
    expect(only(news)).toMatchObject({ text: '1 new critical entry in the event log within a day', level: 'warning' });
    expect(only(news).evidence).toEqual([expect.objectContaining({ untrusted: 'DIMM lost' })]);
  });

  it('tells at the first look what is young by the clock of the BMC', () => {
    expect(standing(play([log([young, old], atMinute(2))]))).toEqual([['log-critical', 'warning']]);
    expect(standing(play([log([old], atMinute(2))]))).toEqual([]);
  });

  it('takes an entry with an old id for a new one after the log was cleared', () => {
    const before = play([log([entryOf('1', atMinute(-9999))])]);
    expect(standing(play([log([]), log([entryOf('1', atMinute(2))])], { after: before }))).toHaveLength(1);
  });

  it('takes no old entry for news when it is shown again', () => {
    const before = play([log([old]), log([])]);
    expect(standing(play([log([old])], { after: before }))).toEqual([]);
    const olderPage = log([old, entryOf('3', atMinute(-5 * 1440))], atMinute(3));
    expect(standing(play([olderPage], { after: before }))).toEqual([]);
  });

  it('is quiet again a day later', () => {
    const news = play([log([old]), log([young, old])]);
    expect(standing(play(times(1439, log([young, old])), { after: news }))).toHaveLength(1);
    expect(standing(play(times(1441, log([young, old])), { after: news }))).toEqual([]);
  });

  it('is nearly full by what others found out', () => {
    expect(standing(play(times(3, {}), { given: { logFilled: 0.93 } }))).toEqual([['log-full', 'warning']]);
  });
});

describe('the BMC', () => {
  it('is unreachable after five looks, and a restart is shorter than that', () => {
    expect(standing(play([{}, ...times(4, silent), {}]))).toEqual([]);
    const lost = play([{}, ...times(5, silent)]);
    expect(standing(lost)).toEqual([['bmc-unreachable', 'warning']]);
    expect(standing(play(times(3, {}), { after: lost }))).toEqual([]);
  });

  it('that refuses us is of no use, but reachable', () => {
    const refused = new FleetError({ code: 'bmc_auth', message: 'log-in refused' });
    expect(standing(play(times(8, refused)))).toEqual([['bmc-degraded', 'warning']]);
  });

  it('that tells much less than usual is degraded, unless its server is off', () => {
    const poor = { temperatures: unknown('500'), fans: unknown('500'), drives: unknown('500') };
    const degraded = play([...times(3, {}), ...times(5, poor)]);
    expect(standing(degraded)).toEqual([['bmc-degraded', 'warning']]);
    expect(only(degraded).text).toMatch(/readings; not read: temperatures, fans, drives$/);
    expect(standing(play([...times(3, {}), ...times(9, { ...poor, power: known('off' as const) })]))).toEqual([]);
  });

  it('has a clock that is wrong by more than five minutes', () => {
    const skewed = (minutes: number) =>
      standing(play(Array.from({ length: 3 }, (_, i) => ({ bmcTime: known(atMinute(i + minutes).toISOString()) }))));
    expect(skewed(6)).toEqual([['clock-skew', 'warning']]);
    expect(skewed(-6)).toEqual([['clock-skew', 'warning']]);
    expect(skewed(4.5)).toEqual([]);
  });

  it('has a certificate that ends', () => {
    const ending = (days: number) => standing(play([{}], { given: { certificateExpires: atMinute(days * 1440) } }));
    expect(ending(30)).toEqual([]);
    expect(ending(20)).toEqual([['certificate-expiry', 'warning']]);
    expect(ending(-1)).toEqual([['certificate-expiry', 'critical']]);
  });

  it('tells of firmware that is not the wanted one, and nothing where that is not known', () => {
    const drift = (differs: Parameters<typeof known<boolean>>[0] | undefined) => {
      const fact = differs === undefined ? unknown('no version') : known(differs);
      return standing(play([{}], { given: { firmware: [{ component: 'bmc', have: '1', want: '2', differs: fact }] } }));
    };
    expect(drift(true)).toEqual([['firmware-drift', 'warning']]);
    expect([drift(false), drift(undefined)]).toEqual([[], []]);
  });
});

describe('the roll-up of the BMC', () => {
  const ill = { health: known('critical' as const) };

  it('is told where no part explains it', () => {
    expect(standing(play(times(5, ill)))).toEqual([['system-health', 'critical']]);
    expect(standing(play(times(5, { ...ill, fans: known([fanOf(0)]) })))).toEqual([['fan', 'critical']]);
  });
});

it('remembers little of a server with 200 sensors that are well', () => {
  const sensors = Array.from({ length: 200 }, (_, i) => sensorOf(`T${i}`, 40 + (i % 30), { upperCaution: 90 }));
  const dimms = Array.from({ length: 32 }, (_, i) => ({ ...dimmOf({}), dimm: `D${i}` }));
  const busy = sampleOf({ temperatures: known(sensors), memory: known(dimms) });
  const { state } = play(times(300, busy));
  expect(JSON.stringify(state).length).toBeLessThan(5000);
});
