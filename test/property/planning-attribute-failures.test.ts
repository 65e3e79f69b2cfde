import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  attributeFailures,
  type EndedNode,
  mostChance,
  tellAttribution,
  traitsOf,
} from '../../src/planning/attribute-failures.ts';
import { examplePlan } from '../support/guard.ts';

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
    const told = tellAttribution(attributeFailures(fleet(3, 20)));
    expect(told).toContain('3 of 4 failures share BIOS 2.10 on R750, as do 0 of 20 that ended well');
    expect(told).toContain('3 of 4 failures ended at verify (timeout)');
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
  const told = traitsOf({ ...target, model: { value: 'R750' }, zone: 'a', rack: 'r1', changes: [change] });
  for (const trait of ['BIOS 2.10 on R750', 'image img', 'zone a', 'rack r1', 'site boston'])
    expect(told).toContain(trait);
});
