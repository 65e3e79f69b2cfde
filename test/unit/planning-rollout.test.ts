/** Why a node is left out of a rollout, in words for whoever reads the plan. */
import { describe, expect, it } from 'vitest';
import { planRollout } from '../../src/planning/plan-rollout.ts';
import { type NodeStory, requestOf, sceneOf } from '../support/random-fleet.ts';

const well: NodeStory = {
  cluster: 'a',
  declared: 'worker',
  role: 'worker',
  zone: undefined,
  bmc: 'own',
  state: 'well',
  behind: true,
  apps: [],
};

/** Besides `n0`, which is updated whatever the others are. */
function excludedOf(...others: Partial<NodeStory>[]): [string, string][] {
  const nodes = [well, ...others.map(other => ({ ...well, ...other }))];
  const plan = planRollout(requestOf([sceneOf({ nodes, budget: { maxUnavailable: 2 }, canary: 1 }, 'a')]));
  expect(plan.waves.flat()).toContain('n0');
  return plan.excluded.map(({ node, reason }) => [node, reason]);
}

describe('left out of a rollout', () => {
  it('is what runs the wanted version', () => {
    expect(excludedOf({ behind: false })).toEqual([['n1', 'bios is compliant: has 1.12.1, wanted 1.12.1']]);
  });

  it('is every node that no wanted image is made for', () => {
    const request = requestOf([sceneOf({ nodes: [well], budget: { maxUnavailable: 2 }, canary: 1 }, 'a')]);
    const clusters = request.clusters.map(part => ({
      ...part,
      images: part.images.map(image => ({ ...image, models: ['R640'] })),
    }));
    expect(() => planRollout({ ...request, clusters })).toThrow(
      'n0: none of the wanted images (bios-new) is for its model',
    );
  });

  it('is a node with more neighbours behind its BMC than the budget leaves, and not one with fewer', () => {
    const three = excludedOf({ bmc: 1 }, { bmc: 1 }, { bmc: 1 });
    expect(three).toContainEqual(['n1', 'its BMC serves n2, n3 too: 3 nodes count at once, and the budget leaves 2']);
    expect(excludedOf({ bmc: 1 }, { bmc: 1 })).toEqual([]);
  });

  it('is none that shares its BMC with few, and who approves is told of them', () => {
    const warningsOf = (bmc: number | 'own') => {
      const nodes = [well, { ...well, bmc }, { ...well, bmc }];
      return planRollout(requestOf([sceneOf({ nodes, budget: { maxUnavailable: 2 }, canary: 1 }, 'a')])).warnings;
    };
    expect(warningsOf(1).join()).toContain('the same BMC serves n2: they are counted with this one');
    expect(warningsOf('own').join()).not.toContain('same BMC');
  });

  it('is a node that shares its BMC with a part of the control plane, by whatever account it is one', () => {
    for (const declared of ['control-plane', 'worker'] as const) {
      const [first] = excludedOf({ bmc: 1 }, { bmc: 1, declared, role: 'control-plane' });
      expect(first).toEqual(['n1', expect.stringMatching(/^the same BMC serves n2, a control-plane node/)]);
    }
  });
});
