import { describe, expect, it } from 'vitest';
import { known } from '../../src/core/bmc.ts';
import type { Finding } from '../../src/core/finding.ts';
import { type CordonFacts, cordonAdvice, hardwareVerdict, withinCordonBudget } from '../../src/health/cordon-advice.ts';
import { type Crash, crashSignal } from '../../src/health/crashes.ts';
import { findingsOf } from '../../src/health/evaluate.ts';
import { kindRules } from '../../src/health/kinds.ts';
import {
  atMinute,
  dimmOf,
  driveOf,
  entryOf,
  fanOf,
  inlet,
  minute,
  type Played,
  play,
  sensorOf,
  silent,
  supplyOf,
  times,
} from '../support/health-samples.ts';

const lostMemory = { memory: known([dimmOf({ uncorrected: 1, health: 'critical' })]) };
const stoppedFan = { fans: known([fanOf(0)]) };
const hotCpu = { temperatures: known([inlet(22), sensorOf('CPU1 Temp', 99)]) };
const critical = { log: known([entryOf('1', atMinute(1))]) };

function advice(played: Played, more: Partial<CordonFacts> = {}) {
  const now = atMinute(played.minutes - 1);
  const { readAt } = played.state;
  return cordonAdvice({
    findings: findingsOf(played.state),
    alarms: [],
    healthyForMs: 6 * 60 * minute,
    now,
    ...(readAt === undefined ? {} : { readAt: new Date(readAt) }),
    ...more,
  });
}

const crash = (workload: string, more: Partial<Crash> = {}): Crash => ({
  workload,
  container: 'app',
  reason: 'Error',
  exitCode: 139,
  at: atMinute(5).toISOString(),
  elsewhere: false,
  ...more,
});

