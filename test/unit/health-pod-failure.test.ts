import { describe, expect, it } from 'vitest';
import { known } from '../../src/core/bmc.ts';
import { findingsOf } from '../../src/health/evaluate.ts';
import { explainPodFailure, type PodFailureFacts } from '../../src/health/explain-pod-failure.ts';
import { atMinute, dimmOf, driveOf, entryOf, fanOf, play, supplyOf, times } from '../support/health-samples.ts';

const crashed = (minutes: number): PodFailureFacts['failure'] => ({
  workload: 'Deployment shop/web',
  container: 'app',
  reason: 'Error',
  exitCode: 139,
  at: atMinute(minutes).toISOString(),
  elsewhere: false,
});

/** What explains a crash in minute 20 on a server that was like this from minute 10 to minute 30. */
function explained(bad: Parameters<typeof play>[0][number], more: Partial<PodFailureFacts> = {}) {
  const { state } = play([...times(10, {}), ...times(20, bad)]);
  return explainPodFailure({
    failure: crashed(20),
    findings: findingsOf(state),
    readThen: true,
    othersThen: 0,
    ...more,
  });
}

const lostMemory = { memory: known([dimmOf({ uncorrected: 1, health: 'critical' })]) };
const brokenDrive = { drives: known([driveOf({ health: 'critical' })]) };
const lostPod = { workload: 'pod x', reason: 'NodeLost', at: atMinute(20).toISOString(), elsewhere: false };
const lostSupply = { powerSupplies: known([supplyOf(1), supplyOf(2, 'critical')]) };

describe('a pod that crashed', () => {
  it('is explained by memory that lost what it held', () => {
    const [first] = explained(lostMemory);
    expect(first).toMatchObject({ cause: 'memory-uncorrectable', confidence: 'high' });
    expect(first?.evidence).toHaveLength(1);
  });

  it('is explained by memory rather than by a fan, and by neither with certainty where others fail too', () => {
    const both = { ...lostMemory, fans: known([fanOf(0)]) };
    expect(explained(both).map(({ cause }) => cause)).toEqual(['memory-uncorrectable', 'fan']);
    const elsewhere = explained(both, { failure: { ...crashed(20), elsewhere: true } });
    expect(elsewhere.every(({ confidence }) => confidence !== 'high')).toBe(true);
  });

  it('is not explained by hardware that was well', () => {
    expect(explained({})).toEqual([
      { cause: 'none', text: 'nothing in the hardware explains it', confidence: 'medium', evidence: [] },
    ]);
    expect(explained({}, { failure: { ...crashed(20), elsewhere: true } })).toMatchObject([
      { text: 'nothing in the hardware explains it; the workload fails on other nodes too', confidence: 'high' },
    ]);
  });

  it('is not explained by a lost power supply beside one that works', () => {
    expect(explained(lostSupply).map(({ cause }) => cause)).toEqual(['none']);
  });

  it('is not explained by what came hours before or after', () => {
    for (const failure of [crashed(-120), crashed(300)]) {
      expect(explained(lostMemory, { failure })).toMatchObject([{ cause: 'none' }]);
    }
  });

  it('may be explained by what the log says, in the words of the machine', () => {
    const log = [entryOf('9', atMinute(21), 'CPU 1 machine check'), entryOf('8', atMinute(-90))];
    expect(explained({}, { log })).toMatchObject([
      { cause: 'log', confidence: 'low', evidence: [{ untrusted: 'CPU 1 machine check' }] },
    ]);
  });

  it('is explained by the log at our time, whatever clock the BMC has', () => {
    const hour = 3_600_000;
    const log = [entryOf('9', new Date(atMinute(21).getTime() + hour), 'CPU 1 machine check')];
    expect(explained({}, { log })).toMatchObject([{ cause: 'none' }]);
    expect(explained({}, { log, logAheadMs: hour })).toMatchObject([
      { cause: 'log', evidence: [{ at: atMinute(21).toISOString() }] },
    ]);
  });

  it('is left open where the parts that could explain it were not read, and the rest was', () => {
    expect(explained({}, { unread: ['memory', 'temperatures'] })).toEqual([
      {
        cause: 'unread',
        text: 'what was read is well, but not read around that time: memory and temperatures',
        confidence: 'low',
        evidence: [],
      },
    ]);
  });

  it('is left open where nobody looked, and where its time is not known', () => {
    expect(explained({}, { readThen: false })).toMatchObject([{ cause: 'unread' }]);
    const { at, ...timeless } = crashed(20);
    expect(at).toBeDefined();
    expect(explained(lostMemory, { failure: timeless })).toMatchObject([{ cause: 'unread' }]);
  });

  it('is explained better when other workloads failed with it', () => {
    const slow = play(Array.from({ length: 61 }, (_, i) => ({ memory: known([dimmOf({ corrected: i })]) })));
    const heated = { fans: known([fanOf(0)]), health: known('warning' as const) };
    const because = (othersThen: number) => explained(heated, { failure: lostPod, othersThen })[0]?.confidence;
    expect([because(0), because(1)]).toEqual(['low', 'medium']);
    const rising = { failure: crashed(60), findings: findingsOf(slow.state), readThen: true, othersThen: 0 };
    expect(explainPodFailure(rising)).toMatchObject([{ cause: 'memory-corrected', confidence: 'medium' }]);
  });
});

describe('a pod that did not crash', () => {
  it('and was ended by Kubernetes is explained by that, whatever else was wrong', () => {
    const failure = { ...crashed(20), reason: 'OOMKilled', exitCode: 137 };
    const [first, second] = explained(lostMemory, { failure });
    expect(first).toMatchObject({ cause: 'workload', confidence: 'high' });
    expect(second).toMatchObject({ cause: 'memory-uncorrectable', confidence: 'low' });
  });

  it('and ended with an error is explained by its drive', () => {
    const failure = { ...crashed(20), exitCode: 1 };
    expect(explained(brokenDrive, { failure })[0]).toMatchObject({ cause: 'drive-health', confidence: 'medium' });
  });

  it('and was lost with its node is explained by the power', () => {
    expect(explained(lostSupply, { failure: lostPod })[0]).toMatchObject({
      cause: 'power-supply',
      confidence: 'medium',
    });
  });
});
