/** Where a rollout begins and how it grows, on fleets that a person can count. */
import { describe, expect, it } from 'vitest';
import { planWaves, type WaveTarget } from '../../src/planning/waves.ts';

function target(node: string, change: Partial<WaveTarget> = {}): WaveTarget {
  const place = { site: 'boston', cluster: 'boston', zone: undefined };
  return { node, role: 'worker', cohort: 'R750', unavailable: false, ...place, ...change };
}

const names = (count: number, prefix = 'n') => Array.from({ length: count }, (_, n) => `${prefix}${n}`);
const sizes = (waves: string[][]) => waves.map(wave => wave.length);

describe('the waves of a rollout', () => {
  it('are the canaries, then growing shares of the rest, and none is empty', () => {
    const eleven = names(11).map(name => target(name));
    const { waves, canaries } = planWaves(eleven, { canary: 1, percentages: [25, 50, 100] });
    expect(sizes(waves)).toEqual([1, 2, 3, 5]);
    expect(canaries).toEqual(waves[0]);
    expect(waves.flat().sort()).toEqual(names(11).sort());
    expect(sizes(planWaves(eleven, { canary: 0, percentages: [100] }).waves)).toEqual([1, 10]);
    expect(sizes(planWaves([target('n0')], { canary: 1, percentages: [10, 100] }).waves)).toEqual([1]);
    expect(planWaves([], { canary: 1, percentages: [100] })).toEqual({ waves: [], canaries: [] });
  });

  it('try one of each further cohort before the shares, at the site that has most of them', () => {
    const fleet = [
      target('a0', { site: 'austin', cluster: 'austin' }),
      target('a1', { site: 'austin', cluster: 'austin' }),
      target('b0'),
      target('b1', { cohort: 'R650' }),
      target('b2', { cohort: 'R650' }),
      target('c0', { site: 'chicago', cluster: 'chicago', cohort: 'R640' }),
    ];
    const { waves, canaries } = planWaves(fleet, { canary: 1, percentages: [100] });
    expect(waves.slice(0, 2).map(wave => wave.toSorted())).toEqual([['b0'], ['b1', 'c0']]);
    expect(canaries.toSorted()).toEqual(['b0', 'b1', 'c0']);
    expect(sizes(waves)).toEqual([1, 2, 3]);
  });

  it('begin at the site that has most cohorts, whichever is first otherwise, also where no node serves', () => {
    const austin = { site: 'austin', cluster: 'austin' };
    for (const unavailable of [false, true]) {
      const many = ['a0', 'a1', 'a2'].map(name => target(name, { ...austin, unavailable }));
      const fleet = [...many, target('b0', { unavailable }), target('b1', { cohort: 'R650', unavailable })];
      expect(planWaves(fleet, { canary: 1, percentages: [100] }).waves[0]).toEqual(['b0']);
    }
    const away = [target('b0', { unavailable: true }), target('b1', { cohort: 'R650', unavailable: true })];
    expect(planWaves([...away, target('a0', austin)], { canary: 1, percentages: [100] }).waves[0]).toEqual(['a0']);
  });

  it('leave nobody out, whatever the last share says', () => {
    const four = names(4).map(name => target(name));
    expect(sizes(planWaves(four, { canary: 0, percentages: [50] }).waves)).toEqual([1, 3]);
  });

  it('begin with a node that serves, wherever it is, and leave those that do not for the end', () => {
    const fleet = [target('a', { unavailable: true }), target('b'), target('c', { site: 'austin', unavailable: true })];
    expect(planWaves(fleet, { canary: 1, percentages: [100] }).waves).toEqual([['b'], ['a', 'c']]);
  });

  it('are spread evenly over clusters, and within them over zones and racks', () => {
    const of = (cluster: string, zone: string) => names(4, `${cluster}${zone}`).map(n => target(n, { cluster, zone }));
    const fleet = [...of('x', '1'), ...of('x', '2'), ...of('y', '1'), ...of('y', '2')];
    const { waves } = planWaves(fleet, { canary: 0, percentages: [25, 50, 75, 100] });
    const [, ...shares] = waves;
    for (const wave of shares.slice(0, 3)) {
      expect(wave.filter(name => name.startsWith('x')).length).toBeGreaterThanOrEqual(1);
      expect(wave.filter(name => name.startsWith('y')).length).toBeGreaterThanOrEqual(1);
      expect(new Set(wave.map(name => name.slice(0, 2))).size).toBeGreaterThanOrEqual(3);
    }
  });

  it('end with the control plane, that of one cluster whole before the others', () => {
    const member = (name: string, cluster: string) => target(name, { role: 'control-plane', cluster });
    const fleet = [member('x0', 'x'), member('y0', 'y'), member('x1', 'x'), target('n0')];
    const { waves, canaries } = planWaves(fleet, { canary: 1, percentages: [100] });
    expect(waves.map(wave => wave.toSorted())).toEqual([['n0'], ['x0', 'x1'], ['y0']]);
    expect(canaries.toSorted()).toEqual(['n0', 'x0', 'x1']);
  });
});
