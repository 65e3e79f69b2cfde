/** Why a node does not start yet, in words for whoever waits for it. Which start at all is told by the property tests. */
import { describe, expect, it } from 'vitest';
import { type Fact, known, unknown } from '../../src/core/bmc.ts';
import type { EtcdFacts, NodeFacts } from '../../src/core/cluster-facts.ts';
import type { PlanScope, PlanTarget } from '../../src/core/plan.ts';
import { domainsOf, heldAlone, turnsOf } from '../../src/planning/exclusive.ts';
import { type ClusterNow, nextStarts, type StartFacts } from '../../src/planning/next-starts.ts';
import { etcdOf, nodeOf } from '../support/cluster-facts.ts';
import { examplePlan } from '../support/example-plan.ts';

const [example] = examplePlan().plan.targets;
if (!example) throw new Error('the example has one target');

function target(node: string, change: Partial<PlanTarget> = {}): PlanTarget {
  const { zone: _, ...unzoned } = { ...example, zone: '' } as PlanTarget;
  return { ...unzoned, node, site: 'boston', cluster: 'boston', bmcUrl: `https://${node}`, ...change };
}

function scope(cluster: string, maxUnavailable: number, lastOf: string[] = []): PlanScope {
  const blast = { peakUnavailable: 0, targets: 0, controlPlane: 0, quorumLost: false, lastOf };
  return { site: cluster, cluster, budget: { maxUnavailable }, blast };
}

type Asked = Partial<StartFacts> & {
  targets: PlanTarget[];
  scopes?: PlanScope[];
  maxSites?: number;
  declaredOutage?: boolean;
  boston?: Fact<ClusterNow>;
};

const spare = [nodeOf('spare')];
const nodesOf = (targets: PlanTarget[], more = spare) => [
  ...targets.map(({ node, role }) => nodeOf(node, { role })),
  ...more,
];

/** As a cluster is read, under this budget of today. */
const now = (nodes: NodeFacts[], maxUnavailable = 9): Fact<ClusterNow> => known({ nodes, budget: { maxUnavailable } });

/** All targets wait in a cluster of their own nodes and a spare one, unless said otherwise. */
function ask({
  targets,
  scopes = [scope('boston', 3)],
  maxSites = 1,
  declaredOutage = false,
  boston,
  ...facts
}: Asked) {
  const limits = { maxSites, cohortFailures: 1, failures: 1, lostSites: 1 };
  const order = targets.map(({ node }) => node);
  const { start, wait } = nextStarts(
    {
      kind: 'firmware-rollout',
      targets,
      waves: [order],
      scopes,
      limits,
      ...(declaredOutage ? { declaredOutage: true } : {}),
    },
    {
      waiting: order,
      running: [],
      elsewhere: [],
      clusterOf: name => (name === 'far' ? 'austin' : 'boston'),
      clusters: new Map([['boston', boston ?? now(nodesOf(targets))]]),
      ...facts,
    },
  );
  return [...start, ...wait.map(({ node, cause, why }) => `${node}: ${cause}: ${why}`)];
}

const [a, b] = [target('a'), target('b')];

