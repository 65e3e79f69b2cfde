/**
 * What a cluster can tell and be asked, free of the client library's types.
 */
import type { EffectGrant } from './effect.ts';

export type Taint = { key: string; value?: string; effect: string };
export type Condition = { type: string; status: 'True' | 'False' | 'Unknown'; reason?: string; since?: string };

export type NodeFacts = {
  name: string;
  uid: string;
  resourceVersion: string;
  role: 'control-plane' | 'worker';
  labels: Record<string, string>;
  annotations: Record<string, string>;
  taints: Taint[];
  unschedulable: boolean;
  ready: boolean;
  /** RFC 3339 time of the Ready condition's last transition. */
  readySince?: string;
  conditions: Condition[];
  systemUuid: string;
  bootId: string;
  kubeletVersion: string;
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
  restarts: number;
};

export type PdbFacts = {
  namespace: string;
  name: string;
  /** Undefined where the selector is empty or missing; matchExpressions are included. */
  selector: LabelSelector;
  disruptionsAllowed: number;
  currentHealthy: number;
  desiredHealthy: number;
  expectedPods: number;
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
  /** Names of DaemonSets that exist, as `namespace/name`. */
  daemonSets(): Promise<string[]>;
  /** RFC 3339 `renewTime` of the node's lease, undefined when there is no lease. */
  leaseRenewed(node: string): Promise<string | undefined>;
  /**
   * Sets `spec.unschedulable` and the given annotations (null removes one) in one merge patch that carries
   * `resourceVersion`; throws `conflict` when the node changed since it was read.
   */
  patchNode(grant: EffectGrant, patch: NodePatch): Promise<NodeFacts>;
  evict(grant: EffectGrant, pod: { namespace: string; name: string; uid: string }): Promise<EvictionOutcome>;
};

export type NodePatch = {
  name: string;
  resourceVersion: string;
  unschedulable: boolean;
  annotations: Record<string, string | null>;
};

export type Clusters = { of(cluster: string): Cluster };

/** Who cordoned: written on the Node with the cordon, and the only thing that lets us uncordon (invariant 17). */
export const cordonOwner = 'groundskeeper.io/cordoned-by';
/** Why, for people who run `kubectl describe node`. */
export const cordonReason = 'groundskeeper.io/cordon-reason';
