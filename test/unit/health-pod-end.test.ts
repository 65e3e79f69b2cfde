import { describe, expect, it } from 'vitest';
import { known, unknown } from '../../src/core/bmc.ts';
import type { PodEventFacts } from '../../src/core/cluster-facts.ts';
import { findingsOf } from '../../src/health/evaluate.ts';
import { explainPodFailure, type PodFailureFacts } from '../../src/health/explain-pod-failure.ts';
import { byPod, endOf } from '../../src/health/pod-end.ts';
import { atMinute, dimmOf, entryOf, play, times } from '../support/health-samples.ts';

function event(minute: number, reason: string, more: Partial<PodEventFacts> = {}): PodEventFacts {
  const at = atMinute(minute).toISOString();
  return { type: 'Normal', reason, message: '', count: 1, source: 'kubelet', firstSeen: at, lastSeen: at, ...more };
}

describe('the end of a pod by its Events', () => {
  const scheduled = { scheduled: true };

  it('is what drove it off, not that its containers were stopped for it', () => {
    const events = [event(3, 'Killing'), event(2, 'Evicted'), event(1, 'Started')];
    expect(endOf(events, scheduled)).toEqual({ reason: 'Evicted', at: atMinute(2).toISOString() });
  });

  it('is the newest of its kind', () => {
    const events = [event(5, 'Killing', { container: 'b' }), event(9, 'Killing', { container: 'a' })];
    expect(endOf(events, scheduled)).toMatchObject({ at: atMinute(9).toISOString(), container: 'a' });
  });

  it('is not that no node took it, where one did in the end', () => {
    expect(endOf([event(1, 'FailedScheduling')], scheduled)).toBeUndefined();
    expect(endOf([event(1, 'FailedScheduling')], { scheduled: false })).toMatchObject({ reason: 'FailedScheduling' });
  });

  it('is not told by what says nothing of an end', () => {
    expect(endOf([event(1, 'Pulled'), event(2, 'EvilReason')], scheduled)).toBeUndefined();
  });
});

describe('Events of pods that had one name after each other', () => {
  it('are told apart, those without a uid by when they were seen', () => {
    const events = [
      event(20, 'Started', { uid: 'new' }),
      event(10, 'TaintManagerEviction'),
      event(0, 'Started', { uid: 'old' }),
    ];
    const seen = [...byPod(events)].map(([uid, told]) => [uid, told.map(({ reason }) => reason)]);
    expect(Object.fromEntries(seen)).toEqual({ new: ['Started'], old: ['TaintManagerEviction', 'Started'] });
    expect([...byPod(events.slice(0, 2)).keys()]).toEqual(['new', '']);
  });
});

describe('a pod that is gone', () => {
  const lost = { workload: 'not known', reason: 'NodeNotReady', at: atMinute(20).toISOString(), elsewhere: false };
  const bad = { memory: known([dimmOf({ uncorrected: 1, health: 'critical' as const })]) };
  const own = { uid: 'u', node: 'w-1', operation: 'op-1', kind: 'drain', at: lost.at, sure: true, requester: 'a' };
  const evicted = { ...own, approvers: ['b'] };

  function explained(more: Partial<PodFailureFacts>, sick = true) {
    const { state } = play([...times(10, {}), ...times(20, sick ? bad : {})]);
    const facts = { failure: lost, findings: findingsOf(state), readThen: true, othersThen: 0 };
    return explainPodFailure({ ...facts, ...more });
  }

  it('is explained by hardware with less confidence where an Event alone tells of it', () => {
    expect(explained({ told: 'pod' })[0]).toMatchObject({ cause: 'memory-uncorrectable', confidence: 'high' });
    expect(explained({ told: 'event' })[0]).toMatchObject({ cause: 'memory-uncorrectable', confidence: 'medium' });
    expect(explained({ told: 'event' }, false)).toMatchObject([
      { cause: 'cluster' },
      { cause: 'none', confidence: 'low' },
    ]);
  });

  it('is explained by our own eviction before anything else', () => {
    const failure = { ...lost, reason: 'Killing' };
    expect(explained({ told: 'event', failure, evicted })).toMatchObject([
      { cause: 'groundskeeper', confidence: 'high', text: expect.stringContaining('approved by b') },
      { cause: 'memory-uncorrectable', confidence: 'low' },
    ]);
  });

  it('is left open between our eviction and another end that the cluster tells of', () => {
    for (const more of [{ evicted }, { evicted: { ...evicted, sure: false }, failure: { ...lost, reason: 'Killing' } }])
      expect(explained({ told: 'event', ...more })[0]).toMatchObject({
        cause: 'groundskeeper',
        confidence: 'medium',
        text: expect.stringContaining('may have evicted it'),
      });
  });

  it('is not explained by a reason that means nothing here', () => {
    const failure = { ...lost, reason: 'constructor' };
    expect(explained({ failure }, false)).toMatchObject([{ cause: 'none' }]);
  });

  it('that no node took has no server to ask', () => {
    const failure = { ...lost, reason: 'FailedScheduling' };
    expect(explained({ told: 'event', failure, readThen: false }, false)).toMatchObject([{ cause: 'cluster' }]);
  });

  it('is near an entry of a log by when that came to us, where the BMC gave it no time', () => {
    const taken = (minute: number) => [
      { ...entryOf('9', atMinute(21), 'PSU 1 lost'), created: unknown('none'), takenAt: atMinute(minute) },
    ];
    expect(explained({ log: taken(22) }, false)[0]).toMatchObject({
      cause: 'log',
      evidence: [
        { text: expect.stringMatching(/^critical entry, without a BMC time, received /), untrusted: 'PSU 1 lost' },
      ],
    });
    expect(explained({ log: taken(200) }, false).map(({ cause }) => cause)).not.toContain('log');
  });
});