describe('a node waits', () => {
  it('for nothing where there is room', () => {
    expect(ask({ targets: [a, b] })).toEqual(['a', 'b']);
  });

  it('for its cluster to be read', () => {
    expect(ask({ targets: [a], boston: unknown('403') })).toEqual(['a: unread: cluster boston cannot be read: 403']);
    expect(ask({ targets: [a], clusters: new Map() })).toEqual([
      'a: unread: cluster boston cannot be read: not looked at',
    ]);
  });

  it('for the budget: of what is away, works elsewhere or starts, each node once', () => {
    const full = (away: number) =>
      `b: room: the budget of boston is ${away - 1}, and with it ${away} nodes would be away`;
    expect(ask({ targets: [a, b], scopes: [scope('boston', 1)] })).toEqual(['a', full(2)]);
    const cordoned = now(nodesOf([b], [nodeOf('x', { unschedulable: true }), ...spare]));
    expect(ask({ targets: [b], scopes: [scope('boston', 1)], boston: cordoned })).toEqual([full(2)]);
    expect(ask({ targets: [b], scopes: [scope('boston', 2)], boston: cordoned })).toEqual(['b']);
    const itself = now([nodeOf('b', { ready: false }), ...spare]);
    expect(ask({ targets: [b], scopes: [scope('boston', 1)], boston: itself })).toEqual(['b']);
    const at = (...names: string[]) =>
      names.map(name => ({ plan: { kind: 'drain' as const, targets: [] }, target: target(name) }));
    const elsewhere = { elsewhere: at('spare'), boston: now(nodesOf([b], [...spare, nodeOf('y')])) };
    expect(ask({ targets: [b], scopes: [scope('boston', 1)], ...elsewhere })).toEqual([full(2)]);
    expect(ask({ targets: [b], scopes: [scope('boston', 1)], ...elsewhere, elsewhere: at('stranger') })).toEqual(['b']);
  });

  it('for the budget that is configured today, where it was lowered since', () => {
    const today = (maxUnavailable: number) => ask({ targets: [a, b], boston: now(nodesOf([a, b]), maxUnavailable) });
    expect(today(3)).toEqual(['a', 'b']);
    expect(today(1)).toEqual(['a', 'b: room: the budget of boston is 1, and with it 2 nodes would be away']);
    expect(today(0)[0]).toBe('a: room: the budget of boston is 0, and with it 1 node would be away');
    expect(today(Number.NaN)).toHaveLength(2);
    expect(today(Number.NaN)).not.toContain('a');
  });

  it('for the budget of what hangs on its BMC too, in whatever cluster, and for that to be read', () => {
    const twin = target('a', { alongside: ['far'] });
    const far = (planned: number | undefined, austin: Fact<ClusterNow>) =>
      ask({
        targets: [twin],
        scopes: [scope('boston', 3), ...(planned === undefined ? [] : [scope('austin', planned)])],
        clusters: new Map([
          ['boston', now(nodesOf([a]))],
          ['austin', austin],
        ]),
      });
    const seen = (maxUnavailable: number) =>
      now([nodeOf('far'), nodeOf('lost', { ready: false }), ...spare], maxUnavailable);
    const full = ['a: room: the budget of austin is 1, and with it 2 nodes would be away'];
    expect([far(1, seen(2)), far(2, seen(1)), far(undefined, seen(1))]).toEqual([full, full, full]);
    expect([far(2, seen(2)), far(undefined, seen(2))]).toEqual([['a'], ['a']]);
    expect(far(undefined, unknown('403'))).toEqual([
      'a: room: far is behind the same BMC, and its cluster austin cannot be read: 403',
    ]);
  });

  it('for whoever shares what one alone may take', () => {
    const shared = (change: Partial<PlanTarget>) => ask({ targets: [target('a', change), target('b', change)] })[1];
    expect(shared({ bmcUrl: 'https://x' })).toBe('b: room: a node is worked on that shares its BMC https://x');
    expect(shared({ zone: 'z' })).toContain('shares its zone z of boston');
    expect(shared({ rack: 'r' })).toContain('shares its rack r of boston');
    const drain = { evict: [], skip: [], block: [], warnings: [], pdbs: ['shop/api'] };
    expect(shared({ drain })).toContain('shares its PodDisruptionBudget shop/api of boston');
  });

  it('for whoever runs already as for whoever starts', () => {
    const zoned = [target('a', { zone: 'z' }), target('b', { zone: 'z' })];
    expect(ask({ targets: zoned, waiting: ['b'], running: ['a'] })).toEqual([
      'b: room: a node is worked on that shares its zone z of boston',
    ]);
  });

  it('for others of its kind, where without it none takes pods and nobody approved or declared that', () => {
    const alone = { targets: [a], boston: now([nodeOf('a')]) };
    const last = 'a: room: it is the last that takes pods of the role worker';
    expect(ask(alone)).toEqual([last]);
    expect(ask({ ...alone, scopes: [scope('boston', 3, ['the zone z'])] })).toEqual([last]);
    expect(ask({ ...alone, scopes: [scope('boston', 3, ['the role worker'])] })).toEqual(['a']);
    expect(ask({ ...alone, declaredOutage: true })).toEqual(['a']);
    const left = now(nodesOf([a, b], []));
    expect(ask({ targets: [a, b], boston: left })).toEqual(['a', last.replace('a:', 'b:')]);
    expect(ask({ targets: [target('a', { alongside: ['b'] })], boston: left })).toEqual([last]);
  });

  it('for a Node of its name', () => {
    expect(ask({ targets: [a], boston: now(spare) })).toEqual(['a: room: the cluster has no such Node']);
  });

  it('for a site, where as many are worked on as may be, and not at one of these', () => {
    const far = target('far', { site: 'austin', cluster: 'austin' });
    const clusters = new Map([
      ['boston', now(nodesOf([a, b]))],
      ['austin', now(nodesOf([far]))],
    ]);
    const scopes = [scope('boston', 3), scope('austin', 3)];
    expect(ask({ targets: [a, b, far], scopes, clusters })).toEqual([
      'a',
      'b',
      'far: sites: 1 sites are worked on, and no more may be at once',
    ]);
    expect(ask({ targets: [a, b, far], scopes, clusters, maxSites: 2 })).toEqual(['a', 'b', 'far']);
    expect(ask({ targets: [a, b, far], scopes, clusters, waiting: ['a', 'b'], running: ['far'] })).toHaveLength(2);
    expect(ask({ targets: [a, b, far], scopes, clusters, waiting: ['a', 'far'], running: ['b'] })[0]).toBe('a');
  });

  it('never for ever: a node that the plan does not know is a mistake', () => {
    expect(() => ask({ targets: [a], waiting: ['b'] })).toThrow('the plan has no target b');
  });
});

