import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unknown } from '../../src/core/bmc.ts';
import {
  attributeFailures,
  type EndedNode,
  mostChance,
  tellAttribution,
  traitsOf,
} from '../../src/planning/attribute-failures.ts';
import { examplePlan } from '../support/example-plan.ts';

function node(name: string, failed: boolean, traits: string[], step = 'verify'): EndedNode {
  return { node: name, failed, step: failed ? step : 'done', traits, ...(failed ? { code: 'timeout' } : {}) };
}

/** `failures` with the trait, one without, and `successes` without. */
function fleet(failures: number, successes: number, trait = 'BIOS 2.10 on R750'): EndedNode[] {
  const bad = Array.from({ length: failures }, (_, i) => node(`bad-${i}`, true, [trait]));
  const good = Array.from({ length: successes }, (_, i) => node(`good-${i}`, false, ['BIOS 2.11 on R750']));
  return [...bad, node('odd', true, ['BIOS 2.11 on R750'], 'drain'), ...good];
}

const traits = ['a', 'b', 'c', 'd'];
const ended: fc.Arbitrary<EndedNode[]> = fc
  .array(fc.record({ failed: fc.boolean(), traits: fc.subarray(traits) }), { maxLength: 40 })
  .map(list => list.map((each, index) => node(`n${index}`, each.failed, each.traits)));

describe('what failures share', () => {
  it('is told with its figures, and where they ended', () => {
    // Of 24 nodes 3 have it, all of them among 4 failures: 4 of 2,024 ways to choose 3, and two traits were tried.
    expect(tellAttribution(attributeFailures(fleet(3, 20)))).toBe(
      '3 of 4 failures share BIOS 2.10 on R750, as do 0 of 20 that ended well (by chance in 1 of 253 cases); ' +
        '3 of 4 failures ended at verify (timeout)',
    );
  });

  it('is not told where too few ended well to know', () => {
    expect(attributeFailures(fleet(3, 1)).share).toBeUndefined();
    expect(attributeFailures(fleet(3, 0)).share).toBeUndefined();
  });

  it('is not told of one failure alone, however rare its trait', () => {
    const many = Array.from({ length: 200 }, (_, i) => node(`good-${i}`, false, ['b']));
    expect(attributeFailures([node('bad', true, ['a']), ...many])).toEqual({ failures: 1, successes: 200 });
  });

  it('is the first by name of two that are marked alike', () => {
    const bad = ['a', 'a', 'a', 'a', 'b', 'b', 'b', 'b'].map((trait, i) => node(`bad-${i}`, true, [trait]));
    const good = Array.from({ length: 200 }, (_, i) => node(`good-${i}`, false, []));
    for (const nodes of [bad, bad.toReversed()])
      expect(attributeFailures([...nodes, ...good]).share).toMatchObject({ what: 'a', failures: 4 });
  });

  it('is one thing where several traits part the nodes alike, in the widest words', () => {
    const wide = fleet(4, 30).map(each =>
      each.traits.includes('BIOS 2.10 on R750') ? { ...each, traits: ['BIOS 2.10', ...each.traits] } : each,
    );
    expect(attributeFailures(wide).share).toEqual(attributeFailures(fleet(4, 30)).share);
  });

  it('is more common among failures than among successes, never shared by all, and never chance alone', () => {
    fc.assert(
      fc.property(ended, nodes => {
        const { share, failures, successes } = attributeFailures(nodes);
        if (!share) return;
        expect(share.failures / failures).toBeGreaterThan(share.successes / successes);
        expect(share.failures + share.successes).toBeLessThan(nodes.length);
        expect(share.chance).toBeLessThanOrEqual(mostChance);
      }),
      { numRuns: 2000 },
    );
  });

  it('does not depend on the order of the nodes', () => {
    fc.assert(
      fc.property(ended, nodes => {
        expect(attributeFailures(nodes.toReversed())).toEqual(attributeFailures(nodes));
      }),
    );
  });

  it('is named in at most one of twenty rollouts whose failures have nothing to do with any trait', () => {
    const random = fc.sample(
      fc.array(fc.record({ failed: fc.boolean(), traits: fc.subarray(traits) }), { minLength: 24, maxLength: 24 }),
      { numRuns: 1000, seed: 7 },
    );
    const named = random.filter(
      list => attributeFailures(list.map(({ failed, traits: own }, i) => node(`n${i}`, failed, own))).share,
    );
    expect(named.length).toBeLessThanOrEqual(1000 * mostChance);
  });
});

