/**
 * Whether a node could take a pod, judged by the filters of the scheduler that
 * can be judged from facts, in the scheduler's order: the first filter that
 * says no gives the reasons.
 */
import type { NodeFacts, PodFacts } from '../core/cluster-facts.ts';
import type { NodeTerm, Requirement, Resources, Taint } from '../core/scheduling.ts';
import { selects } from './selector.ts';
import { isTolerated } from './taints.ts';

/** A node, and what is left of it at this moment of a forecast. */
export type Room = { node: NodeFacts; free: Resources; hostPorts: ReadonlySet<number> };

/** A pod and the labels of the node that it runs on. */
export type Located = { pod: PodFacts; nodeLabels: Record<string, string> };

/** Label values that required anti-affinity forbids to a pod: topology key to values. */
export type ForbiddenTopologies = ReadonlyMap<string, ReadonlySet<string>>;

const unschedulableTaint: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

/** Why the node cannot take the pod; empty where it can. A node that is not Ready is never a place. */
export function refusalsOf(pod: PodFacts, { node, free, hostPorts }: Room, forbidden: ForbiddenTopologies): string[] {
  if (node.unschedulable && !isTolerated(unschedulableTaint, pod)) return ['cordoned'];
  if (!node.ready) return ['not Ready'];
  const taint = node.taints.find(each => each.effect !== 'PreferNoSchedule' && !isTolerated(each, pod));
  if (taint) return [`taint ${taint.key}`];
  if (!selectsNode(pod, node)) return ['outside its node selector or affinity'];
  const elsewhere = pod.placement.volumes?.some(({ terms }) => !someHolds(terms, node));
  if (elsewhere) return ['its volume is on another node'];
  if (pod.placement.hostPorts.some(port => hostPorts.has(port))) return ['host port taken'];
  const short = shortages(pod.requests, free);
  if (short.length > 0) return short;
  const near = [...forbidden].some(([key, values]) => {
    const value = labelOf(node.labels, key);
    return value !== undefined && values.has(value);
  });
  return near ? ['anti-affinity'] : [];
}

/** What required anti-affinity forbids, both ways: the pod's own terms, and those of the pods that run. */
export function forbiddenTopologies(pod: PodFacts, running: Iterable<Located>): ForbiddenTopologies {
  const forbidden = new Map<string, Set<string>>();
  for (const { pod: other, nodeLabels } of running) {
    const keys = [...keysAgainst(pod, other), ...keysAgainst(other, pod)];
    for (const key of keys) {
      const value = labelOf(nodeLabels, key);
      if (value !== undefined) forbidden.set(key, (forbidden.get(key) ?? new Set()).add(value));
    }
  }
  return forbidden;
}

/** Topology keys in whose domains `pod` does not want `other`. */
function keysAgainst(pod: PodFacts, other: PodFacts): string[] {
  return pod.placement.antiAffinity.flatMap(({ topologyKey, selector, namespaces }) => {
    const inNamespace =
      namespaces.length === 0 ? other.namespace === pod.namespace : namespaces.includes(other.namespace);
    return inNamespace && selects(selector, other.labels) ? [topologyKey] : [];
  });
}

const shortageNames: [keyof Resources, string][] = [
  ['cpu', 'insufficient cpu'],
  ['memory', 'insufficient memory'],
  ['ephemeralStorage', 'insufficient ephemeral storage'],
  ['pods', 'too many pods'],
];

/** What is not asked for is never short. */
function shortages(asked: Resources, free: Resources): string[] {
  return shortageNames.flatMap(([name, reason]) => (asked[name] > 0 && asked[name] > free[name] ? [reason] : []));
}

/** Whether its node selector and required node affinity, if it has any, hold on this node. */
export function selectsNode({ placement }: PodFacts, { name, labels }: NodeFacts): boolean {
  const { nodeSelector, nodeTerms } = placement;
  const selected = Object.entries(nodeSelector).every(([key, value]) => labelOf(labels, key) === value);
  return selected && (nodeTerms.length === 0 || someHolds(nodeTerms, { name, labels }));
}

function someHolds(terms: NodeTerm[], { name, labels }: Pick<NodeFacts, 'name' | 'labels'>): boolean {
  return terms.some(term => termHolds(term, labels, name));
}

/** A term without any requirement holds nowhere. The only field there is is the node's name. */
function termHolds(term: NodeTerm, labels: Record<string, string>, name: string): boolean {
  if (term.labels.length + term.fields.length === 0) return false;
  const field = (key: string) => (key === 'metadata.name' ? name : undefined);
  return (
    term.labels.every(requirement => holds(requirement, labelOf(labels, requirement.key))) &&
    term.fields.every(requirement => holds(requirement, field(requirement.key)))
  );
}

/** An operator that is not known holds nowhere. */
function holds({ operator, values }: Requirement, value: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
    case 'Lt':
      return isBeyond(operator, value, values[0]);
    default:
      return false;
  }
}

function isBeyond(operator: 'Gt' | 'Lt', value: string | undefined, limit: string | undefined): boolean {
  const [number, bound] = [integer(value), integer(limit)];
  if (number === undefined || bound === undefined) return false;
  return operator === 'Gt' ? number > bound : number < bound;
}

function integer(text: string | undefined): bigint | undefined {
  return text !== undefined && /^-?\d+$/.test(text) ? BigInt(text) : undefined;
}

function labelOf(labels: Record<string, string>, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}
