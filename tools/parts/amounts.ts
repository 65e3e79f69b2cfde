/** What pods ask for and nodes offer: as an answer, as words, and as bars. */
import { z } from 'zod';
import type { NodeFacts, PodFacts } from '../../src/core/cluster-facts.ts';
import type { Bar } from '../../src/core/document.ts';
import type { Resources } from '../../src/core/scheduling.ts';
import { isFinished } from '../../src/planning/pdb-groups.ts';

const amount = z.object({ requested: z.number(), allocatable: z.number() });

export const requestedOutput = z
  .object({
    cpu: amount.describe('Millicores'),
    memory: amount.describe('Bytes'),
    ephemeralStorage: amount.describe('Bytes'),
    pods: amount,
  })
  .describe('What the pods request of what the node can give');

export type Requested = z.infer<typeof requestedOutput>;

const names = ['cpu', 'memory', 'ephemeralStorage', 'pods'] as const;

/** Requests of the pods that have not finished, against what these nodes offer. */
export function requestedOf(nodes: NodeFacts[], pods: PodFacts[]): Requested {
  const here = new Set(nodes.map(node => node.name));
  const running = pods.filter(pod => here.has(pod.node ?? '') && !isFinished(pod));
  const of = (name: keyof Resources) => ({
    requested: sum(running.map(pod => pod.requests[name])),
    allocatable: sum(nodes.map(node => node.allocatable[name])),
  });
  return { cpu: of('cpu'), memory: of('memory'), ephemeralStorage: of('ephemeralStorage'), pods: of('pods') };
}

/** The resource of which most is taken, as a bar. */
export function fullestBar(name: string, requested: Requested): Bar {
  const [first, ...rest] = barsOf(requested);
  const fullest = rest.reduce((a, b) => (b.share > a.share ? b : a), first as Bar);
  return { ...fullest, name, text: `${fullest.name} ${fullest.text}` };
}

/** One bar for each resource that is offered at all. */
export function barsOf(requested: Requested): Bar[] {
  const offered = names.filter(name => requested[name].allocatable > 0);
  return (offered.length > 0 ? offered : (['cpu'] as const)).map(name => {
    const { requested: used, allocatable: whole } = requested[name];
    const share = whole > 0 ? used / whole : 0;
    const tone = share >= 0.95 ? 'bad' : share >= 0.8 ? 'warn' : 'good';
    return { name: labels[name], share, text: `${amountText(name, used)} of ${amountText(name, whole)}`, tone };
  });
}

/** `250m cpu, 256 MiB memory`; empty where nothing is asked for. */
export function requestsText(requests: Resources): string {
  return (['cpu', 'memory', 'ephemeralStorage'] as const)
    .filter(name => requests[name] > 0)
    .map(name => `${amountText(name, requests[name])} ${labels[name]}`)
    .join(', ');
}

export function totalRequests(pods: PodFacts[]): Resources {
  const of = (name: keyof Resources) => sum(pods.map(pod => pod.requests[name]));
  return { cpu: of('cpu'), memory: of('memory'), ephemeralStorage: of('ephemeralStorage'), pods: pods.length };
}

const labels: Record<keyof Resources, string> = {
  cpu: 'cpu',
  memory: 'memory',
  ephemeralStorage: 'disk',
  pods: 'pods',
};

function amountText(name: keyof Resources, value: number): string {
  if (name === 'pods') return String(value);
  if (name === 'cpu') return value >= 1000 || value === 0 ? trimmed(value / 1000) : `${Math.round(value)}m`;
  const scales: [number, string][] = [
    [2 ** 40, 'TiB'],
    [2 ** 30, 'GiB'],
    [2 ** 20, 'MiB'],
    [2 ** 10, 'KiB'],
  ];
  const [size, unit] = scales.find(([scale]) => value >= scale) ?? [1, 'B'];
  return `${trimmed(value / size)} ${unit}`;
}

function trimmed(value: number): string {
  return value >= 100 ? String(Math.round(value)) : String(Math.round(value * 10) / 10);
}

function sum(values: number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
