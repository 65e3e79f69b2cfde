/** What a pod asks of a node, and what the pods of a node have asked for already, as the scheduler counts. */
import {
  type Container,
  controllerOf,
  type NodeObject,
  type PodAffinityTerm,
  type PodObject,
  podIsFinished,
} from '../model/objects.ts';
import { amountOf, milliOf } from '../model/quantity.ts';

/** Millicores and bytes. */
export type Requests = { cpu: number; memory: number; storage: number };

export type Usage = Requests & {
  pods: PodObject[];
  /** Pods by the uid of their controlling owner. */
  siblings: Map<string, number>;
  hostPorts: Set<string>;
  /** Pods here that keep others away. */
  exclusive: PodObject[];
};

const known = new WeakMap<PodObject, Requests>();

/** The sum over its containers, or what its largest init container takes if that is more. */
export function requestsOf(pod: PodObject): Requests {
  let requests = known.get(pod);
  if (requests === undefined) {
    requests = { cpu: asked(pod, 'cpu', milliOf), memory: 0, storage: 0 };
    requests.memory = asked(pod, 'memory', amountOf);
    requests.storage = asked(pod, 'ephemeral-storage', amountOf);
    known.set(pod, requests);
  }
  return requests;
}

function asked({ spec }: PodObject, resource: string, read: (quantity?: string | number) => number): number {
  const of = ({ resources }: Container) => read(resources?.requests?.[resource] ?? resources?.limits?.[resource]);
  let sidecars = 0;
  let starting = 0;
  for (const container of spec.initContainers ?? []) {
    if (container.restartPolicy === 'Always') sidecars += of(container);
    starting = Math.max(starting, sidecars + (container.restartPolicy === 'Always' ? 0 : of(container)));
  }
  const running = spec.containers.reduce((sum, container) => sum + of(container), sidecars);
  return Math.max(running, starting) + read(spec.overhead?.[resource]);
}

/** What the pods of one node take in sum; finished ones take nothing. */
export function usageOf(pods: PodObject[]): Usage {
  const usage: Usage = {
    cpu: 0,
    memory: 0,
    storage: 0,
    pods: [],
    siblings: new Map(),
    hostPorts: new Set(),
    exclusive: [],
  };
  for (const pod of pods) {
    if (podIsFinished(pod)) continue;
    const { cpu, memory, storage } = requestsOf(pod);
    usage.cpu += cpu;
    usage.memory += memory;
    usage.storage += storage;
    usage.pods.push(pod);
    const owner = controllerOf(pod)?.uid;
    if (owner !== undefined) usage.siblings.set(owner, (usage.siblings.get(owner) ?? 0) + 1);
    for (const port of hostPortsOf(pod)) usage.hostPorts.add(port);
    if (antiAffinityOf(pod).length > 0) usage.exclusive.push(pod);
  }
  return usage;
}

export function hostPortsOf({ spec }: PodObject): string[] {
  const ports = spec.containers.flatMap(container => container.ports ?? []);
  return ports.flatMap(({ hostPort, protocol = 'TCP' }) => (hostPort === undefined ? [] : [`${protocol}/${hostPort}`]));
}

export function antiAffinityOf({ spec }: PodObject): PodAffinityTerm[] {
  return spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
}

/** Which amounts of the node do not suffice, in the scheduler's words; `never` when an empty node would not do either. */
export function shortages(pod: PodObject, node: NodeObject, usage: Usage): { reasons: string[]; never: boolean } {
  const { allocatable = {} } = node.status;
  const wanted = requestsOf(pod);
  const reasons: string[] = [];
  let never = false;
  const maximum = amountOf(allocatable.pods);
  if (usage.pods.length + 1 > maximum) reasons.push('Too many pods');
  const amounts = [
    ['cpu', wanted.cpu, usage.cpu, milliOf(allocatable.cpu)],
    ['memory', wanted.memory, usage.memory, amountOf(allocatable.memory)],
    ['ephemeral-storage', wanted.storage, usage.storage, amountOf(allocatable['ephemeral-storage'])],
  ] as const;
  for (const [name, want, used, whole] of amounts) {
    if (want === 0 || want <= whole - used) continue;
    reasons.push(`Insufficient ${name}`);
    never ||= want > whole;
  }
  return { reasons, never };
}
