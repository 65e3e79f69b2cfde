import { describe, expect, it } from 'vitest';
import type { NodeFacts, PodFacts } from '../../src/core/cluster-facts.ts';
import type { Placement } from '../../src/core/scheduling.ts';
import { describeRefusals, placementsOf, wantsPlace } from '../../src/planning/placement.ts';
import { ownerName, readyReplicas } from '../../src/planning/workload.ts';
import { nodeOf, podOf } from '../support/cluster-facts.ts';

const gibibyte = 2 ** 30;
const requests = { cpu: 100, memory: gibibyte, ephemeralStorage: 0, pods: 1 };

function placed(change: Partial<Placement>): PodFacts {
  return podOf({ placement: { ...podOf().placement, ...change } });
}

/** Where these pods of n1 go when n1 leaves. */
function moved(pods: PodFacts[], others: NodeFacts[], running: PodFacts[] = []) {
  const nodes = [nodeOf('n1'), ...others];
  return placementsOf({ pods, nodes, clusterPods: [...pods, ...running], leaving: new Set(['n1']) });
}

/** The reasons why n2 does not take the pod, or `n2` where it does. */
function verdict(pod: PodFacts, node: NodeFacts, running: PodFacts[] = []): string {
  const [placement] = moved([pod], [node], running);
  return placement?.node ?? placement?.refusals.map(({ reason }) => reason).join(', ') ?? '';
}

const term = (operator: string, values: string[] = [], key = 'disk') => ({
  nodeTerms: [{ labels: [{ key, operator, values }], fields: [] }],
});
const labelled = (labels: Record<string, string>) => nodeOf('n2', { labels });
const dedicated = { key: 'dedicated', value: 'db', effect: 'NoSchedule' };

