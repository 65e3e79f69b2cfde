import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planWaves, type WaveRequest, type WaveTarget } from '../../src/planning/waves.ts';

const zone = fc.option(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { nil: undefined });
const target = fc.record({
  name: fc.stringMatching(/^n[0-9]{1,3}$/),
  zone,
  pdbGroups: fc.uniqueArray(fc.constantFrom('shop/api', 'shop/db', 'kube-system/dns'), { maxLength: 2 }),
  bmc: fc.option(fc.constantFrom('https://10.1.0.1', 'https://10.1.0.2', 'https://10.1.0.3'), { nil: undefined }),
  unavailable: fc.boolean(),
});
const targets = fc.uniqueArray(target, { selector: one => one.name, maxLength: 30 });
const unzoned = targets.map(list => list.map(one => ({ ...one, zone: undefined })));
const count = fc.integer({ min: 0, max: 8 });
const request = fc
  .record({ targets: fc.oneof(targets, unzoned), maxUnavailable: count, alreadyUnavailable: count, canary: count })
  .filter(({ maxUnavailable, alreadyUnavailable }) => maxUnavailable > alreadyUnavailable);

function wavesOf(given: WaveRequest): WaveTarget[][] {
  const plan = planWaves(given);
  if ('refused' in plan) throw new Error(plan.refused);
  const byName = new Map(given.targets.map(one => [one.name, one]));
  return plan.waves.map(wave => wave.map(name => byName.get(name) ?? expect.fail(`${name} was never asked for`)));
}

function pairs<T>(list: T[]): [T, T][] {
  return list.flatMap((a, index) => list.slice(index + 1).map((b): [T, T] => [a, b]));
}

function always(rule: (given: WaveRequest, waves: WaveTarget[][]) => void) {
  fc.assert(fc.property(request, given => rule(given, wavesOf(given))));
}

describe('waves', () => {
  it('hold every target exactly once', () => {
    always(({ targets }, waves) => {
      const planned = waves.flat().map(one => one.name);
      expect(planned.toSorted()).toEqual(targets.map(one => one.name).toSorted());
    });
  });

  it('are never empty and never larger than what the budget leaves', () => {
    always((given, waves) => {
      for (const wave of waves) {
        expect(wave.length).toBeGreaterThan(0);
        expect(wave.length + given.alreadyUnavailable).toBeLessThanOrEqual(given.maxUnavailable);
      }
    });
  });

  it('never take two nodes of one failure domain', () => {
    always((given, waves) => {
      const zoned = given.targets.some(one => one.zone !== undefined);
      for (const [a, b] of waves.flatMap(pairs)) {
        if (a.zone !== undefined) expect(a.zone).not.toBe(b.zone);
        if (zoned) expect([a.zone, b.zone]).not.toContain(undefined);
      }
    });
  });

  it('never take two nodes of one PodDisruptionBudget', () => {
    always((_, waves) => {
      for (const [a, b] of waves.flatMap(pairs)) {
        expect(a.pdbGroups.filter(group => b.pdbGroups.includes(group))).toEqual([]);
      }
    });
  });

  it('never take two nodes behind one BMC', () => {
    always((_, waves) => {
      for (const [a, b] of waves.flatMap(pairs)) if (a.bmc !== undefined) expect(a.bmc).not.toBe(b.bmc);
    });
  });

  it('begin with a canary wave that has a node that works, if there is one', () => {
    always((given, waves) => {
      const [first] = waves;
      if (!first || given.canary === 0) return;
      expect(first.length).toBeLessThanOrEqual(given.canary);
      if (given.targets.some(one => !one.unavailable)) expect(first[0]?.unavailable).toBe(false);
    });
  });

  it('do not depend on the order of the targets', () => {
    const shuffled = request.chain(given =>
      fc.tuple(
        fc.constant(given),
        fc.shuffledSubarray(given.targets, { minLength: given.targets.length, maxLength: given.targets.length }),
      ),
    );
    fc.assert(
      fc.property(shuffled, ([given, order]) => {
        expect(planWaves({ ...given, targets: order })).toEqual(planWaves(given));
      }),
    );
  });

  it('are refused whenever the budget leaves no node', () => {
    fc.assert(
      fc.property(targets, count, count, (list, maxUnavailable, more) => {
        const alreadyUnavailable = maxUnavailable + more;
        expect(planWaves({ targets: list, maxUnavailable, alreadyUnavailable, canary: 1 })).toHaveProperty('refused');
      }),
    );
  });

  it('are refused for every number that is no count, never unlimited', () => {
    const odd = fc.oneof(
      fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1, 0.5),
      fc.double().filter(number => !Number.isInteger(number)),
    );
    const field = fc.constantFrom('maxUnavailable', 'alreadyUnavailable', 'canary');
    fc.assert(
      fc.property(request, field, odd, (given, name, number) => {
        expect(planWaves({ ...given, [name]: number })).toHaveProperty('refused');
      }),
    );
  });

  it('use the budget: independent nodes run in as few waves as it allows', () => {
    const independent = fc.uniqueArray(fc.stringMatching(/^n[0-9]{1,3}$/), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(independent, fc.integer({ min: 1, max: 8 }), (names, maxUnavailable) => {
        const list = names.map(name => ({ name, pdbGroups: [] }));
        const waves = wavesOf({ targets: list, maxUnavailable, alreadyUnavailable: 0, canary: 1 });
        expect(waves[0]).toHaveLength(1);
        expect(waves).toHaveLength(1 + Math.ceil((names.length - 1) / maxUnavailable));
      }),
    );
  });

  it('are refused for a node that is named twice', () => {
    const twice = [
      { name: 'n1', pdbGroups: [] },
      { name: 'n1', pdbGroups: [] },
    ];
    expect(planWaves({ targets: twice, maxUnavailable: 2, alreadyUnavailable: 0, canary: 1 })).toHaveProperty(
      'refused',
    );
  });
});
