/** What a cluster can be asked, and what may be done to it. */
import type {
  AttachmentFacts,
  ClusterView,
  DaemonSetFacts,
  EtcdFacts,
  EventFacts,
  NodeFacts,
  PdbFacts,
  PodEventFacts,
  PodFacts,
  RemediatorFacts,
  StorageFacts,
} from './cluster-facts.ts';
import type { EffectGrant } from './effect.ts';
import type { Taint, VolumeTie } from './scheduling.ts';

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

export type Clusters = { of(cluster: string): Cluster };

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

/** The remediator whose pause is changed, and the part of an operation for whose sake: `<operation>/<node>`. */
export type Hold = { remediator: Pick<RemediatorFacts, 'kind' | 'object'>; holder: string };

export type EvictionOutcome =
  | { outcome: 'accepted' }
  /** The pod is not there any more, or another pod has its name. */
  | { outcome: 'gone' }
  /** A PodDisruptionBudget or a namespace being deleted says: not now. */
  | { outcome: 'blocked'; message: string; retryAfterMs?: number }
  | { outcome: 'refused'; status: number; message: string };

/** Where one etcd member answers `/health` and `/metrics`, without credentials. */
export type EtcdEndpoint = {
  node: string;
  /** `http://host:port` or `https://host:port`. */
  url: string;
};
