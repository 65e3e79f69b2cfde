/** What a rollout promises and counts, and why a node is left out of it, in words for whoever reads the plan. */
import { describe, expect, it } from 'vitest';
import { type Fact, known, unknown } from '../../src/core/bmc.ts';
import type { Budget } from '../../src/core/fleet.ts';
import type { PlanDraft } from '../../src/core/plan.ts';
import { planRollout, type RolloutAsked } from '../../src/planning/plan-rollout.ts';
import type { Candidate } from '../../src/planning/rollout-target.ts';
import { podOf } from '../support/cluster-facts.ts';
import { clusterNames, type FleetStory, type NodeStory, requestOf, sceneOf } from '../support/random-fleet.ts';

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

const cordoned = { state: 'cordoned' } as const;
const member = { declared: 'control-plane', role: 'control-plane' } as const;

/** Of these nodes, `n0` first, under a budget of two; each change is one of what is asked. */
function asked(stories: Partial<NodeStory>[], change: Partial<FleetStory> = {}): RolloutAsked {
  const story = {
    nodes: stories.map(one => ({ ...well, ...one })),
    budget: { maxUnavailable: 2 },
    canary: 1,
    ...change,
  };
  return requestOf(clusterNames.map(name => sceneOf(story, name)).filter(({ nodes }) => nodes.length > 0));
}

/** Changes what was read of the node. */
function read(request: RolloutAsked, name: string, change: (candidate: Candidate) => Partial<Candidate>): RolloutAsked {
  const clusters = request.clusters.map(part => ({
    ...part,
    candidates: part.candidates.map(one => (one.entry.name === name ? { ...one, ...change(one) } : one)),
  }));
  return { ...request, clusters };
}

function refusal(request: RolloutAsked): string {
  try {
    planRollout(request);
  } catch (thrown) {
    return (thrown as Error).message;
  }
  return 'not refused';
}

const nodesOf = ({ targets }: PlanDraft) => targets.map(({ node }) => node);
const reasonsOf = ({ excluded }: PlanDraft) => Object.fromEntries(excluded.map(({ node, reason }) => [node, reason]));

/** Besides `n0`, which is updated whatever the others are. */
function excludedOf(...others: Partial<NodeStory>[]): [string, string][] {
  const plan = planRollout(asked([{}, ...others]));
  expect(plan.waves.flat()).toContain('n0');
  return plan.excluded.map(({ node, reason }) => [node, reason]);
}

