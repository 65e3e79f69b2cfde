import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NodeFacts, PodFacts } from '../../src/core/cluster-facts.ts';
import type { Resources } from '../../src/core/scheduling.ts';
import { isFinished } from '../../src/planning/pdb-groups.ts';
import { type PodPlacement, placementsOf } from '../../src/planning/placement.ts';
import { nodeOf, podOf } from '../support/cluster-facts.ts';

const zone = 'topology.kubernetes.io/zone';
const taint = { key: 'dedicated', effect: 'NoSchedule' };

const amountsTo = (max: number) =>
  fc.record({
    cpu: fc.integer({ min: 0, max }),
    memory: fc.integer({ min: 0, max }),
    ephemeralStorage: fc.integer({ min: 0, max }),
    pods: fc.constant(1),
  });
/** Small numbers, so that many clusters are too small for what they are asked. */
const rooms = amountsTo(10);

const nodes = fc
  .array(
    fc.record({
      room: rooms,
      pods: fc.integer({ min: 0, max: 6 }),
      unschedulable: fc.boolean(),
      ready: fc.boolean(),
      tainted: fc.boolean(),
      zone: fc.constantFrom('a', 'b', undefined),
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map(all =>
    all.map((shape, index) =>
      nodeOf(`n${index}`, {
        allocatable: { ...shape.room, pods: shape.pods },
        unschedulable: shape.unschedulable && index > 0,
        ready: shape.ready || index < 2,
        taints: shape.tainted && index > 1 ? [taint] : [],
        labels: shape.zone === undefined ? {} : { [zone]: shape.zone },
      }),
    ),
  );

const podShape = fc.record({
  requests: amountsTo(3),
  priority: fc.integer({ min: 0, max: 2 }),
  on: fc.integer({ min: 0, max: 6 }),
  app: fc.constantFrom('web', 'db'),
  apart: fc.boolean(),
  tolerant: fc.boolean(),
  port: fc.constantFrom(undefined, 80),
  phase: fc.constantFrom('Running', 'Succeeded'),
  leaves: fc.boolean(),
});

type Shape = typeof podShape extends fc.Arbitrary<infer T> ? T : never;

function podFrom(shape: Shape): PodFacts {
  const { requests, priority, app, apart, tolerant, port, phase, on } = shape;
  return podOf({
    node: `n${on}`,
    requests,
    priority,
    phase,
    labels: { app },
    placement: {
      ...podOf().placement,
      hostPorts: port === undefined ? [] : [port],
      tolerations: tolerant ? [{ key: 'dedicated', operator: 'Exists' }] : [],
      antiAffinity: apart ? [{ topologyKey: zone, selector: { matchLabels: { app } }, namespaces: ['shop'] }] : [],
    },
  });
}

const scenes = fc.record({ nodes, shapes: fc.array(podShape, { maxLength: 14 }), leaving: fc.subarray(['n0', 'n3']) });
type Scene = { nodes: NodeFacts[]; shapes: Shape[]; leaving: string[] };

function played({ nodes: all, shapes, leaving }: Scene) {
  const clusterPods = shapes.map(podFrom);
  const pods = clusterPods.filter((_, index) => shapes[index]?.leaves);
  return { nodes: all, clusterPods, pods, leaving: new Set(leaving) };
}

type Played = ReturnType<typeof played>;

/** All that would run on a node afterwards, as a reader of the placements sees it. */
function runningThen({ clusterPods, pods }: Played, placements: PodPlacement[], node: string): PodFacts[] {
  const staying = clusterPods.filter(pod => pod.node === node && !pods.includes(pod) && !isFinished(pod));
  return [...staying, ...arrivals(placements, node)];
}

function arrivals(placements: PodPlacement[], node: string): PodFacts[] {
  return placements.filter(placement => placement.node === node).map(({ pod }) => pod);
}

const names: (keyof Resources)[] = ['cpu', 'memory', 'ephemeralStorage', 'pods'];

describe('placements', () => {
  it('never ask more of a node than it offers', () => {
    let seen = 0;
    fc.assert(
      fc.property(scenes, scene => {
        const question = played(scene);
        const placements = placementsOf(question);
        for (const { name, allocatable } of question.nodes) {
          for (const resource of names) {
            // What an arriving pod does not ask for is not held against it, however crowded the node is.
            if (!arrivals(placements, name).some(({ requests }) => requests[resource] > 0)) continue;
            seen++;
            const asked = runningThen(question, placements, name).map(({ requests }) => requests[resource]);
            expect(asked.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(allocatable[resource]);
          }
        }
      }),
    );
    expect(seen).toBeGreaterThan(50);
  });

  it('never use a node that leaves, is cordoned, not Ready, or tainted against the pod', () => {
    fc.assert(
      fc.property(scenes, scene => {
        const question = played(scene);
        for (const { pod, node: name } of placementsOf(question)) {
          if (name === undefined) continue;
          const node = question.nodes.find(each => each.name === name);
          expect(question.leaving.has(name)).toBe(false);
          expect(node).toMatchObject({ unschedulable: false, ready: true });
          expect(node?.taints.length === 0 || pod.placement.tolerations.length > 0).toBe(true);
        }
      }),
    );
  });

  it('never bring together what asks to be apart, nor two pods to one host port', () => {
    fc.assert(
      fc.property(scenes, scene => {
        const question = played(scene);
        const placements = placementsOf(question);
        for (const { pod, node: name } of placements) {
          const place = question.nodes.find(each => each.name === name);
          if (!place) continue;
          const others = question.nodes.flatMap(each =>
            runningThen(question, placements, each.name)
              .filter(other => other.uid !== pod.uid)
              .map(other => ({ other, node: each })),
          );
          for (const { other, node } of others) {
            const sameZone = node.labels[zone] !== undefined && node.labels[zone] === place.labels[zone];
            const shy = [pod, other].some(each => each.placement.antiAffinity.length > 0);
            expect(sameZone && shy && other.labels.app === pod.labels.app).toBe(false);
            const sharesPort = pod.placement.hostPorts.some(port => other.placement.hostPorts.includes(port));
            expect(sharesPort && node.name === name).toBe(false);
          }
        }
      }),
    );
  });

  it('answer for every pod once, with a node or with a reason for every node that remains', () => {
    fc.assert(
      fc.property(scenes, scene => {
        const question = played(scene);
        const placements = placementsOf(question);
        expect(placements.map(({ pod }) => pod.uid).sort()).toEqual(question.pods.map(({ uid }) => uid).sort());
        const remaining = question.nodes.filter(({ name }) => !question.leaving.has(name)).length;
        for (const { node, candidates, refusals } of placements) {
          expect(node === undefined).toBe(candidates === 0);
          const refused = refusals.reduce((sum, { nodes: count }) => sum + count, 0);
          expect(candidates + refused).toBeGreaterThanOrEqual(remaining);
        }
      }),
    );
  });

  it('do not depend on the order in which pods and nodes are listed', () => {
    const told = (placements: PodPlacement[]) => placements.map(({ pod, ...rest }) => ({ pod: pod.uid, ...rest }));
    fc.assert(
      fc.property(scenes, scene => {
        const question = played(scene);
        const reversed = {
          ...question,
          pods: question.pods.toReversed(),
          nodes: question.nodes.toReversed(),
          clusterPods: question.clusterPods.toReversed(),
        };
        expect(told(placementsOf(reversed))).toEqual(told(placementsOf(question)));
      }),
    );
  });

  it('of one pod alone are never lost by adding an empty node', () => {
    fc.assert(
      fc.property(scenes, rooms, (scene, room) => {
        const question = played(scene);
        const [pod] = question.pods;
        if (!pod) return;
        const alone = { ...question, pods: [pod] };
        const more = { ...alone, nodes: [...question.nodes, nodeOf('added', { allocatable: { ...room, pods: 5 } })] };
        const [before, afterwards] = [placementsOf(alone)[0], placementsOf(more)[0]];
        expect(afterwards?.candidates).toBeGreaterThanOrEqual(before?.candidates ?? 0);
      }),
    );
  });
});
