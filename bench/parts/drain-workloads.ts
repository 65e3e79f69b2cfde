/** What runs on each node of the drain bench: 30 pods, most of which have to wait for one another. */

import type { NewObject, Store } from '../../src/lab/cluster/model/store.ts';
import { chance } from '../../src/lab/random.ts';

/** Deployments of two pods that may not both be away. */
const budgetedDeployments = 8;
/** StatefulSets of two pods that may not both be away, and replace one after the other. */
const budgetedStatefulSets = 2;
const plainStatefulSets = 3;
const scratchDeployments = 5;
/** One of the bench's own, one that every node of the lab has. */
const daemonSets = 2;

export type PodCounts = { all: number; evicted: number; waiting: number };
const paired = (budgetedDeployments + budgetedStatefulSets) * 2;
const evicted = paired + plainStatefulSets + scratchDeployments;
export const podCounts: PodCounts = { all: evicted + daemonSets, evicted, waiting: paired / 2 };

const seed = 7;

/** Label of the node that the pods belong on, and of the nodes that take them meanwhile. */
export function stayKey(node: string): string {
  return `bench.test/${node}`;
}

const leastGraceSeconds = 2;
const mostGraceSeconds = 10;

/** How long the pods of that name take to end, in whole real seconds. */
export function graceOf(name: string): number {
  return leastGraceSeconds + Math.floor(chance(seed, name) * (mostGraceSeconds - leastGraceSeconds + 1));
}

export function createWorkloads(store: Store, node: string): void {
  const namespace = `bench-${node}`;
  store.create('namespaces', { metadata: { name: namespace }, spec: {}, status: { phase: 'Active' } });
  const each = (count: number, make: (index: number) => void) => Array.from({ length: count }, (_, i) => make(i + 1));
  each(budgetedDeployments, index => {
    store.create('deployments', workload(node, `web-${index}`, { replicas: 2 }));
    store.create('poddisruptionbudgets', budget(namespace, `web-${index}`, { minAvailable: 1 }));
  });
  each(budgetedStatefulSets, index => {
    store.create('statefulsets', workload(node, `queue-${index}`, { replicas: 2 }));
    store.create('poddisruptionbudgets', budget(namespace, `queue-${index}`, { maxUnavailable: 1 }));
  });
  each(
    plainStatefulSets,
    index => void store.create('statefulsets', workload(node, `cache-${index}`, { replicas: 1 })),
  );
  const scratch = { volumes: [{ name: 'scratch', emptyDir: {} }] };
  each(scratchDeployments, index => {
    store.create('deployments', workload(node, `batch-${index}`, { replicas: 1 }, scratch));
  });
  store.create('daemonsets', workload(node, 'agent', {}));
}

function workload(node: string, name: string, spec: object, podSpec: object = {}): NewObject {
  const labels = { app: name };
  const containers = [{ name: 'main', image: 'registry.lab.test/bench:1.0.0' }];
  const base = {
    containers,
    terminationGracePeriodSeconds: mostGraceSeconds,
    nodeSelector: { [stayKey(node)]: 'yes' },
  };
  return {
    metadata: { name, namespace: `bench-${node}`, labels },
    spec: {
      ...spec,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { ...base, ...podSpec } },
    },
    status: {},
  };
}

function budget(namespace: string, name: string, spec: object): NewObject {
  return { metadata: { name, namespace }, spec: { ...spec, selector: { matchLabels: { app: name } } }, status: {} };
}