describe('advice to cordon', () => {
  it.each([
    ['a fan and the heat that follows', { ...stoppedFan, ...hotCpu }],
    ['memory and a fan', { ...lostMemory, ...stoppedFan }],
    ['a drive and memory', { ...lostMemory, drives: known([driveOf({ predicted: true })]) }],
  ])('takes two independent signals: %s', (_, bad) => {
    expect(advice(play(times(10, bad)))).toMatchObject({ advice: 'cordon', signals: [{}, {}] });
  });

  it('takes crashes that nothing else explains with memory errors, or with what the log says', () => {
    const pods = crashSignal('n1', [crash('Deployment shop/web'), crash('Deployment shop/api')], atMinute(9));
    const crashing = advice(play(times(10, lostMemory)), pods ? { pods } : {});
    expect(crashing).toMatchObject({ signals: [{ source: 'memory' }, { source: 'pods' }] });
    const logged = advice(play([{}, ...times(9, critical)]), pods ? { pods } : {});
    expect(logged).toMatchObject({ signals: [{ source: 'log' }, { source: 'pods' }] });
  });

  it.each([0.2, 60, 400])('takes two samples of each, when they are %s seconds apart', seconds => {
    const played = (samples: number) => play(times(samples, { ...stoppedFan, ...hotCpu }), { everyMs: seconds * 1000 });
    const opened = kindRules['component-temperature'].raise.bad;
    const now = (samples: number) => new Date(atMinute(0).getTime() + (samples - 1) * seconds * 1000);
    expect(advice(played(opened), { now: now(opened) }).advice).toBe('none');
    expect(advice(played(opened + 1), { now: now(opened + 1) }).advice).toBe('cordon');
  });

  it.each([
    ['one signal alone', lostMemory],
    ['what the log repeats of a fan', { ...stoppedFan, ...critical }],
    ['what the log repeats of memory', { ...lostMemory, ...critical }],
    ['two findings of one witness', { powerSupplies: known([supplyOf(1), supplyOf(2, 'critical')]) }],
    ['wear and a warm inlet', { temperatures: known([inlet(45)]), drives: known([driveOf({ life: 2 })]) }],
    ['a roll-up', { health: known('critical' as const), ...critical }],
  ])('is not given for %s', (_, bad) => {
    expect(advice(play([{}, ...times(20, bad)])).advice).toBe('none');
  });

  it('is not given for a BMC that does not answer, whatever else happens', () => {
    const gone = play([{}, ...times(40, silent)]);
    const pods = { source: 'pods' as const, id: 'crashes n1', text: '2 workloads crash' };
    expect(advice(gone, { pods }).advice).toBe('none');
    const after = play(times(20, silent), { after: play(times(10, { ...stoppedFan, ...hotCpu })) });
    expect(advice(after)).toEqual({ advice: 'none', reason: 'the server is not read at present' });
  });

  it('is not given for one sample', () => {
    const both = { ...lostMemory, ...stoppedFan, ...hotCpu, ...critical };
    for (let samples = 1; samples <= 3; samples++) {
      expect(advice(play([{}, ...times(samples, both)])).advice).toBe('none');
    }
  });

  it('is not given for what a person has acknowledged', () => {
    const played = play(times(10, { ...stoppedFan, ...lostMemory }));
    const findings = findingsOf(played.state).map((each): Finding => ({ ...each, state: 'acknowledged' }));
    expect(advice(played, { findings }).advice).toBe('none');
  });

  it('is not given for what a person declined, and is for what came beside it', () => {
    const played = play(times(10, { ...stoppedFan, ...hotCpu, ...lostMemory }));
    const idOf = (kind: string) => findingsOf(played.state).find(each => each.kind === kind)?.id ?? '';
    const memory = new Set([idOf('memory-uncorrectable')]);
    expect(advice(played, { declined: memory })).toMatchObject({
      signals: [{ source: 'fan' }, { source: 'temperature' }],
    });
    expect(advice(played, { declined: new Set([...memory, idOf('fan')]) }).advice).toBe('none');
  });

  it('does not take heat for a signal in a warm room', () => {
    const played = play(times(10, { ...lostMemory, ...hotCpu }));
    expect(advice(played).advice).toBe('cordon');
    const [some] = findingsOf(played.state);
    const room = { ...some, kind: 'site-inlet', state: 'open', covers: ['n1'] } as Finding;
    expect(advice(played, { alarms: [room] })).toMatchObject({ advice: 'none' });
  });
});

describe('a cordon on this advice', () => {
  const bad = play(times(10, { ...stoppedFan, ...hotCpu }));
  const cordonedSince = atMinute(10);

  it('is released when all has been well for hours', () => {
    const soon = play(times(120, {}), { after: bad });
    expect(advice(soon, { cordonedSince })).toEqual({ advice: 'keep', reason: 'well for 1 h of 6 h' });
    const later = play(times(370, {}), { after: bad });
    expect(advice(later, { cordonedSince })).toEqual({ advice: 'release', reason: 'no signal for 6 h' });
  });

  it('is kept while one signal stands, pods crash, or the server is not read', () => {
    const half = play(times(900, stoppedFan), { after: bad });
    expect(advice(half, { cordonedSince }).advice).toBe('keep');
    const well = play(times(900, {}), { after: bad });
    const pods = { source: 'pods' as const, id: 'crashes n1', text: '2 workloads crash' };
    expect(advice(well, { cordonedSince, pods })).toEqual({ advice: 'keep', reason: '2 workloads crash' });
    const blind = play(times(900, silent), { after: play(times(20, {}), { after: bad }) });
    expect(advice(blind, { cordonedSince }).advice).toBe('keep');
  });

  it('is not kept for a day by what the log said, but for as long as after any signal', () => {
    const logged = play(times(370, critical), { after: bad });
    expect(advice(logged, { cordonedSince, healthyForMs: 60 * minute }).advice).toBe('release');
    const late = { log: known([entryOf('2', atMinute(350))]) };
    const again = play([...times(350, {}), ...times(20, late)], { after: bad });
    expect(advice(again, { cordonedSince, healthyForMs: 60 * minute })).toEqual({
      advice: 'keep',
      reason: 'well for 19 min of 1 h',
    });
  });

  it('is kept for hours, even where every signal is forgotten', () => {
    expect(advice(play(times(30, {})), { cordonedSince: atMinute(0) }).advice).toBe('keep');
  });
});

