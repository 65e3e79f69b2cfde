/** Workloads for contract tests, small and without anything that only a real kubelet can do. */
import type { Kube } from './contract-api.ts';
import { type ContractCluster, conditionOf, until } from './contract-cluster.ts';

type PodChange = {
  labels?: Record<string, string>;
  /** Bound at once, past the scheduler. */
  node?: string;
  /** The only node that the scheduler may choose; else any usable one. */
  onlyOn?: string;
  finalizers?: string[];
  graceSeconds?: number;
  tolerations?: object[];
};

/** A Node without a kubelet is lost after a while: what we bind to it past the scheduler stays all the same. */
const forLostNodes = ['not-ready', 'unreachable'].map(state => ({
  key: `node.kubernetes.io/${state}`,
  operator: 'Exists',
  effect: 'NoExecute',
}));

/** A pod spec that any node can run: one container, no volume, no probe, no service account token. */
export function podSpec(on: ContractCluster, change: PodChange = {}): Record<string, unknown> {
  const { node, onlyOn, graceSeconds = 1, tolerations = [] } = change;
  const allowed = onlyOn === undefined ? on.nodes : [onlyOn];
  const nodeSelectorTerms = allowed.map(name => ({
    matchFields: [{ key: 'metadata.name', operator: 'In', values: [name] }],
  }));
  const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } };
  return {
    containers: [{ name: 'main', image: on.image }],
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: graceSeconds,
    tolerations: [...on.tolerations, ...tolerations, ...(node === undefined ? [] : forLostNodes)],
    ...(node === undefined ? { affinity } : { nodeName: node }),
  };
}

export function pod(on: ContractCluster, name: string, change: PodChange = {}): object {
  const { labels = {}, finalizers } = change;
  return { metadata: { name, labels, ...(finalizers ? { finalizers } : {}) }, spec: podSpec(on, change) };
}

/** A Deployment, StatefulSet or DaemonSet whose pods carry `app: <name>`. */
export function workload(on: ContractCluster, name: string, change: PodChange & { replicas?: number } = {}): object {
  const labels = { app: name, ...change.labels };
  const { replicas, finalizers } = change;
  return {
    metadata: { name, labels },
    spec: {
      ...(replicas === undefined ? {} : { replicas }),
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels, ...(finalizers ? { finalizers } : {}) }, spec: podSpec(on, change) },
    },
  };
}

export function budget(name: string, spec: Record<string, unknown>): object {
  return { metadata: { name }, spec: { selector: { matchLabels: { app: name } }, ...spec } };
}

export const budgets = 'policy/v1 poddisruptionbudgets';

/** The pods that carry `app: <name>`. */
export async function podsOf({ api, path }: ContractCluster, app: string): Promise<Kube[]> {
  return (await api.get(`${path('pods')}?labelSelector=${encodeURIComponent(`app=${app}`)}`)).items;
}

export function isReady(pod: Kube): boolean {
  return conditionOf(pod, 'Ready') === 'True' && pod.metadata.deletionTimestamp === undefined;
}

/** Waits for exactly `count` pods of this app, all Ready; answers them. */
export function ready(on: ContractCluster, app: string, count: number): Promise<Kube[]> {
  return until(`${count} pods of ${app} are Ready`, async () => {
    const pods = await podsOf(on, app);
    return pods.length === count && pods.every(isReady) && pods;
  });
}

type HandPod = { name: string; app: string; node: string; phase?: string; isReady?: boolean; finalizers?: string[] };

/** A pod on a Node of our own, whose status we write as a kubelet would. */
export async function handPod(on: ContractCluster, made: HandPod): Promise<Kube> {
  const { name, app, node, finalizers } = made;
  const change = { labels: { app }, node, graceSeconds: 30, ...(finalizers ? { finalizers } : {}) };
  await on.api.create(on.path('pods'), pod(on, name, change));
  return setPodStatus(on, name, made);
}

/** Writes phase and readiness through the status subresource. */
export async function setPodStatus(
  on: ContractCluster,
  name: string,
  { phase = 'Running', isReady = true }: { phase?: string; isReady?: boolean },
): Promise<Kube> {
  const status = isReady ? 'True' : 'False';
  const conditions = ['Ready', 'ContainersReady'].map(type => ({ type, status }));
  const path = `${on.path('pods', name)}/status`;
  return on.api.must(on.api.patch(path, 'strategic-merge-patch', { status: { phase, conditions } }));
}

type BudgetStatus = {
  currentHealthy: number;
  desiredHealthy: number;
  expectedPods: number;
  disruptionsAllowed: number;
};

/** Waits until the controller has counted like this for the budget's present spec. */
export function counted(on: ContractCluster, name: string, wanted: Partial<BudgetStatus>): Promise<Kube> {
  return until(`budget ${name} counts ${JSON.stringify(wanted)}`, async () => {
    const found = await on.api.get(on.path(budgets, name));
    const status = found.status ?? {};
    const isCurrent = status.observedGeneration === found.metadata.generation;
    return isCurrent && Object.entries(wanted).every(([key, value]) => status[key] === value) && found;
  });
}
