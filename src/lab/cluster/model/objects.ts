/**
 * The shapes that the lab's control plane itself looks into. Everything else
 * that a client stores is kept as it came.
 */
export type OwnerReference = {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
};

type ObjectMeta = {
  name: string;
  generateName?: string;
  namespace?: string;
  uid: string;
  resourceVersion: string;
  generation?: number;
  creationTimestamp: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
  finalizers?: string[];
};

export type KubeObject = {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  spec?: object;
  status?: object;
};

export type Selector = {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
};

export type StatusCondition = {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  reason?: string;
  message?: string;
  observedGeneration?: number;
  lastTransitionTime?: string;
  lastHeartbeatTime?: string;
  lastUpdateTime?: string;
};

export type NodeTaint = { key: string; value?: string; effect: string; timeAdded?: string };

export type Toleration = {
  key?: string;
  operator?: string;
  value?: string;
  effect?: string;
  tolerationSeconds?: number;
};

export type NodeObject = KubeObject & {
  spec: { unschedulable?: boolean; taints?: NodeTaint[]; podCIDR?: string };
  status: {
    conditions?: StatusCondition[];
    addresses?: { type: string; address: string }[];
    nodeInfo?: Record<string, string>;
    capacity?: Record<string, string>;
    allocatable?: Record<string, string>;
    volumesInUse?: string[];
    volumesAttached?: { name: string; devicePath: string }[];
  };
};

type Amounts = Record<string, string | number>;

export type Container = {
  name: string;
  image: string;
  command?: string[];
  ports?: { containerPort: number; hostPort?: number; protocol?: string }[];
  resources?: { requests?: Amounts; limits?: Amounts };
  /** `Always` makes an init container a sidecar. */
  restartPolicy?: string;
};

/** A node selector term: all of its requirements hold together. */
export type NodeSelectorTerm = {
  matchExpressions?: NodeRequirement[];
  matchFields?: NodeRequirement[];
};
export type NodeRequirement = { key: string; operator: string; values?: string[] };

export type PodAffinityTerm = { topologyKey: string; labelSelector?: Selector; namespaces?: string[] };

export type PodVolume = { name: string; emptyDir?: object; persistentVolumeClaim?: { claimName: string } };

export type PodSpec = {
  nodeName?: string;
  containers: Container[];
  initContainers?: Container[];
  overhead?: Amounts;
  hostNetwork?: boolean;
  volumes?: PodVolume[];
  priorityClassName?: string;
  priority?: number;
  preemptionPolicy?: string;
  nodeSelector?: Record<string, string>;
  tolerations?: Toleration[];
  terminationGracePeriodSeconds?: number;
  restartPolicy?: string;
  affinity?: {
    nodeAffinity?: { requiredDuringSchedulingIgnoredDuringExecution?: { nodeSelectorTerms: NodeSelectorTerm[] } };
    podAffinity?: { requiredDuringSchedulingIgnoredDuringExecution?: PodAffinityTerm[] };
    podAntiAffinity?: { requiredDuringSchedulingIgnoredDuringExecution?: PodAffinityTerm[] };
  };
};

export type PodObject = KubeObject & {
  spec: PodSpec;
  status: {
    phase?: string;
    conditions?: StatusCondition[];
    containerStatuses?: {
      name: string;
      ready: boolean;
      restartCount: number;
      image: string;
      state: object;
      [more: string]: unknown;
    }[];
    podIP?: string;
    podIPs?: { ip: string }[];
    hostIPs?: { ip: string }[];
    qosClass?: string;
    nominatedNodeName?: string;
    message?: string;
    hostIP?: string;
    startTime?: string;
    reason?: string;
  };
};

export type PodTemplate = {
  metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> };
  spec: PodSpec;
};

export type WorkloadObject = KubeObject & {
  spec: { replicas?: number; selector: Selector; template: PodTemplate; minReadySeconds?: number };
  status: Record<string, unknown> & { conditions?: StatusCondition[] };
};

