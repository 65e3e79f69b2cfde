import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { known, unknown } from '../../src/core/bmc.ts';
import { FleetError } from '../../src/core/errors.ts';
import { cordonAdvice } from '../../src/health/cordon-advice.ts';
import { counted, type ErrorCounter, rateOf } from '../../src/health/error-counter.ts';
import { findingsOf, type ServerState } from '../../src/health/evaluate.ts';
import { areIndependent, kindRules } from '../../src/health/kinds.ts';
import {
  atMinute,
  dimmOf,
  driveOf,
  entryOf,
  fanOf,
  inlet,
  minute,
  play,
  sensorOf,
  silent,
  supplyOf,
} from '../support/health-samples.ts';

const level = fc.constantFrom('ok' as const, 'ok' as const, 'warning' as const, 'critical' as const);
const sample = fc
  .record({
    cpu: fc.integer({ min: 40, max: 105 }),
    air: fc.integer({ min: 20, max: 45 }),
    rpm: fc.constantFrom(0, 5000),
  })
  .chain(heat =>
    fc.record({ heat: fc.constant(heat), health: level, errors: fc.nat(2000), lost: fc.nat(1), entry: fc.nat(9) }),
  )
  .map(({ heat, health, errors, lost, entry }) => ({
    temperatures: known([inlet(heat.air), sensorOf('CPU1 Temp', heat.cpu)]),
    fans: known([fanOf(heat.rpm)]),
    powerSupplies: known([supplyOf(1), supplyOf(2, health)]),
    memory: known([dimmOf({ corrected: errors, uncorrected: lost, health })]),
    drives: known([driveOf({ health, predicted: lost === 1 })]),
    log: known([entryOf(String(entry), atMinute(entry))]),
  }));
/** A look that reads no part of the hardware. */
const blind = fc.constantFrom(silent, new FleetError({ code: 'bmc_auth', message: 'refused' }), {
  temperatures: unknown('500'),
  fans: unknown('500'),
  powerSupplies: unknown('500'),
  memory: unknown('500'),
  drives: unknown('500'),
  log: unknown('500'),
  health: unknown('500'),
});
const steps = fc.array(sample, { minLength: 1, maxLength: 40 });

/** What is known of the hardware, and not of the BMC. */
function hardware(state: ServerState) {
  return findingsOf(state).filter(({ kind }) => !kind.startsWith('bmc-'));
}

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) for (const part of Object.values(Object.freeze(value))) frozen(part);
  return value;
}

describe('findings', () => {
  it('of the hardware are left alone by looks that read none of it', () => {
    fc.assert(
      fc.property(steps, fc.array(blind, { minLength: 1, maxLength: 30 }), (before, gap) => {
        const played = play(before);
        const { state } = play(gap, { after: { ...played, state: frozen(played.state) } });
        expect(hardware(state)).toEqual(hardware(played.state));
      }),
    );
  });

  it('open after at least two samples, except for what is an event or a date', () => {
    fc.assert(
      fc.property(sample, one => {
        const kinds = findingsOf(play([{}, one]).state).map(({ kind }) => kind);
        expect(kinds.filter(kind => kind !== 'log-critical')).toEqual([]);
      }),
    );
  });

  it('have a beginning before their end, one id each, and never more evidence than is kept', () => {
    fc.assert(
      fc.property(steps, all => {
        const found = findingsOf(play(all).state);
        expect(new Set(found.map(({ id }) => id)).size).toBe(found.length);
        for (const { since, lastSeen, lastRead, clearedAt = lastRead, evidence, latched, state } of found) {
          expect([since, lastSeen, clearedAt]).toEqual([since, lastSeen, clearedAt].toSorted());
          expect(evidence.length).toBeGreaterThan(0);
          expect(evidence.length).toBeLessThanOrEqual(6);
          expect(latched && state === 'cleared').toBe(false);
        }
      }),
    );
  });

  it('all clear when the server is well for two days, except those that latched', () => {
    fc.assert(
      fc.property(steps, all => {
        const well = Array.from({ length: 2 * 1440 + 60 }, () => ({}));
        const left = findingsOf(play(well, { after: play(all) }).state);
        expect(left.filter(({ state, latched }) => state !== 'cleared' && !latched)).toEqual([]);
      }),
      { numRuns: 15 },
    );
  });
});

describe('advice to cordon', () => {
  it('rests on two independent witnesses that lasted, or is not given', () => {
    let given = 0;
    fc.assert(
      fc.property(sample, fc.integer({ min: 1, max: 12 }), (bad, minutes) => {
        const played = play([{}, ...Array.from({ length: minutes }, () => bad)]);
        const findings = findingsOf(played.state);
        const now = atMinute(played.minutes - 1);
        const told = cordonAdvice({ findings, alarms: [], readAt: now, healthyForMs: 1, now });
        if (told.advice !== 'cordon') return;
        given++;
        const [first, second] = told.signals;
        expect(areIndependent(first.source, second.source)).toBe(true);
        for (const { id } of told.signals) {
          const finding = findings.find(each => each.id === id) ?? expect.fail(`${id} is no finding`);
          expect(kindRules[finding.kind].source).not.toBe('none');
          expect(finding.samples).toBeGreaterThanOrEqual(2);
        }
      }),
      { numRuns: 300 },
    );
    expect(given).toBeGreaterThan(0);
  });
});

describe('a counter of errors', () => {
  const reads = fc.array(fc.nat(500), { minLength: 2, maxLength: 60 });

  it('never tells more errors than it could have counted, and never fewer than none', () => {
    fc.assert(
      fc.property(reads, counts => {
        let counter: ErrorCounter | undefined;
        for (const [index, count] of counts.entries()) counter = counted(counter, count, index * minute);
        const most = counts.slice(1).reduce((sum, count, index) => sum + Math.max(0, count - (counts[index] ?? 0)), 0);
        if (!counter) return;
        const { lastHour, lastDay } = rateOf(counter, (counts.length - 1) * minute);
        expect(lastHour).toBeGreaterThanOrEqual(0);
        expect(lastHour).toBeLessThanOrEqual(lastDay);
        expect(lastDay).toBeLessThanOrEqual(most);
      }),
    );
  });

  it('that only rises within an hour loses none', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50), { minLength: 1, maxLength: 59 }), rises => {
        let counter = counted(undefined, 1000, 0);
        let total = 0;
        for (const [index, rise] of rises.entries()) {
          total += rise;
          counter = counted(counter, 1000 + total, (index + 1) * minute);
        }
        expect(rateOf(counter, rises.length * minute).lastHour).toBe(total);
      }),
    );
  });
});