describe('a node takes a pod only where the filters of the scheduler let it', () => {
  it.each<[string, PodFacts, NodeFacts, string]>([
    ['an open node', podOf(), nodeOf('n2'), 'n2'],
    ['a cordoned one', podOf(), nodeOf('n2', { unschedulable: true }), 'cordoned'],
    [
      'a cordoned one whose taint is tolerated',
      placed({ tolerations: [{ operator: 'Exists', effect: 'NoSchedule' }] }),
      nodeOf('n2', { unschedulable: true }),
      'n2',
    ],
    ['one that is not Ready', podOf(), nodeOf('n2', { ready: false }), 'not Ready'],
    ['a NoSchedule taint', podOf(), nodeOf('n2', { taints: [dedicated] }), 'taint dedicated'],
    [
      'a NoExecute taint',
      podOf(),
      nodeOf('n2', { taints: [{ ...dedicated, effect: 'NoExecute' }] }),
      'taint dedicated',
    ],
    [
      'a PreferNoSchedule taint',
      podOf(),
      nodeOf('n2', { taints: [{ ...dedicated, effect: 'PreferNoSchedule' }] }),
      'n2',
    ],
    [
      'a tolerated taint',
      placed({ tolerations: [{ key: 'dedicated', operator: 'Equal', value: 'db' }] }),
      nodeOf('n2', { taints: [dedicated] }),
      'n2',
    ],
    [
      'a toleration of another value',
      placed({ tolerations: [{ key: 'dedicated', value: 'web' }] }),
      nodeOf('n2', { taints: [dedicated] }),
      'taint dedicated',
    ],
    [
      'a toleration that compares in a way nobody here knows',
      placed({ tolerations: [{ key: 'dedicated', operator: 'Gt', value: 'db' }] }),
      nodeOf('n2', { taints: [dedicated] }),
      'taint dedicated',
    ],
    [
      'a toleration of another effect',
      placed({ tolerations: [{ operator: 'Exists', effect: 'NoExecute' }] }),
      nodeOf('n2', { taints: [dedicated] }),
      'taint dedicated',
    ],
    [
      'a toleration of any value of another key',
      placed({ tolerations: [{ key: 'other', operator: 'Exists' }] }),
      nodeOf('n2', { taints: [dedicated] }),
      'taint dedicated',
    ],
    ['a node selector that holds', placed({ nodeSelector: { disk: 'ssd' } }), labelled({ disk: 'ssd' }), 'n2'],
    [
      'one that does not',
      placed({ nodeSelector: { disk: 'ssd' } }),
      labelled({}),
      'outside its node selector or affinity',
    ],
    ['In', placed(term('In', ['ssd', 'nvme'])), labelled({ disk: 'nvme' }), 'n2'],
    [
      'In, other value',
      placed(term('In', ['ssd'])),
      labelled({ disk: 'hdd' }),
      'outside its node selector or affinity',
    ],
    ['NotIn, other value', placed(term('NotIn', ['hdd'])), labelled({ disk: 'ssd' }), 'n2'],
    ['NotIn of an absent label', placed(term('NotIn', ['hdd'])), labelled({}), 'n2'],
    ['NotIn', placed(term('NotIn', ['hdd'])), labelled({ disk: 'hdd' }), 'outside its node selector or affinity'],
    ['Exists', placed(term('Exists')), labelled({ disk: '' }), 'n2'],
    ['DoesNotExist', placed(term('DoesNotExist')), labelled({ disk: '' }), 'outside its node selector or affinity'],
    ['Gt', placed(term('Gt', ['9'])), labelled({ disk: '10' }), 'n2'],
    [
      'Gt of an equal number',
      placed(term('Gt', ['10'])),
      labelled({ disk: '10' }),
      'outside its node selector or affinity',
    ],
    ['Lt', placed(term('Lt', ['10'])), labelled({ disk: '9' }), 'n2'],
    [
      'Lt of an equal number',
      placed(term('Lt', ['10'])),
      labelled({ disk: '10' }),
      'outside its node selector or affinity',
    ],
    [
      'Lt of what is no number',
      placed(term('Lt', ['10'])),
      labelled({ disk: 'x9' }),
      'outside its node selector or affinity',
    ],
    [
      'an operator that nobody knows',
      placed(term('Like', ['s'])),
      labelled({ disk: 's' }),
      'outside its node selector or affinity',
    ],
    [
      'its name as a field',
      placed({ nodeTerms: [{ labels: [], fields: [{ key: 'metadata.name', operator: 'In', values: ['n2'] }] }] }),
      nodeOf('n2'),
      'n2',
    ],
    [
      'another name as a field',
      placed({ nodeTerms: [{ labels: [], fields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] }] }),
      nodeOf('n2'),
      'outside its node selector or affinity',
    ],
    [
      'a term that asks for nothing',
      placed({ nodeTerms: [{ labels: [], fields: [] }] }),
      nodeOf('n2'),
      'outside its node selector or affinity',
    ],
    [
      'a label and its name in one term',
      placed({
        nodeTerms: term('Exists').nodeTerms.map(each => ({
          ...each,
          fields: [{ key: 'metadata.name', operator: 'In', values: ['n2'] }],
        })),
      }),
      labelled({ disk: 'ssd' }),
      'n2',
    ],
    [
      'one of several terms',
      placed({ nodeTerms: [...term('In', ['hdd']).nodeTerms, ...term('In', ['ssd']).nodeTerms] }),
      labelled({ disk: 'ssd' }),
      'n2',
    ],
    ['more cpu than there is', podOf({ requests: { ...requests, cpu: 4001 } }), nodeOf('n2'), 'insufficient cpu'],
    [
      'more of everything',
      podOf({ requests: { cpu: 9e9, memory: 9e15, ephemeralStorage: 9e15, pods: 1 } }),
      nodeOf('n2'),
      'insufficient cpu, insufficient ephemeral storage, insufficient memory',
    ],
  ])('%s', (_, pod, node, expected) => {
    expect(verdict(pod, node)).toBe(expected);
  });

  it('counts what runs there, ending pods too, finished ones not', () => {
    const big = { ...requests, cpu: 3950 };
    const there = (change: Partial<PodFacts>) => [podOf({ node: 'n2', requests: big, ...change })];
    expect(verdict(podOf(), nodeOf('n2'), there({}))).toBe('insufficient cpu');
    expect(verdict(podOf(), nodeOf('n2'), there({ terminating: true, ready: false }))).toBe('insufficient cpu');
    expect(verdict(podOf(), nodeOf('n2'), there({ phase: 'Succeeded' }))).toBe('n2');
  });

  it('counts pods and host ports', () => {
    const full = nodeOf('n2', { allocatable: { ...nodeOf('n2').allocatable, pods: 1 } });
    expect(verdict(podOf(), full, [podOf({ node: 'n2' })])).toBe('too many pods');
    const port = { ...podOf().placement, hostPorts: [8080] };
    expect(verdict(podOf({ placement: port }), nodeOf('n2'), [podOf({ node: 'n2', placement: port })])).toBe(
      'host port taken',
    );
  });

  it('takes more than is free only where nothing is asked for', () => {
    const free = { cpu: 0, memory: 0, ephemeralStorage: 0, pods: 1 };
    const idle = podOf({ requests: { cpu: 0, memory: 0, ephemeralStorage: 0, pods: 1 } });
    expect(verdict(idle, nodeOf('n2', { allocatable: free }))).toBe('n2');
    const crowded = [podOf({ node: 'n2', requests: { ...idle.requests, cpu: 9000 } })];
    expect(verdict(idle, nodeOf('n2'), crowded)).toBe('n2');
    expect(verdict({ ...idle, requests: { ...idle.requests, cpu: 1 } }, nodeOf('n2'), crowded)).toBe(
      'insufficient cpu',
    );
  });
});

