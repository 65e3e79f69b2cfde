/**
 * What a cluster can tell and be asked, free of the client library's types.
 */
import type { Fact, HealthLevel } from './bmc.ts';
import type { EffectGrant } from './effect.ts';

export type Taint = { key: string; value?: string; effect: string /** RFC 3339. */; timeAdded?: string };
export type Condition = {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  reason?: string;
  /** Written by a machine. */
  message?: string;
  since?: string;
};

/** An amount of what the scheduler counts: millicores, bytes, bytes, pods. */
export type Resources = { cpu: number; memory: number; ephemeralStorage: number; pods: number };

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

export type Toleration = { key?: string; operator?: string; value?: string; effect?: string };

/** A node selector term: all its requirements hold together. */
export type NodeTerm = { labels: Requirement[]; fields: Requirement[] };
export type Requirement = { key: string; operator: string; values: string[] };

/** What a pod asks of the node it runs on, as far as a forecast judges it. */
export type Placement = {
  nodeSelector: Record<string, string>;
  /** Required node affinity: one term must hold. Empty where it asks for none. */
  nodeTerms: NodeTerm[];
  tolerations: Toleration[];
  hostPorts: number[];
  /** Topology key and selector of required pod anti-affinity. */
  antiAffinity: { topologyKey: string; selector: LabelSelector; namespaces: string[] }[];
  /** Of the volumes behind its claims, those that not every node can use; undefined where nobody looked. */
  volumes?: VolumeTie[];
  /** Requirements that a forecast here does not judge, in the API's names, such as `topologySpreadConstraints`. */
  unjudged: string[];
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

/** A bound volume that only nodes of one of these terms can use. */
export type VolumeTie = {
  volume: string;
  /** `namespace/name` of the claim. */
  claim: string;
  terms: NodeTerm[];
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

/** Where one etcd member answers `/health` and `/metrics`, without credentials. */
export type EtcdEndpoint = {
  node: string;
  /** `http://host:port` or `https://host:port`. */
  url: string;
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

/** The remediator whose pause is changed, and the part of an operation for whose sake: `<operation>/<node>`. */
export type Hold = { remediator: Pick<RemediatorFacts, 'kind' | 'object'>; holder: string };

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

export type LabelSelector = {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist'; values?: string[] }[];
};

export type EvictionOutcome =
  | { outcome: 'accepted' }
  /** The pod is not there any more, or another pod has its name. */
  | { outcome: 'gone' }
  /** A PodDisruptionBudget or a namespace being deleted says: not now. */
  | { outcome: 'blocked'; message: string; retryAfterMs?: number }
  | { outcome: 'refused'; status: number; message: string };

/**
 * One cluster. Reads are retried; writes demand an {@link EffectGrant} and are sent once.
 * Failures are FleetErrors: cluster_unreachable, cluster_refused, not_found, conflict, timeout.
 */
export type Cluster = {
  version(): Promise<string>;
  nodes(): Promise<NodeFacts[]>;
  node(name: string): Promise<NodeFacts>;
  /** All pods, or those of one node. */
  pods(node?: string): Promise<PodFacts[]>;
  /** The pod's current uid, or undefined once it is gone. */
  podUid(namespace: string, name: string): Promise<string | undefined>;
  pdbs(): Promise<PdbFacts[]>;
  daemonSets(): Promise<DaemonSetFacts[]>;
  /**
   * The cluster as its watches hold it. They begin at the first call, which waits for their first content, at most for
   * the time limit of a request; later calls are cheap. Throws cluster_unreachable once contact has been lost for more
   * than a minute. Never what an effect is decided on: those read the lists above.
   */
  view(): Promise<ClusterView>;
  /** Volumes attached to one node, or to all. */
  attachments(node?: string): Promise<AttachmentFacts[]>;
  /** Bound volumes that can be used on some nodes only. */
  volumeTies(): Promise<VolumeTie[]>;
  /** What the cluster tells of a Node, newest first. */
  nodeEvents(node: string): Promise<EventFacts[]>;
  /** What the cluster tells of the pods that have or had this name, newest first. */
  podEvents(namespace: string, name: string): Promise<PodEventFacts[]>;
  /** The etcd members as far as they can be told; what cannot be read is unknown with its reason. */
  etcd(): Promise<EtcdFacts>;
  /** Others that act on nodes; throws when any kind of them cannot be read, because unknown must refuse. */
  remediators(): Promise<RemediatorFacts[]>;
  /** What ails: systems and volumes that are well are left out, except systems that judge themselves as a whole. */
  storage(): Promise<StorageFacts[]>;
  /** RFC 3339 `renewTime` of the node's lease, undefined when there is no lease. */
  leaseRenewed(node: string): Promise<string | undefined>;
  /** One merge patch that carries `resourceVersion`; throws `conflict` when the node changed since it was read. */
  patchNode(grant: EffectGrant, patch: NodePatch): Promise<NodeFacts>;
  /** Sets one condition of the Node's status; the others stay, and so does since when it has this status. */
  setNodeCondition(grant: EffectGrant, node: string, condition: NodeConditionChange): Promise<void>;
  /** Creates an Event about a Node, once per `name`: one that exists already is left as it is. */
  createNodeEvent(grant: EffectGrant, event: NewNodeEvent): Promise<void>;
  /**
   * Pauses a remediator for this holder too, by one patch that carries `resourceVersion`; one that somebody else paused is
   * left as it is. Throws `conflict` when it changed since it was read.
   */
  holdRemediator(grant: EffectGrant, hold: Hold): Promise<void>;
  /** Ends the holder's part in a pause, and with the last part the pause, where it is ours still. Throws as the other does. */
  releaseRemediator(grant: EffectGrant, hold: Hold): Promise<void>;
  evict(grant: EffectGrant, pod: { namespace: string; name: string; uid: string }): Promise<EvictionOutcome>;
};

export type NodePatch = {
  name: string;
  resourceVersion: string;
  unschedulable?: boolean;
  /** Null removes one. */
  annotations: Record<string, string | null>;
  /** All taints that the node shall have. */
  taints?: Taint[];
};

export type NodeConditionChange = { type: string; status: 'True' | 'False'; reason: string; message: string };

export type NewNodeEvent = {
  /** Object name of the Event; the same name is the same event. */
  name: string;
  node: { name: string; uid: string };
  type: 'Normal' | 'Warning';
  /** CamelCase, short. */
  reason: string;
  message: string;
};

export type Clusters = { of(cluster: string): Cluster };

/** The name under which the API records our writes: it takes it from the User-Agent, up to the slash. */
export const fieldManager = 'groundskeeper';
/** Who cordoned: written on the Node with the cordon, and the only thing that lets us uncordon (invariant 17). */
export const cordonOwner = 'groundskeeper.io/cordoned-by';
/** Why, for people who run `kubectl describe node`. */
export const cordonReason = 'groundskeeper.io/cordon-reason';
/** Node label: the failure domain that a node says it is in. */
export const zoneLabel = 'topology.kubernetes.io/zone';
/** Node condition: True while one of our operations works on the node, and after one that did not end well. */
export const maintenanceCondition = 'groundskeeper.io/Maintenance';
/** Node condition: False while the hardware under the node fails, in the name that other health checks use too. */
export const hardwareCondition = 'HardwareHealthy';
/** Which taints are ours: a JSON object on the Node, from `key:effect` to the operation that set it. */
export const taintOwner = 'groundskeeper.io/tainted-by';
/** Who of us keeps a remediator paused: holders, written on its object with the pause and joined by commas. */
export const pauseHolders = 'groundskeeper.io/paused-by';
/** Tells Kubernetes that a node is off for good: its pods are forgotten and its volumes detached by force. */
export const outOfService = 'node.kubernetes.io/out-of-service';