describe('where failures ended', () => {
  const at = (step: string, code?: string): EndedNode => ({
    node: step,
    failed: true,
    step,
    traits: [],
    ...(code ? { code } : {}),
  });
  const told = (...ends: EndedNode[]) => tellAttribution(attributeFailures(ends));

  it('is told where more than one ended with the same, and nowhere else', () => {
    expect(told(at('drain'), at('drain'))).toBe('2 of 2 failures ended at drain');
    expect(told(at('drain'), at('verify'))).toBe('');
    expect(told(at('drain', 'timeout'), at('drain', 'conflict'))).toBe('');
    expect(told({ ...at('done'), failed: false }, { ...at('done'), failed: false })).toBe('');
  });

  it('is the most common end, and the first by name of two', () => {
    const more = [at('b'), at('b'), at('c'), at('c'), at('c')];
    expect(told(...more)).toBe('3 of 5 failures ended at c');
    expect(told(at('c'), at('c'), at('b'), at('b'))).toBe('2 of 4 failures ended at b');
  });
});

describe('a share', () => {
  it('is as improbable as the ways to choose the nodes that have it say', () => {
    const choose = (n: number, k: number): number => (k === 0 ? 1 : (choose(n, k - 1) * (n - k + 1)) / k);
    const size = fc.integer({ min: 0, max: 8 });
    fc.assert(
      fc.property(size, size, size, size, (badWith, badWithout, goodWith, goodWithout) => {
        const some = (count: number, failed: boolean, traits: string[]) =>
          Array.from({ length: count }, (_, i) => node(`${failed}-${traits}-${i}`, failed, traits));
        const nodes = [
          ...some(badWith, true, ['x']),
          ...some(badWithout, true, []),
          ...some(goodWith, false, ['x']),
          ...some(goodWithout, false, []),
        ];
        const [bad, good, having] = [badWith + badWithout, goodWith + goodWithout, badWith + goodWith];
        let ways = 0;
        for (let k = badWith; k <= Math.min(bad, having); k++) ways += choose(bad, k) * choose(good, having - k);
        const chance = ways / choose(bad + good, having);
        const { share } = attributeFailures(nodes);
        if (badWith > 1 && having < nodes.length && chance < mostChance - 1e-9)
          expect(share?.chance).toBeCloseTo(chance, 9);
        else expect(share === undefined || Math.abs(chance - mostChance) < 1e-9).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});

it('a planned node is told by model, versions, image, zone, rack and site', () => {
  const [target] = examplePlan().plan.targets;
  if (!target) throw new Error('the plan has no target');
  const change = {
    kind: 'firmware',
    component: 'bios',
    image: 'img',
    from: '2.10',
    to: '2.12',
    sha256: '',
    activation: 'reset-after',
  } as const;
  const full = { ...target, model: { value: 'R750' }, zone: 'a', rack: 'r1', changes: [change], alongside: ['w-2'] };
  const everywhere = ['vendor dell', 'role worker', 'site boston', 'cluster boston'];
  expect(traitsOf(full)).toEqual([
    'BIOS 2.10 on R750',
    'BIOS 2.10',
    'the update from BIOS 2.10 to 2.12',
    'image img',
    'R750',
    ...everywhere,
    'zone a',
    'rack r1',
    'a BMC that serves several servers',
  ]);
  const { zone: _, rack: __, alongside: ___, ...bare } = full;
  expect(traitsOf({ ...bare, model: unknown('not told') })).toEqual([
    'BIOS 2.10',
    'the update from BIOS 2.10 to 2.12',
    'image img',
    ...everywhere,
  ]);
});