describe('required anti-affinity', () => {
  const apart = (topologyKey: string, namespaces = ['shop']) => ({
    ...podOf().placement,
    antiAffinity: [{ topologyKey, selector: { matchLabels: { app: 'api' } }, namespaces }],
  });
  const zone = 'topology.kubernetes.io/zone';

  it("keeps to the pod's own terms, and to those of the pods that run", () => {
    const shy = podOf({ placement: apart('kubernetes.io/hostname') });
    expect(verdict(shy, nodeOf('n2'), [podOf({ node: 'n2' })])).toBe('anti-affinity');
    expect(verdict(podOf(), nodeOf('n2'), [{ ...shy, uid: 'other', node: 'n2' }])).toBe('anti-affinity');
    expect(verdict(shy, nodeOf('n2'), [podOf({ node: 'n2', namespace: 'media' })])).toBe('n2');
    expect(verdict(shy, nodeOf('n2'), [podOf({ node: 'n2', labels: { app: 'web' } })])).toBe('n2');
  });

  it('is against pods of its own namespace where it names none, and of those alone that it names', () => {
    const running = (namespace: string) => [podOf({ node: 'n2', namespace })];
    const to = (namespaces: string[], namespace: string) =>
      verdict(podOf({ placement: apart('kubernetes.io/hostname', namespaces) }), nodeOf('n2'), running(namespace));
    expect([to([], 'shop'), to([], 'media')]).toEqual(['anti-affinity', 'n2']);
    expect([to(['media'], 'shop'), to(['media'], 'media')]).toEqual(['n2', 'anti-affinity']);
  });

  it('reaches as far as its topology, and not to nodes without that label', () => {
    const nodes = [
      nodeOf('n2', { labels: { [zone]: 'a' } }),
      nodeOf('n3', { labels: { [zone]: 'a' } }),
      nodeOf('n4', { labels: {} }),
    ];
    const shy = podOf({ placement: apart(zone) });
    expect(moved([shy], nodes, [podOf({ node: 'n3' })])).toMatchObject([
      { node: 'n4', candidates: 1, refusals: [{ nodes: 2, reason: 'anti-affinity' }] },
    ]);
  });

  it('holds among the pods that move together', () => {
    const shy = () => podOf({ placement: apart('kubernetes.io/hostname') });
    const placements = moved([shy(), shy(), shy()], [nodeOf('n2'), nodeOf('n3')]);
    expect(placements.map(({ node }) => node)).toEqual(['n2', 'n3', undefined]);
  });
});