export type DeploymentObject = WorkloadObject & {
  spec: {
    paused?: boolean;
    revisionHistoryLimit?: number;
    progressDeadlineSeconds?: number;
    strategy?: {
      type?: 'RollingUpdate' | 'Recreate';
      rollingUpdate?: { maxSurge?: number | string; maxUnavailable?: number | string };
    };
  };
};

export type StatefulSetObject = WorkloadObject & {
  spec: {
    podManagementPolicy?: 'OrderedReady' | 'Parallel';
    revisionHistoryLimit?: number;
    updateStrategy?: { type?: 'RollingUpdate' | 'OnDelete'; rollingUpdate?: { partition?: number } };
    volumeClaimTemplates?: { metadata: { name: string; labels?: Record<string, string> }; spec: object }[];
  };
};

export type DaemonSetObject = WorkloadObject & {
  spec: {
    revisionHistoryLimit?: number;
    updateStrategy?: { type?: 'RollingUpdate' | 'OnDelete'; rollingUpdate?: { maxUnavailable?: number | string } };
  };
};

export type JobObject = WorkloadObject & {
  spec: { parallelism?: number; completions?: number; backoffLimit?: number; suspend?: boolean };
};

export type ClaimObject = KubeObject & {
  spec: {
    accessModes?: string[];
    resources?: { requests?: Amounts };
    storageClassName?: string;
    volumeName?: string;
    volumeMode?: string;
  };
  status: { phase?: string; accessModes?: string[]; capacity?: Amounts };
};

export type VolumeObject = KubeObject & {
  spec: {
    accessModes?: string[];
    capacity?: Amounts;
    claimRef?: { apiVersion?: string; kind?: string; namespace?: string; name?: string; uid?: string };
    csi?: { driver: string; volumeHandle: string };
    nodeAffinity?: { required?: { nodeSelectorTerms: NodeSelectorTerm[] } };
    persistentVolumeReclaimPolicy?: string;
    storageClassName?: string;
  };
  status: { phase?: string };
};

export type AttachmentObject = KubeObject & {
  spec: { attacher: string; nodeName: string; source: { persistentVolumeName?: string } };
  status: { attached?: boolean; detachError?: { time: string; message: string } };
};

export type BudgetObject = KubeObject & {
  spec: {
    selector?: Selector;
    minAvailable?: number | string;
    maxUnavailable?: number | string;
    unhealthyPodEvictionPolicy?: 'IfHealthyBudget' | 'AlwaysAllow';
  };
  status: {
    observedGeneration?: number;
    disruptionsAllowed?: number;
    currentHealthy?: number;
    desiredHealthy?: number;
    expectedPods?: number;
    disruptedPods?: Record<string, string>;
    conditions?: StatusCondition[];
  };
};

export type LeaseObject = KubeObject & {
  spec: { holderIdentity?: string; leaseDurationSeconds?: number; renewTime?: string };
};

export function conditionOf(
  object: { status?: { conditions?: StatusCondition[] } },
  type: string,
): StatusCondition | undefined {
  return object.status?.conditions?.find(condition => condition.type === type);
}

/** Sets a condition in place; `lastTransitionTime` moves only when the status does. */
export function setCondition(
  status: { conditions?: StatusCondition[] },
  now: string,
  condition: Omit<StatusCondition, 'lastTransitionTime'>,
): void {
  status.conditions ??= [];
  const index = status.conditions.findIndex(({ type }) => type === condition.type);
  const earlier = status.conditions[index];
  const lastTransitionTime = earlier?.status === condition.status ? earlier.lastTransitionTime : now;
  const next = { ...condition, lastTransitionTime: lastTransitionTime ?? now };
  if (index < 0) status.conditions.push(next);
  else status.conditions[index] = next;
}

export function podIsReady(pod: PodObject): boolean {
  return conditionOf(pod, 'Ready')?.status === 'True';
}

export function podIsFinished(pod: PodObject): boolean {
  return pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed';
}

export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find(owner => owner.controller === true);
}
