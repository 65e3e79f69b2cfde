/** Facts of a small cluster for tests of pure functions; every builder takes what differs. */
import { type Fact, unknown } from '../../src/core/bmc.ts';
import type { EtcdFacts, NodeFacts, PdbFacts, PodFacts, RemediatorFacts } from '../../src/core/cluster-facts.ts';
import type { Resources } from '../../src/core/scheduling.ts';

const gibibyte = 2 ** 30;

let serial = 0;

/** A running, ready pod of ReplicaSet `shop/api` on node `n1`. */
export function podOf(change: Partial<PodFacts> = {}): PodFacts {
  const name = `pod-${++serial}`;
  return {
    namespace: 'shop',
    name,
    uid: `uid-${name}`,
    node: 'n1',
    phase: 'Running',
    ready: true,
    terminating: false,
    labels: { app: 'api' },
    controller: { kind: 'ReplicaSet', name: 'api' },
    mirror: false,
    emptyDirs: [],
    hostPaths: [],
    claims: [],
    restarts: 0,
    requests: { cpu: 100, memory: gibibyte, ephemeralStorage: 0, pods: 1 },
    priority: 0,
    graceSeconds: 30,
    placement: { nodeSelector: {}, nodeTerms: [], tolerations: [], hostPorts: [], antiAffinity: [], unjudged: [] },
    ...change,
  };
}

/** A budget over `shop/api` that allows one disruption. */
export function pdbOf(change: Partial<PdbFacts> = {}): PdbFacts {
  return {
    namespace: 'shop',
    name: 'api',
    selector: { matchLabels: { app: 'api' } },
    asks: 'minAvailable 2',
    unhealthyPodEvictionPolicy: 'IfHealthyBudget',
    observed: true,
    disruptionsAllowed: 1,
    currentHealthy: 3,
    desiredHealthy: 2,
    expectedPods: 3,
    ...change,
  };
}

/** A Ready worker with 4 cores, 16 GiB and room for 110 pods. */
export function nodeOf(name: string, change: Partial<NodeFacts> = {}): NodeFacts {
  const room: Resources = { cpu: 4000, memory: 16 * gibibyte, ephemeralStorage: 100 * gibibyte, pods: 110 };
  return {
    name,
    uid: `uid-${name}`,
    resourceVersion: '1',
    role: 'worker',
    labels: { 'kubernetes.io/hostname': name },
    annotations: {},
    taints: [],
    unschedulable: false,
    ready: true,
    conditions: [{ type: 'Ready', status: 'True' }],
    systemUuid: `uuid-${name}`,
    bootId: `boot-${name}`,
    kubeletVersion: 'v1.34.1',
    capacity: room,
    allocatable: room,
    ...change,
  };
}

/** What endpoints tell of the etcd members on these nodes. */
export function etcdOf(healthy: Record<string, Fact<boolean>>): EtcdFacts {
  const members = Object.entries(healthy).map(([node, state]) => ({
    node,
    healthy: state,
    leader: unknown('not asked'),
  }));
  return { evidence: 'endpoints', members, withoutMember: [], outsideControlPlane: [], unlisted: [] };
}

/** A MachineHealthCheck that is not paused and may act on any node. */
export function remediatorOf(change: Partial<RemediatorFacts> = {}): RemediatorFacts {
  return {
    kind: 'MachineHealthCheck',
    namespace: 'machines',
    name: 'workers',
    does: 'deletes and replaces machines',
    pause: 'kubectl annotate mhc workers paused=',
    ...change,
  };
}