describe('pods that move together', () => {
  it('each take their room: ten that fit alone do not all fit', () => {
    const pods = Array.from({ length: 10 }, () => podOf({ requests: { ...requests, cpu: 1000 } }));
    const placements = moved(pods, [nodeOf('n2'), nodeOf('n3')]);
    expect(placements.map(({ node }) => node ?? 'none').sort()).toEqual([
      ...Array(4).fill('n2'),
      ...Array(4).fill('n3'),
      'none',
      'none',
    ]);
    expect(describeRefusals(placements.at(-1) ?? { refusals: [] })).toBe('2 nodes: insufficient cpu');
  });

  it('are placed by priority, then by size', () => {
    const small = podOf({ name: 'small' });
    const big = podOf({ name: 'big', requests: { ...requests, cpu: 3000 } });
    const urgent = podOf({ name: 'urgent', priority: 1000 });
    expect(moved([small, big, urgent], [nodeOf('n2')]).map(({ pod }) => pod.name)).toEqual(['urgent', 'big', 'small']);
    const [quarter, half] = [podOf({ name: 'quarter' }), podOf({ name: 'half' })];
    quarter.requests = { ...requests, cpu: 1000 };
    half.requests = { ...requests, memory: 8 * 2 ** 30 };
    expect(moved([quarter, half], [nodeOf('n2')]).map(({ pod }) => pod.name)).toEqual(['half', 'quarter']);
    quarter.requests = { ...requests, memory: 4 * 2 ** 30 };
    half.requests = { ...requests, cpu: 2000 };
    expect(moved([quarter, half], [nodeOf('n2')]).map(({ pod }) => pod.name)).toEqual(['half', 'quarter']);
  });

  it('may be worse off with one more node: the first goes there, and keeps another away', () => {
    const zone = 'topology.kubernetes.io/zone';
    const apart = {
      ...podOf().placement,
      antiAffinity: [{ topologyKey: zone, selector: { matchLabels: { app: 'api' } }, namespaces: ['shop'] }],
    };
    const first = podOf({ name: 'first', priority: 10, placement: { ...apart, nodeSelector: { any: 'yes' } } });
    const second = podOf({ name: 'second', placement: { ...apart, nodeSelector: { special: 'yes' } } });
    const without = [
      nodeOf('n2', { labels: { [zone]: 'a', any: 'yes' } }),
      nodeOf('n3', { labels: { [zone]: 'b', special: 'yes' } }),
    ];
    const roomy = { ...nodeOf('n4').allocatable, cpu: 64_000, memory: 512 * gibibyte };
    const added = nodeOf('n4', { labels: { [zone]: 'b', any: 'yes' }, allocatable: roomy });
    expect(moved([first, second], without).map(({ node }) => node)).toEqual(['n2', 'n3']);
    expect(moved([first, second], [...without, added]).map(({ node }) => node)).toEqual(['n4', undefined]);
  });

  it('go only where their volumes can be used, and need no caution once those were looked at', () => {
    const on = (host: string) => ({
      volume: `pv-${host}`,
      claim: 'shop/data',
      terms: [{ labels: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [host] }], fields: [] }],
    });
    const withVolume = (host: string) =>
      podOf({ claims: ['data'], placement: { ...podOf().placement, volumes: [on(host)] } });
    expect(verdict(withVolume('n2'), nodeOf('n2'))).toBe('n2');
    expect(verdict(withVolume('n1'), nodeOf('n2'))).toBe('its volume is on another node');
    expect(moved([withVolume('n2')], [nodeOf('n2')])[0]?.unjudged).toEqual([]);
  });

  it('go where the largest share stays free, then where fewer pods are, then by name', () => {
    const room = (name: string, cpu: number, change: Partial<NodeFacts['allocatable']> = {}) =>
      nodeOf(name, { allocatable: { ...nodeOf(name).allocatable, cpu, ...change } });
    const goes = (others: NodeFacts[], running: PodFacts[] = []) => moved([podOf()], others, running)[0]?.node;
    expect(goes([room('n2', 1000), room('n3', 2000), room('n4', 1500)])).toBe('n3');
    const busy = podOf({ node: 'n2', requests: { cpu: 5000, memory: 0, ephemeralStorage: 0, pods: 1 } });
    expect(goes([room('n2', 10_000), room('n3', 2000)], [busy])).toBe('n3');
    const idle = podOf({ node: 'n2', requests: { cpu: 0, memory: 0, ephemeralStorage: 0, pods: 1 } });
    expect(goes([nodeOf('n2'), nodeOf('n3')], [idle])).toBe('n3');
    expect(goes([nodeOf('n3'), nodeOf('n2')])).toBe('n2');
  });

  it('say what no forecast knows', () => {
    expect(moved([podOf()], [nodeOf('n2')])[0]?.unjudged).toEqual([]);
    const odd = podOf({ claims: ['data'], placement: { ...podOf().placement, unjudged: ['podAffinity'] } });
    expect(moved([odd], [nodeOf('n2')])[0]?.unjudged).toEqual(['podAffinity', 'where its volumes can be attached']);
  });

  it('have nowhere to go in a cluster of one node', () => {
    const [placement] = moved([podOf()], []);
    expect(placement).toMatchObject({ candidates: 0, refusals: [] });
    expect(placement?.node).toBeUndefined();
    expect(describeRefusals({ refusals: [] })).toBe('there is no other node');
  });
});

