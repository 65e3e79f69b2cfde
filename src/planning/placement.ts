/**
 * Where pods that leave their node would run next. They are placed one after
 * the other and each takes its room, so that "all of them fit" is never
 * claimed because each alone would. A forecast: the scheduler scores nodes in
 * ways that are its own, and may preempt.
 */
import type { NodeFacts, PodFacts } from '../core/cluster-facts.ts';
import type { Resources } from '../core/scheduling.ts';
import { isFinished } from './pdb-groups.ts';
import { forbiddenTopologies, type Located, type Room, refusalsOf } from './placement-filters.ts';
import { byText } from './text-order.ts';

export type PlacementQuestion = {
  /** The pods that leave and are wanted elsewhere. */
  pods: PodFacts[];
  /** All nodes of the cluster. */
  nodes: NodeFacts[];
  /** All pods of the cluster; those that leave may be among them. */
  clusterPods: PodFacts[];
  /** Names of the nodes that go away, whatever they look like now. */
  leaving: ReadonlySet<string>;
};

export type PodPlacement = {
  pod: PodFacts;
  /** The node that takes it; undefined where none can. */
  node?: string;
  /** How many nodes could take it when its turn comes. */
  candidates: number;
  /** How many of the nodes that remain refuse it for each reason, the most common first. */
  refusals: { nodes: number; reason: string }[];
  /** What it asks for beyond what is judged here. */
  unjudged: string[];
};

/** Whether something starts the pod again on another node once it is gone. */
export function wantsPlace(pod: PodFacts): boolean {
  const { controller } = pod;
  return !pod.mirror && !isFinished(pod) && controller !== undefined && controller.kind !== 'DaemonSet';
}

/** The placements in the order in which they were made: high priority first, then the biggest. Pure and deterministic. */
export function placementsOf({ pods, nodes, clusterPods, leaving }: PlacementQuestion): PodPlacement[] {
  const gone = new Set(pods.map(pod => pod.uid));
  const staying = clusterPods.filter(pod => pod.node !== undefined && !gone.has(pod.uid) && !isFinished(pod));
  const onNode = Map.groupBy(staying, pod => pod.node ?? '');
  const rooms = nodes.filter(({ name }) => !leaving.has(name)).map(node => roomOf(node, onNode.get(node.name) ?? []));
  const labels = new Map(nodes.map(node => [node.name, node.labels]));
  const running: Located[] = staying.map(pod => ({ pod, nodeLabels: labels.get(pod.node ?? '') ?? {} }));
  return inTurn(pods, nodes).map(pod => {
    const forbidden = forbiddenTopologies(pod, running);
    const judged = rooms.map(room => ({ room, refusals: refusalsOf(pod, room, forbidden) }));
    const open = judged.filter(({ refusals }) => refusals.length === 0).map(({ room }) => room);
    const best = mostFree(open, pod.requests);
    if (best) {
      take(best, pod);
      running.push({ pod, nodeLabels: best.node.labels });
    }
    return {
      pod,
      ...(best ? { node: best.node.name } : {}),
      candidates: open.length,
      refusals: counted(judged.flatMap(({ refusals }) => refusals)),
      unjudged: unjudgedOf(pod),
    };
  });
}

/** `2 nodes: insufficient memory; 1: cordoned`, as the scheduler would count them. */
export function describeRefusals({ refusals }: Pick<PodPlacement, 'refusals'>): string {
  if (refusals.length === 0) return 'there is no other node';
  return refusals
    .map(({ nodes, reason }, index) => `${nodes}${index === 0 ? (nodes === 1 ? ' node' : ' nodes') : ''}: ${reason}`)
    .join('; ');
}

type OpenRoom = Room & { hostPorts: Set<number> };

function roomOf(node: NodeFacts, pods: PodFacts[]): OpenRoom {
  const room: OpenRoom = { node, free: node.allocatable, hostPorts: new Set() };
  for (const pod of pods) take(room, pod);
  return room;
}

function take(room: OpenRoom, { requests, placement }: PodFacts): void {
  const { free } = room;
  room.free = {
    cpu: free.cpu - requests.cpu,
    memory: free.memory - requests.memory,
    ephemeralStorage: free.ephemeralStorage - requests.ephemeralStorage,
    pods: free.pods - requests.pods,
  };
  for (const port of placement.hostPorts) room.hostPorts.add(port);
}

/** High priority first, then the biggest; names decide between equals. */
function inTurn(pods: PodFacts[], nodes: NodeFacts[]): PodFacts[] {
  const largest = (name: 'cpu' | 'memory') => Math.max(1, ...nodes.map(node => node.allocatable[name]));
  const [cpu, memory] = [largest('cpu'), largest('memory')];
  const size = ({ requests }: PodFacts) => Math.max(requests.cpu / cpu, requests.memory / memory);
  return pods.toSorted((a, b) => b.priority - a.priority || size(b) - size(a) || byText(keyOf(a), keyOf(b)));
}

function keyOf({ namespace, name, uid }: PodFacts): string {
  return `${namespace}/${name}/${uid}`;
}

/** The room that keeps the largest share free; between equals the one with fewer pods, then by name. */
function mostFree(rooms: OpenRoom[], asked: Resources): OpenRoom | undefined {
  const left = ({ node, free }: OpenRoom, name: 'cpu' | 'memory') =>
    (free[name] - asked[name]) / Math.max(1, node.allocatable[name]);
  const share = (room: OpenRoom) => Math.min(left(room, 'cpu'), left(room, 'memory'));
  const [best] = rooms.toSorted(
    (a, b) => share(b) - share(a) || b.free.pods - a.free.pods || byText(a.node.name, b.node.name),
  );
  return best;
}

function counted(reasons: string[]): PodPlacement['refusals'] {
  return [...Map.groupBy(reasons, reason => reason)]
    .map(([reason, all]) => ({ nodes: all.length, reason }))
    .toSorted((a, b) => b.nodes - a.nodes || byText(a.reason, b.reason));
}

/** Volumes may be bound to a zone or a node, which pods do not say by themselves. */
function unjudgedOf({ placement, claims }: PodFacts): string[] {
  const unseen = placement.volumes === undefined && claims.length > 0;
  return [...placement.unjudged, ...(unseen ? ['where its volumes can be attached'] : [])];
}
