import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { OperationNode } from '../../src/core/operation.ts';
import { type StepName, stepLimits, stuckSteps } from '../../src/planning/step-limits.ts';

const minute = 60_000;
const timings = {
  pollMs: 2000,
  drainMs: 10 * minute,
  updateMs: 45 * minute,
  rebootMs: 20 * minute,
  rejoinMs: 15 * minute,
  resetSettleMs: 5 * minute,
  stallMs: 30 * minute,
  gateMs: 15 * minute,
  soakMs: 5 * minute,
};
const begun = '2026-11-26T12:00:00.000Z';
const later = (ms: number) => new Date(Date.parse(begun) + ms);

function at(step: string, change: Partial<OperationNode> = {}) {
  const node = {
    node: 'w-1',
    wave: 1,
    state: 'running',
    step,
    message: '',
    updatedAt: begun,
    stepSince: begun,
  } as const;
  return { id: 'op-1', nodes: [{ ...node, ...change } as OperationNode] };
}

describe('the limits of steps', () => {
  it('are there for every step that a workflow names, and for no other', () => {
    const folder = new URL('../../src/workflows/', import.meta.url);
    const text = readdirSync(folder)
      .map(file => readFileSync(new URL(file, folder), 'utf8'))
      .join('\n');
    const named = [...text.matchAll(/(?:steps|own)\s*\.(?:step|quietly)\(\s*'([^']+)'/g)].map(([, name]) => name);
    expect(named.length).toBeGreaterThan(40);
    expect([...new Set(named)].sort()).toEqual(Object.keys(stepLimits).sort());
  });

  it.each(Object.keys(stepLimits) as StepName[])('make %s stuck a minute after its limit, and not before', step => {
    const limitMs = stepLimits[step].ms(timings);
    expect(limitMs).toBeGreaterThan(0);
    expect(stuckSteps(at(step), timings, later(limitMs + minute))).toEqual([]);
    expect(stuckSteps(at(step), timings, later(limitMs + minute + 1))).toHaveLength(1);
  });

  it('are no shorter than what the step itself waits for', () => {
    const { drainMs, updateMs, rebootMs, rejoinMs, gateMs, soakMs } = timings;
    const waits: [StepName, number][] = [
      ['drain', drainMs],
      ['budgets', drainMs + updateMs + rebootMs + rejoinMs],
      ['transfer', updateMs],
      ['apply', updateMs],
      ['verify', rebootMs],
      ['rejoin', rebootMs + rejoinMs],
      ['steady', gateMs],
      ['soak', soakMs],
    ];
    for (const [step, ms] of waits) expect([step, stepLimits[step].ms(timings) >= ms]).toEqual([step, true]);
  });
});

describe('longer patience', () => {
  it.each(Object.keys(timings) as (keyof typeof timings)[])('in %s makes no step stuck sooner', name => {
    const patient = { ...timings, [name]: timings[name] + minute };
    const sooner = Object.entries(stepLimits).filter(([, { ms }]) => ms(patient) < ms(timings));
    expect(sooner).toEqual([]);
  });
});

describe('a stuck step', () => {
  it('says for how long, what its limit is, and how to stop it', () => {
    expect(stuckSteps(at('identity'), timings, later(12 * minute))).toEqual([
      'identity of w-1 for 12 min, limit 10 min; cancel-operation op-1 stops it where that is safe',
    ]);
  });
  it('is known within the change that it belongs to', () => {
    expect(stuckSteps(at('bios/verify'), timings, later(600 * minute))).toHaveLength(1);
  });
  it('is never told to be cancelled once the machine may have changed', () => {
    const [told] = stuckSteps(at('transfer'), timings, later(2 * 60 * minute));
    expect(told).toContain('get-bmc-status w-1');
    expect(told).not.toContain('cancel');
  });
  it.each<[string, Partial<OperationNode>]>([
    ['has ended', { state: 'failed' }],
    ['came to its step before this was kept', { stepSince: undefined }],
  ])('is none on a node that %s', (_, change) => {
    expect(stuckSteps(at('identity', change), timings, later(600 * minute))).toEqual([]);
  });
});
