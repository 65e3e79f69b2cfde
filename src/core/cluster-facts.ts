/** What a cluster tells of what it holds, free of the client library's types. */
import type { Fact, HealthLevel } from './bmc.ts';
import type { LabelSelector, Placement, Resources, Taint } from './scheduling.ts';

export type Condition = {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  reason?: string;
  /** Written by a machine. */
  message?: string;
  since?: string;
};

export type NodeFacts = {
  name: string;
  uid: string;
  resourceVersion: string;
  role: 'control-plane' | 'worker';
  labels: Record<string, string>;
  annotations: Record<string, string>;
  taints: Taint[];
  unschedulable: boolean;
  /** Field manager that set `unschedulable`, where the API tells. */
  cordonManager?: string;
  ready: boolean;
  /** RFC 3339 time of the Ready condition's last transition. */
  readySince?: string;
  conditions: Condition[];
  systemUuid: string;
  bootId: string;
  kubeletVersion: string;
  /** Address of type InternalIP, when there is one. */
  internalIp?: string;
  capacity: Resources;
  /** What pods may ask for in sum. */
  allocatable: Resources;
  /** RFC 3339. */
  createdAt?: string;
};

export type PodFacts = {
  namespace: string;
  name: string;
  uid: string;
  node?: string;
  phase: string;
  ready: boolean;
  terminating: boolean;
  labels: Record<string, string>;
  /** The controlling owner, when there is one. */
  controller?: { kind: string; name: string };
  mirror: boolean;
  /** Names of emptyDir volumes: gone when the pod leaves. */
  emptyDirs: string[];
  /** Paths of the node that it mounts: they stay behind when it leaves. */
  hostPaths: string[];
  /** Names of the PersistentVolumeClaims that it mounts. */
  claims: string[];
  restarts: number;
  /** Why a container waits, such as `CrashLoopBackOff`. */
  waiting?: string;
  /** How one of its containers last failed, or it as a whole: evicted, or lost with its node. */
  failure?: PodFailure;
  /** Why no node takes it, in the scheduler's words, and since when. */
  unschedulable?: { message: string; since?: string };
  requests: Resources;
  priority: number;
  priorityClass?: string;
  /** Seconds that it may take to end. */
  graceSeconds: number;
  placement: Placement;
};

export type PodFailure = {
  container?: string;
  /** The API's word, such as `Error`, `OOMKilled`, `Evicted`. */
  reason: string;
  exitCode?: number;
  /** RFC 3339. */
  at?: string;
};

export type PdbFacts = {
  namespace: string;
  name: string;
  /** An empty one selects every pod of its namespace. */
  selector: LabelSelector;
  /** What it asks for, in the API's words: `maxUnavailable 1`. */
  asks: string;
  /** Who looks after it, where its object says so: `Kafka events`, `Helm release shop`. */
  owner?: string;
  unhealthyPodEvictionPolicy: 'IfHealthyBudget' | 'AlwaysAllow';
  /** False while the status is older than the spec: evictions are refused until it is not. */
  observed: boolean;
  disruptionsAllowed: number;
  currentHealthy: number;
  desiredHealthy: number;
  expectedPods: number;
  /** RFC 3339 time since which it allows no disruption, where it allows none and says since when. */
  blockedSince?: string;
};

export type DaemonSetFacts = {
  namespace: string;
  name: string;
  /** Nodes that should run it, and those on which it is ready. */
  desired: number;
  ready: number;
};

/** A volume that is, or is being, attached to a node. */
export type AttachmentFacts = {
  name: string;
  node: string;
  /** Name of the PersistentVolume; undefined for an inline volume. */
  volume?: string;
  /** `namespace/name` of the claim that the volume is bound to, where it is. */
  claim?: string;
  attached: boolean;
  /** RFC 3339 time at which its deletion began. */
  detachingSince?: string;
  /** Attach or detach error, written by the storage driver. */
  error?: string;
};

/** The claim where there is one, else the volume, as people know it. */
export function volumeOf({ claim, volume, name }: AttachmentFacts): string {
  return claim ?? volume ?? name;
}

export type EventFacts = {
  type: string;
  reason: string;
  /** Written by a machine. */
  message: string;
  count: number;
  /** RFC 3339. */
  lastSeen?: string;
  source: string;
};

/** Of a pod of some name, or of one that had this name before. Whoever may write Events there may have written any of it. */
export type PodEventFacts = EventFacts & {
  /** A UUID. The taint manager leaves it out. */
  uid?: string;
  /** RFC 3339. */
  firstSeen?: string;
  container?: string;
  /** Name of the node whose kubelet wrote it, or that the scheduler chose. */
  node?: string;
};

export type EtcdMember = { node: string; healthy: Fact<boolean>; leader: Fact<boolean> };

/** What is known of the etcd that this cluster stands on. */
export type EtcdFacts = {
  /** Where it was read: an endpoint of each member, or the static pods together with every API server's own check. */
  evidence: 'endpoints' | 'static pods and readyz';
  /** Empty where none can be found, and then nothing is known. */
  members: EtcdMember[];
  /** Control-plane nodes without a member: their API server uses one elsewhere, or theirs was not looked at. */
  withoutMember: string[];
  /** Nodes with a member that are no control-plane nodes. */
  outsideControlPlane: string[];
  /** Member IDs that a member knows as peers and that belong to none of `members`. */
  unlisted: string[];
};

/** Something else in the cluster that reboots, replaces or powers nodes. */
export type RemediatorFacts = {
  /** Such as `MachineHealthCheck`, `NodeHealthCheck`, `BareMetalHost`, `kured`. */
  kind: string;
  /** Empty for what belongs to the whole cluster. */
  namespace: string;
  name: string;
  /** What it does to a node, as the end of a sentence that begins with its name. */
  does: string;
  /** Nodes it may act on; undefined where that cannot be told, and then it is all. */
  nodes?: string[];
  /** IP address of the BMC of the one machine that it powers, where it names one. */
  bmc?: string;
  /** Nodes that it works on right now, which a pause does not end. */
  busyWith?: string[];
  /** By what it is paused, where it is. */
  pausedBy?: string;
  /** The command that pauses it; `<node>` stands for the node's name. */
  pause: string;
  /** Path of its object in the API, where we know how to pause it for a while and take that back. */
  object?: string;
  /** For whom of us it is paused, as its object says. */
  holders?: string[];
};

/** A storage system's own judgement of itself, where the cluster has one that tells, and volumes that are in trouble. */
export type StorageFacts = {
  kind: string;
  /** Empty for what belongs to the whole cluster. */
  namespace: string;
  name: string;
  health: Fact<HealthLevel>;
  /** Written by a machine. */
  message: string;
};

/** Not to be changed: parts of it are shared. */
export type ClusterView = {
  readonly nodes: readonly NodeFacts[];
  readonly pods: readonly PodFacts[];
  readonly pdbs: readonly PdbFacts[];
  readonly daemonSets: readonly DaemonSetFacts[];
  /** RFC 3339: all that happened until then is in it. In a cluster where nothing happens, up to a minute ago. */
  readonly asOf: string;
  /** RFC 3339, while contact to some of it is lost. */
  readonly lostSince?: string;
};