describe('what is started again', () => {
  it('is what a controller wants elsewhere', () => {
    expect(wantsPlace(podOf())).toBe(true);
    expect(wantsPlace(podOf({ controller: undefined }))).toBe(false);
    expect(wantsPlace(podOf({ controller: { kind: 'DaemonSet', name: 'agent' } }))).toBe(false);
    expect(wantsPlace(podOf({ mirror: true }))).toBe(false);
    expect(wantsPlace(podOf({ phase: 'Succeeded' }))).toBe(false);
  });
});

describe('a workload', () => {
  const revision = (hash: string, change: Partial<PodFacts> = {}) =>
    podOf({
      labels: { app: 'web', 'pod-template-hash': hash },
      controller: { kind: 'ReplicaSet', name: `web-${hash}` },
      ...change,
    });

  it('is the Deployment of both revisions while one is rolled out', () => {
    expect(ownerName(revision('5d4'))).toBe('Deployment shop/web');
    const pods = [
      revision('5d4', { node: 'n1' }),
      revision('77c', { node: 'n2' }),
      revision('77c', { node: 'n3', ready: false }),
      revision('77c', { node: 'n3', terminating: true }),
    ];
    expect(readyReplicas(pods, new Set(['n1']))).toEqual(new Map([['Deployment shop/web', 1]]));
  });

  it('is the ReplicaSet where no Deployment made it, and nothing for a bare pod', () => {
    expect(ownerName(podOf())).toBe('ReplicaSet shop/api');
    expect(ownerName(podOf({ controller: undefined }))).toBe('no controller');
    expect(ownerName(revision('5d4', { controller: { kind: 'StatefulSet', name: 'web-5d4' } }))).toBe(
      'StatefulSet shop/web-5d4',
    );
    expect(ownerName(revision('5d4', { controller: { kind: 'ReplicaSet', name: 'web' } }))).toBe('ReplicaSet shop/web');
    expect(ownerName(revision('', { controller: { kind: 'ReplicaSet', name: 'web-' } }))).toBe('ReplicaSet shop/web-');
    expect(ownerName(podOf({ mirror: true, controller: { kind: 'Node', name: 'n1' } }))).toBe('static pod');
  });
});