describe('a member of etcd waits', () => {
  const members = ['m-1', 'm-2', 'm-3'].map(name => target(name, { role: 'control-plane' }));
  const led = (leaders: Record<string, Fact<boolean>>, healthy = known(true)): EtcdFacts => {
    const etcd = etcdOf({ 'm-1': known(true), 'm-2': known(true), 'm-3': healthy });
    return { ...etcd, members: etcd.members.map(each => ({ ...each, leader: leaders[each.node] ?? known(false) })) };
  };
  const cluster = (etcd: Fact<EtcdFacts> | undefined) =>
    known({ budget: { maxUnavailable: 9 }, nodes: nodesOf(members), ...(etcd ? { etcd } : {}) });
  const waits = (etcd: Fact<EtcdFacts> | undefined, waiting = ['m-1']) =>
    ask({ targets: members, boston: cluster(etcd), waiting });

  it('for nothing, where etcd can spare it', () => {
    expect(waits(known(led({})))).toEqual(['m-1']);
  });

  it('for etcd to be read, and to be able to spare it', () => {
    expect(waits(undefined)).toEqual(['m-1: room: etcd cannot be read: not looked at']);
    expect(waits(unknown('403'))).toEqual(['m-1: room: etcd cannot be read: 403']);
    expect(waits(known(led({}, known(false))))[0]).toMatch(/^m-1: room: .*fewer than the quorum of 2/);
  });

  it('for the others of its cluster, where it leads', () => {
    const leads = known(led({ 'm-1': known(true) }));
    expect(waits(leads, ['m-1', 'm-2'])).toEqual(['m-2', 'm-1: room: it leads etcd, and goes last']);
    expect(waits(leads)).toEqual(['m-1']);
    const first = (etcd: Fact<EtcdFacts>) => {
      const far = target('far', { role: 'control-plane', site: 'austin', cluster: 'austin' });
      return ask({ targets: [...members, far], boston: cluster(etcd), waiting: ['m-1', 'far'] })[0];
    };
    expect(first(leads)).toBe('m-1');
    const follows = known(led({}));
    expect(waits(follows, ['m-1', 'm-2'])).toEqual([
      'm-1',
      'm-2: room: a node is worked on that shares its control plane of boston',
    ]);
  });

  it('for its turn in the plan where nobody tells who leads, among those that etcd can spare', () => {
    const untold = Object.fromEntries(['m-1', 'm-2', 'm-3'].map(name => [name, unknown('not told')]));
    expect(waits(known(led(untold)), ['m-3', 'm-1'])).toEqual([
      'm-1',
      'm-3: room: m-1 goes first: which member leads etcd is not known, so that the order of the plan holds',
    ]);
    expect(waits(known(led(untold)), ['m-3'])).toEqual(['m-3']);
    const [start, ...wait] = waits(known(led(untold, known(false))), ['m-1', 'm-2', 'm-3']);
    expect(start).toBe('m-3');
    for (const each of wait) expect(each).toMatch(/fewer than the quorum of 2/);
  });
});