describe('what a Node is told of its hardware', () => {
  const verdict = (played: Played, more: Partial<CordonFacts> = {}) => {
    const { readAt } = played.state;
    const now = atMinute(played.minutes - 1);
    const read = readAt === undefined ? {} : { readAt: new Date(readAt) };
    return hardwareVerdict({ findings: findingsOf(played.state), alarms: [], now, ...read, ...more }).verdict;
  };
  const pods = { source: 'pods' as const, id: 'crashes n1', text: '2 workloads crash' };

  it.each<[string, Played, string]>([
    ['well', play(times(20, {})), 'well'],
    ['well, whatever its log said a while ago', play([{}, ...times(20, critical)]), 'well'],
    ['failing', play(times(20, lostMemory)), 'failing'],
    [
      'neither, while it is only a warning',
      play(times(20, { drives: known([driveOf({ predicted: true })]) })),
      'doubtful',
    ],
    ['nothing, where nobody reads it', play(times(20, silent), { after: play(times(10, lostMemory)) }), 'unread'],
  ])('is %s', (_, played, expected) => {
    expect(verdict(played)).toBe(expected);
  });

  it('is not that it fails where a person knows of it, nor that it is well', () => {
    const played = play(times(20, lostMemory));
    const findings = findingsOf(played.state).map((each): Finding => ({ ...each, state: 'acknowledged' }));
    expect(verdict(played, { findings })).toBe('doubtful');
    expect(verdict(play(times(20, {})), { pods })).toBe('doubtful');
  });
});

describe('the budget of cordons', () => {
  it('is never exceeded, and zero means none', () => {
    expect(withinCordonBudget(['a', 'b', 'c'], { maxCordoned: 3, alreadyCordoned: 1 })).toEqual(['a', 'b']);
    expect(withinCordonBudget(['a'], { maxCordoned: 0, alreadyCordoned: 0 })).toEqual([]);
    expect(withinCordonBudget(['a'], { maxCordoned: 1, alreadyCordoned: 4 })).toEqual([]);
    for (const odd of [Number.NaN, Number.POSITIVE_INFINITY, -1]) {
      expect(withinCordonBudget(['a'], { maxCordoned: odd, alreadyCordoned: 0 })).toEqual([]);
      expect(withinCordonBudget(['a'], { maxCordoned: 1, alreadyCordoned: odd })).toEqual([]);
    }
  });
});

describe('crashes', () => {
  const now = atMinute(9);
  const [web, api] = [crash('Deployment shop/web'), crash('Deployment shop/api')];

  it('are a signal when several workloads end as bad memory ends them', () => {
    expect(crashSignal('n1', [web, api], now)?.text).toBe(
      '2 workloads crash on this node alone: Deployment shop/api, Deployment shop/web',
    );
  });

  it.each([
    ['of one workload', [web, web]],
    ['that happen elsewhere too', [web, { ...api, elsewhere: true }]],
    ['by a limit of memory', [web, { ...api, reason: 'OOMKilled', exitCode: 137 }]],
    ['with an ordinary exit code', [web, { ...api, exitCode: 1 }]],
    ['of long ago', [web, { ...api, at: atMinute(-60).toISOString() }]],
    ['whose time is not known', [web, { workload: 'x', elsewhere: false, reason: 'Error', exitCode: 139 }]],
  ])('%s are none', (_, crashes) => {
    expect(crashSignal('n1', crashes, now)).toBeUndefined();
  });
});
