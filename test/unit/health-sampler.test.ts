import { describe, expect, it } from 'vitest';
import { known, unknown } from '../../src/core/bmc.ts';
import { FleetError } from '../../src/core/errors.ts';
import type { HealthSample } from '../../src/core/hardware.ts';
import { nextVisit } from '../../src/health/beat.ts';
import { measured } from '../../src/health/quantities.ts';
import { busyMs, lookLimit } from '../../src/health/sampler.ts';

const everyMs = 60_000;

describe('the next look', () => {
  it('keeps the beat, however long the last one took within it', () => {
    expect(nextVisit({ planned: 1000, now: 1200, tookMs: 200, everyMs })).toBe(61_000);
    expect(nextVisit({ planned: 1000, now: 11_000, tookMs: 10_000, everyMs })).toBe(61_000);
  });

  it('leaves beats out for a BMC that is slow: at most a quarter of its time is ours', () => {
    expect(nextVisit({ planned: 0, now: 30_000, tookMs: 30_000, everyMs })).toBe(120_000);
    expect(nextVisit({ planned: 0, now: 200_000, tookMs: 200_000, everyMs })).toBe(840_000);
  });

  it('is always later, and does not make up for what a stopped clock missed', () => {
    expect(nextVisit({ planned: 0, now: 3_600_500, tookMs: 100, everyMs })).toBe(3_660_000);
    expect(nextVisit({ planned: 0, now: 0, tookMs: 0, everyMs })).toBe(60_000);
  });
});

describe('the time that a look may take', () => {
  it('is two intervals, enough for any BMC that is well, and never longer than two minutes', () => {
    expect([200, 30_000, 60_000, 3_600_000].map(lookLimit)).toEqual([5000, 60_000, 120_000, 120_000]);
  });

  it('counts as work of a BMC that was reached: one that is gone is asked at every beat', () => {
    const missed = (code: 'bmc_unreachable' | 'timeout') =>
      busyMs({ node: 'n', at: new Date(0), tookMs: 30_000, missing: new FleetError({ code, message: 'no' }) });
    const next = (tookMs: number) => nextVisit({ planned: 0, now: 30_000, tookMs, everyMs });
    expect(next(missed('bmc_unreachable'))).toBe(60_000);
    expect(next(missed('timeout'))).toBe(120_000);
  });
});

describe('a sample as numbers', () => {
  const sensor = (name: string, reading: number | undefined) => ({
    name,
    uri: `/sensors/${name}`,
    reading: reading === undefined ? unknown('none') : known(reading),
    unit: 'celsius' as const,
    health: known('ok' as const),
  });
  const sample: HealthSample = {
    power: known('on'),
    health: known('ok'),
    temperatures: known([sensor('Inlet', 22), sensor('CPU', undefined), sensor('Inlet', 24)]),
    fans: unknown('not there'),
    powerSupplies: known([]),
    redundancy: known([]),
    memory: known([{ dimm: 'A1', corrected: known(3), uncorrected: unknown('no counter'), health: known('ok') }]),
    drives: known([]),
    log: known([]),
    bmcTime: known('2026-01-01T00:00:00Z'),
  };

  it('has a place for every sensor, null for one without a reading, and tells two of one name apart', () => {
    const { quantities, values } = measured(sample);
    expect(quantities.map(({ name }, index) => [name, values[index]])).toEqual([
      ['power', 1],
      ['Inlet', 22],
      ['CPU', null],
      ['Inlet #2', 24],
      ['A1 corrected errors', 3],
    ]);
  });

  it('does not take an unknown power state for off', () => {
    expect(measured({ ...sample, power: unknown('no answer') }).values[0]).toBeNull();
    expect(measured({ ...sample, power: known('off') }).values[0]).toBe(0);
  });
});