describe('what one node alone may take at a time', () => {
  it('is every domain that others tell, where it tells none, and of its own cluster and site alone', () => {
    const targets = [
      target('a', { zone: 'z1', rack: 'r1' }),
      target('b', { zone: 'z2' }),
      target('c', { site: 'austin', cluster: 'austin', zone: 'z3', rack: 'r3' }),
      target('d'),
    ];
    const keys = (of: PlanTarget) => turnsOf(of, domainsOf(targets));
    expect(keys(target('a', { zone: 'z1', rack: 'r1' }))).toEqual(['zone z1 of boston', 'rack r1 of boston']);
    expect(keys(target('d'))).toEqual(['zone z1 of boston', 'zone z2 of boston', 'rack r1 of boston']);
    expect(turnsOf(target('e'), domainsOf([]))).toEqual([]);
    expect(heldAlone(target('e'))).toEqual(['BMC https://e']);
    expect(heldAlone(target('d', { role: 'control-plane' }))).toEqual(['BMC https://d', 'control plane of boston']);
  });
});

describe('the order of starts', () => {
  const at = (site: string, count: number) =>
    Array.from({ length: count }, (_, n) => target(`${site}-${n}`, { site, cluster: site, zone: `z${n}` }));
  const [few, many] = [at('few', 1), at('many', 3)];
  const clusters = new Map([few, many].map(targets => [targets[0]?.site ?? '', now(nodesOf(targets))] as const));
  const scopes = [scope('few', 1), scope('many', 1)];

  it('takes the site with most to do first, and ends one that is begun before the next', () => {
    const targets = [...few, ...many];
    expect(ask({ targets, scopes, clusters })[0]).toBe('many-0');
    const begun = ask({ targets, scopes, clusters, waiting: ['few-0', 'many-1'], running: ['many-0'] });
    expect(begun.at(-1)).toMatch(/^few-0: sites/);
    const wide = [scope('few', 1), scope('many', 9)];
    expect(
      ask({ targets: [...at('few', 2), ...many], scopes: wide, clusters, waiting: ['many-0', 'few-0', 'few-1'] })[0],
    ).toBe('few-0');
  });

  it('takes for work what a failure domain makes wait for each other, however wide the budget is', () => {
    const chain = ['a', 'b'].map(node => target(node, { site: 'chain', cluster: 'chain', zone: 'z' }));
    const facts = new Map([...clusters, ['chain', now(nodesOf(chain))] as const]);
    const wide = [scope('chain', 9), scope('many', 9)];
    expect(ask({ targets: [...many, ...chain], scopes: wide, clusters: facts })[0]).toBe('a');
  });

  it('takes within a site what most others wait for', () => {
    const zoned = [target('a', { zone: 'x' }), target('b', { zone: 'y' }), target('c', { zone: 'y' })];
    expect(ask({ targets: zoned })).toEqual(['b', 'a', expect.stringContaining('c: room: a node is worked on')]);
  });
});
