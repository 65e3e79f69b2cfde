import { describe, expect, it } from 'vitest';
import type { Finding, FindingKind } from '../../src/core/finding.ts';
import { evaluate, findingsOf, type ServerState } from '../../src/health/evaluate.ts';
import {
  type FaultyKind,
  faultyKinds,
  type HealthyKind,
  type History,
  healthyKinds,
  historyOf,
  minuteMs,
} from '../support/health-histories.ts';

/** Few enough to run each time. Of 1,500 histories with a noisy sensor one had a critical alarm, of all other healthy kinds none. */
const seeds = 80;

type Told = {
  /** The first finding that opened, and the first critical one, for each kind. */
  opened: { kind: FindingKind; at: number; critical: boolean }[];
  state: ServerState;
};

function told({ looks }: History): Told {
  let state: ServerState | undefined;
  const opened: Told['opened'] = [];
  for (const look of looks) {
    const next = evaluate(state, look, { site: 'bos' });
    state = next.state;
    for (const { kind, level, state: now } of next.changed) {
      if (now === 'open') opened.push({ kind, at: look.at.getTime(), critical: level === 'critical' });
    }
  }
  if (!state) throw new Error('a history without looks');
  return { opened, state };
}

const histories = (kind: HealthyKind | FaultyKind) => Array.from({ length: seeds }, (_, seed) => historyOf(kind, seed));

/** What each fault must be told as, and how soon. */
const expected: Record<FaultyKind, { as: FindingKind; within: number }> = {
  'ecc-ramp': { as: 'memory-corrected', within: 100 },
  'ecc-uncorrectable': { as: 'memory-uncorrectable', within: 5 },
  'fan-loss': { as: 'fan', within: 5 },
  'fan-silent': { as: 'fan', within: 5 },
  'psu-loss': { as: 'power-supply', within: 5 },
  'drive-predictive': { as: 'drive-predicted-failure', within: 5 },
  'inlet-ramp': { as: 'inlet-temperature', within: 90 },
  'thermal-runaway': { as: 'component-temperature', within: 30 },
};

/** What else the same fault may rightly bring about. */
const alongside: Partial<Record<FaultyKind, FindingKind[]>> = {
  'psu-loss': ['power-redundancy'],
  'inlet-ramp': ['component-temperature'],
};

describe('seeded histories', () => {
  it.each(healthyKinds)(`of a server that is well (%s): no critical alarm in ${seeds} of them`, kind => {
    const all = histories(kind).map(told);
    const alarms = all.flatMap(({ opened }) => opened);
    expect(alarms.filter(({ critical }) => critical)).toEqual([]);
    // A BMC that is away for long is told, and nothing of the hardware is.
    const allowed = kind === 'bmc-gaps' ? ['bmc-unreachable'] : [];
    const false_ = alarms.filter(({ kind: about }) => !allowed.includes(about));
    report(`${kind}: ${false_.length} false warnings in ${all.length * 4} hours`);
    expect(false_.length / all.length).toBeLessThanOrEqual(kind === 'noisy-sensor' ? 0.1 : 0);
  });

  it.each(faultyKinds)(`of a fault (%s): none of ${seeds} missed, and in time`, kind => {
    const { as, within } = expected[kind];
    const delays: number[] = [];
    for (const history of histories(kind)) {
      const fault = history.fault ?? expect.fail('a faulty history names its fault');
      const { opened } = told(history);
      const about = [as, ...(alongside[kind] ?? [])];
      expect(opened.filter(each => !about.includes(each.kind) || each.at < fault.at.getTime())).toEqual([]);
      const first = opened.find(each => each.kind === as);
      if (!first) expect.fail(`${as} was never told, ${fault.perHour} errors an hour`);
      delays.push((first.at - fault.at.getTime()) / minuteMs);
    }
    delays.sort((a, b) => a - b);
    const median = delays[Math.floor(delays.length / 2)];
    report(`${kind}: told as ${as} after ${median} minutes (median), ${delays.at(-1)} at most`);
    expect(delays.at(-1)).toBeLessThanOrEqual(within);
  });

  it('tell the same after every restart', () => {
    for (const kind of [...healthyKinds, ...faultyKinds]) {
      const { looks } = historyOf(kind, 7, 2);
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

  it('leave little to remember of a server that is well', () => {
    const { state } = told(historyOf('steady', 1));
    expect(findingsOf(state)).toEqual<Finding[]>([]);
    expect(JSON.stringify(state).length).toBeLessThan(2000);
  });
});

function report(line: string): void {
  process.stdout.write(`  ${line}\n`);
}