describe('left out of a rollout', () => {
  it('is what runs the wanted version', () => {
    expect(excludedOf({ behind: false })).toEqual([['n1', 'bios is compliant: has 1.12.1, wanted 1.12.1']]);
  });

  it('is every node that no wanted image is made for', () => {
    const request = asked([{}]);
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
    const warningsOf = (bmc: number | 'own') => planRollout(asked([{}, { bmc }, { bmc }])).warnings;
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

describe('a rollout is planned', () => {
  it('with what was asked, and says nothing of what was not', () => {
    const limits = { maxSites: 2, cohortFailures: 3, failures: 4, lostSites: 5 };
    const plain = planRollout({ ...asked([{}, {}], { outage: false }), limits, soakMs: 7 });
    expect(plain).toMatchObject({ kind: 'firmware-rollout', limits, soakMs: 7, canaries: ['n0'], excluded: [] });
    for (const absent of ['gates', 'advance', 'declaredOutage']) expect(plain).not.toHaveProperty(absent);
    const gates = { hardware: true, own: [] };
    const full = planRollout({ ...asked([{}, {}]), gates, advance: 'manual', declareOutage: true });
    expect(full).toMatchObject({ gates, advance: 'manual', declaredOutage: true });
    expect(planRollout({ ...asked([{}]), advance: 'automatic', declareOutage: true })).not.toHaveProperty('advance');
  });

  it('over the clusters that have something to do, and tells of those that were not read', () => {
    const unread = [{ node: 'dark', reason: 'its cluster cannot be read' }];
    const plan = planRollout({ ...asked([{}, {}, { cluster: 'c', behind: false }]), unread });
    expect(plan.scopes.map(({ cluster }) => cluster)).toEqual(['a']);
    expect(reasonsOf(plan)).toMatchObject({ n2: expect.stringContaining('compliant'), dark: unread[0]?.reason });
  });

  it('with each target as it was read', () => {
    const [target] = planRollout(asked([{ zone: 'z1', rack: 'r1', bmc: 1 }, { bmc: 1 }, {}])).targets;
    expect(target).toMatchObject({ node: 'n0', zone: 'z1', rack: 'r1', role: 'worker', alongside: ['n1'] });
    expect(target?.cohort).toBe('dell R750, bios 1.0.0');
    const [bare] = planRollout(asked([{}, {}])).targets;
    for (const absent of ['rack', 'alongside']) expect(bare).not.toHaveProperty(absent);
  });

  it('not at all where nothing is to be done, and says of the first twenty nodes why', () => {
    const current = (count: number) => asked(Array.from({ length: count }, () => ({ behind: false })));
    expect(refusal(current(1))).toBe(
      'there is nothing to update in a: n0: bios is compliant: has 1.12.1, wanted 1.12.1',
    );
    expect(refusal(current(20))).not.toContain('more');
    expect(refusal(current(21))).toMatch(/; and 1 more$/);
    expect(refusal(asked([{ behind: false }, { behind: false, cluster: 'b' }]))).toMatch(
      /^there is .* in 2 clusters: n0/,
    );
    expect(refusal({ ...asked([]), clusters: [] })).toBe('there is nothing to update in 0 clusters: ');
  });
});

describe('what a rollout counts', () => {
  const blastOf = (stories: Partial<NodeStory>[], maxUnavailable = 9) =>
    planRollout({ ...asked(stories, { budget: { maxUnavailable } }), controlPlane: true }).scopes[0]?.blast;
  const idle = { behind: false };

  it.each<[string, Partial<NodeStory>[], number, number]>([
    ['all of three', [{}, {}, {}, idle], 9, 3],
    ['no more than the budget', [{}, {}, {}, idle], 2, 2],
    ['what is away already too', [{}, {}, { ...idle, ...cordoned }, idle], 9, 3],
    ['a target that is away once', [{}, cordoned, idle], 9, 2],
    ['a neighbour behind one BMC', [{ bmc: 1 }, { ...idle, bmc: 1 }, idle], 9, 2],
    [
      'no neighbour of another cluster',
      [{ bmc: 1 }, { ...idle, bmc: 1, cluster: 'b' }, idle, { ...idle, cluster: 'b' }],
      9,
      1,
    ],
    [
      'one of each zone',
      [{ zone: 'z1' }, { zone: 'z1' }, { zone: 'z2' }, { ...idle, zone: 'z1' }, { ...idle, zone: 'z2' }],
      9,
      2,
    ],
    ['one of each rack', [{ rack: 'r1' }, { rack: 'r1' }, { rack: 'r1' }, idle], 9, 1],
    [
      'the widest where domains let one at a time',
      [{ rack: 'r1' }, { rack: 'r1', bmc: 1 }, { ...idle, bmc: 1 }, idle],
      9,
      2,
    ],
  ])('away at once is %s', (_, stories, budget, peak) => {
    expect(blastOf(stories, budget)?.peakUnavailable).toBe(peak);
  });

  it('is every node that is touched, once', () => {
    expect(blastOf([{ bmc: 1 }, { bmc: 1 }, { bmc: 2 }, { ...idle, bmc: 2 }, idle])?.targets).toBe(4);
  });

  it('is the control plane, whose quorum stays', () => {
    const three = [{}, member, member, member];
    expect(blastOf([...three, idle])).toMatchObject({ controlPlane: 3, quorumLost: false });
    expect(blastOf([{}, idle])).toMatchObject({ controlPlane: 0, quorumLost: false });
  });

  it('goes in the order of the waves where etcd does not tell who leads, which is warned of', () => {
    const request = asked([{}, member, member, member, idle]);
    const told = (leader: Fact<boolean>, nodes = request) => {
      const clusters = nodes.clusters.map(part => {
        const { etcd } = part.evidence;
        if ('unknown' in etcd) return part;
        const members = etcd.value.members.map(each => ({ ...each, leader }));
        return { ...part, evidence: { ...part.evidence, etcd: known({ ...etcd.value, members }) } };
      });
      return planRollout({ ...nodes, clusters, controlPlane: true });
    };
    const plan = told(unknown('static pods do not tell'));
    const order = plan.waves.flat().filter(node => node !== 'n0');
    expect(order).toHaveLength(3);
    expect(plan.warnings).toEqual([
      `the control plane of a goes one by one in this order, its leader maybe not last: ${order.join(', ')} ` +
        "(static pods do not tell; who leads is read where the configuration lists the cluster's members under etcd)",
    ]);
    expect(told(known(false)).warnings).toEqual([]);
    expect(told(unknown('not told'), asked([{}, member, idle])).warnings).toEqual([]);
  });

  it('is what would be the last of its kind, which is warned of, where that is declared', () => {
    const plan = planRollout({ ...asked([{ zone: 'z1' }, { zone: 'z2' }, { zone: 'z2' }]), declareOutage: true });
    expect(plan.scopes[0]?.blast.lastOf).toEqual(['the zone z1']);
    expect(plan.warnings).toContain('it leaves the zone z1 without any node that takes pods');
  });
});

describe('the budget of a cluster', () => {
  const under = (maxUnavailable: unknown, stories: Partial<NodeStory>[] = [{}, {}]) => {
    const request = asked(stories);
    const budget = { maxUnavailable } as Budget;
    return refusal({
      ...request,
      clusters: request.clusters.map(part => ({ ...part, cluster: { ...part.cluster, budget } })),
    });
  };

  it('lets nothing start where it is no number of nodes, none, or used up', () => {
    for (const malformed of [-1, 1.5, Number.NaN, undefined, '2'])
      expect(under(malformed)).toContain('n0: the budget of its cluster is not a whole number of nodes');
    expect(under(0)).toContain('n0: the budget of its cluster is 0: no node of it may be taken down');
    const away = [{}, {}, { ...cordoned, behind: false }];
    expect(under(1, away)).toContain('n0: 1 nodes of its cluster are unavailable already, and the budget is 1');
    expect(under(2, away)).toBe('not refused');
  });

  it('counts what hangs on the BMC in each cluster for itself', () => {
    const twins = (a: Partial<NodeStory>[], b: Partial<NodeStory>[]) =>
      asked(
        [
          { bmc: 1 },
          ...a,
          { bmc: 1, cluster: 'b', behind: false },
          ...b.map(one => ({ ...one, cluster: 'b' as const })),
        ],
        {
          budget: { maxUnavailable: 1 },
        },
      );
    const quiet = [{ behind: false }];
    expect(nodesOf(planRollout(twins(quiet, quiet)))).toEqual(['n0']);
    const full = [...quiet, { behind: false, ...cordoned }];
    expect(refusal(twins(quiet, full))).toContain(
      'n0: its BMC serves n2 too: 1 nodes count at once, and the budget leaves 0',
    );
    expect(refusal(twins(full, quiet))).toContain('n0: 1 nodes of its cluster are unavailable already');
    const pair = asked([{ bmc: 1 }, { bmc: 1, behind: false }, { behind: false }], { budget: { maxUnavailable: 1 } });
    expect(refusal(pair)).toContain('n0: its BMC serves n1 too: 2 nodes count at once, and the budget leaves 1');
    const none = asked([{ bmc: 1 }, { bmc: 1, behind: false }, { behind: false }], { budget: { maxUnavailable: 0 } });
    expect(refusal(none)).toContain('n0: the budget of its cluster is 0');
  });
});

describe('left out of a rollout too', () => {
  const three = asked([{}, {}, {}]);
  const reasonOf = (request: RolloutAsked, node = 'n1') => reasonsOf(planRollout(request))[node];

  it('is the control plane, unless somebody asked for it or named the node', () => {
    const mixed = asked([{}, member, member, member]);
    expect(reasonOf(mixed)).toBe('a part of the control plane, which is left out unless it is asked for');
    for (const choice of [{ controlPlane: true }, { named: true }])
      expect(nodesOf(planRollout({ ...mixed, ...choice }))).toContain('n1');
  });

  it('is what was not read, or not proved to be one machine', () => {
    expect(reasonOf(read(three, 'n1', () => ({ server: unknown('no answer') })))).toBe('its BMC: no answer');
    expect(reasonOf(read(three, 'n1', () => ({ node: unknown('no such Node') })))).toBe('Kubernetes: no such Node');
    const uuid = (change: (identity: object) => object) =>
      read(three, 'n1', ({ server }) =>
        'unknown' in server
          ? {}
          : { server: known({ ...server.value, identity: change(server.value.identity) as never }) },
      );
    expect(reasonOf(uuid(identity => ({ ...identity, uuid: unknown('not told') })))).toMatch(
      /^identity: Redfish UUID unknown \(not told\) is not the Node's systemUUID 0000/,
    );
    const other = '11111111-0000-4000-8000-000000000001';
    expect(reasonOf(uuid(identity => ({ ...identity, uuid: known(other) })))).toContain(`Redfish UUID ${other} is not`);
  });

  it('is the last of its kind, unless it was named or an outage is declared', () => {
    const zoned = asked([{ zone: 'z1' }, { zone: 'z2' }, { zone: 'z1' }], { outage: false });
    expect(reasonOf(zoned)).toBe('it is the last that takes pods of the zone z2, and no outage is declared');
    for (const choice of [{ declareOutage: true }, { named: true }])
      expect(nodesOf(planRollout({ ...zoned, ...choice }))).toContain('n1');
  });

  it('is what shares its BMC and needs a power cycle, which would take the power from the other', () => {
    const cycled = (stories: Partial<NodeStory>[]) =>
      read(asked(stories), 'n1', ({ server }) =>
        'unknown' in server
          ? {}
          : {
              server: known({
                ...server.value,
                activations: { ...server.value.activations, bios: known('power-cycle') },
              }),
            },
      );
    expect(reasonOf(cycled([{}, { bmc: 1 }, { bmc: 1, behind: false }]))).toBe(
      'its update needs a power cycle, which would take the power from n2 too',
    );
    expect(nodesOf(planRollout(cycled([{}, {}, {}])))).toContain('n1');
  });

  it('is a node whose drain would stop, by its reason', () => {
    const { clusters } = three;
    const stuck = clusters.map(part => ({
      ...part,
      facts: { ...part.facts, pods: [podOf({ name: 'db', node: 'n1', emptyDirs: ['data'] })] },
    }));
    expect(reasonOf({ ...three, clusters: stuck })).toMatch(/^the drain would stop: shop\/db: local data/);
  });

  it('is what somebody decided for it, in place of what the images say', () => {
    expect(reasonOf(read(three, 'n1', () => ({ instead: { excluded: 'nothing goes back' } })))).toBe(
      'nothing goes back',
    );
  });

  it('is not what runs the wanted version but lacks a setting', () => {
    const takes = { type: 'enumeration' as const, values: ['On', 'Off'], labels: [] };
    const registry = {
      attributes: [{ name: 'Turbo', takes, readOnly: false, grayedOut: false, hidden: false }],
      dependencies: [],
    };
    const request = read(asked([{}, { behind: false }, {}]), 'n1', () => ({
      bios: known({ active: { Turbo: 'On' }, registry }),
    }));
    const settings = [{ models: ['R750'], attributes: { Turbo: 'Off' } }];
    const plan = planRollout({ ...request, clusters: request.clusters.map(part => ({ ...part, settings })) });
    expect(plan.targets.find(({ node }) => node === 'n1')?.changes).toMatchObject([{ kind: 'bios-settings' }]);
  });
});
