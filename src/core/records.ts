/**
 * Everything that must outlive the process, as narrow stores. One transaction
 * may span them, so that a vote and its custody entry commit together.
 */
import type { AnchorStore } from './anchor.ts';
import type { Approval, ApprovalState, Closing, Vote } from './approval.ts';
import type { SessionLedger } from './bmc.ts';
import type { CustodyStore } from './custody.ts';
import type { ErrorCode } from './errors.ts';
import type { EvidenceStore } from './evidence.ts';
import type { Freeze } from './freeze.ts';
import type {
  NodeState,
  Operation,
  OperationEvent,
  OperationHead,
  OperationNode,
  OperationProgress,
  OperationState,
} from './operation.ts';
import type { PlanKind, StoredPlan } from './plan.ts';

export type PlanStore = {
  insert(stored: StoredPlan): Promise<void>;
  /** Throws not_found; throws `database` when the stored bytes no longer give the stored digest. */
  get(id: string): Promise<StoredPlan>;
};

export type ApprovalChange = {
  from: ApprovalState;
  to: ApprovalState;
  operation?: string;
  breakGlass?: Closing;
  closing?: Closing;
};

export type ApprovalStore = {
  /** False when there is a request for this plan already. */
  insert(approval: Omit<Approval, 'votes'>): Promise<boolean>;
  get(id: string): Promise<Approval>;
  /** As `get`; nobody else changes the request or its votes before the transaction ends. */
  hold(id: string): Promise<Approval>;
  forPlan(plan: string): Promise<Approval | undefined>;
  forOperation(operation: string): Promise<Approval | undefined>;
  list(state?: ApprovalState): Promise<Approval[]>;
  /** Ids of those that are pending past their time. */
  overdue(at: Date): Promise<string[]>;
  /** How many requests of this person are pending; nobody else counts them before the transaction ends. */
  countPending(requester: string): Promise<number>;
  /** False when this person voted already. */
  addVote(approval: string, vote: Vote): Promise<boolean>;
  /** False when there is no vote of this person. */
  removeVote(approval: string, person: string): Promise<boolean>;
  /** Compare-and-set; false when the state was another one. */
  transition(id: string, change: ApprovalChange): Promise<boolean>;
};

/** `code`: of the failure that it ended with; what was told of that before stays when left out. */
export type NodeAt = { node: string; state: NodeState; step: string; message: string; code?: ErrorCode };

export type OperationStore = {
  /** False when the plan has led to an operation before. */
  insert(
    operation: OperationHead,
    nodes: Pick<OperationNode, 'node' | 'site' | 'cluster' | 'wave'>[],
  ): Promise<boolean>;
  /** Throws not_found, as `head` does. */
  get(id: string): Promise<Operation>;
  head(id: string): Promise<OperationHead>;
  /** Undefined where the operation has no such node. */
  part(id: string, node: string): Promise<OperationNode | undefined>;
  /** The newest first. */
  list(filter: { open?: boolean; limit: number }): Promise<OperationHead[]>;
  /** Ids of those that were committed and have not begun, the oldest first. */
  queued(): Promise<string[]>;
  /** In the order of the ids, each of which is an operation. */
  progress(ids: string[]): Promise<OperationProgress[]>;
  /** Undefined where the plan has led to none. */
  ofPlan(plan: string): Promise<OperationHead | undefined>;
  /** Those that are queued or running and have nodes of this cluster, each with these nodes alone. */
  openOn(cluster: string): Promise<Operation[]>;
  /** Compare-and-set from any of `from`; false when the state was another one. */
  transition(id: string, from: OperationState[], to: OperationState, reason: string): Promise<boolean>;
  /** False when it has ended or a cancel was asked for before. */
  requestCancel(id: string, person: string, how?: { revoked: boolean }): Promise<boolean>;
  /** Nothing more of it begins. The first reason stays; false when there was one, or it has ended. */
  requestHalt(id: string, reason: string): Promise<boolean>;
  /** The nodes that any operation works on now. */
  nodesAtWork(): Promise<{ operation: string; plan: string; node: string }[]>;
  /** No other transaction comes past this before the present one ends: what it saw at work stays so until it has marked its own. */
  holdStarts(): Promise<void>;
  /** False when it has ended or stands so already. */
  setPaused(id: string, pausedBy: string | null): Promise<boolean>;
  /** Lets this wave begin; false when it has ended or a wave as late may begin already. */
  advance(id: string, wave: number): Promise<boolean>;
  setNode(id: string, node: NodeAt): Promise<void>;
  /** Shows a node at work at a step. Does nothing where its part has ended, or where another process took over from this one. */
  showNode(id: string, at: Pick<NodeAt, 'node' | 'step' | 'message'>): Promise<void>;
  /** The same for many, all or none. */
  setNodes(id: string, nodes: NodeAt[]): Promise<void>;
  /** An event is stored once per `key`. */
  addEvent(id: string, key: string, event: Omit<OperationEvent, 'seq' | 'time'>): Promise<void>;
  /** Those after this number, oldest first; all of them unless there is a limit. */
  events(id: string, after: number, limit?: number): Promise<OperationEvent[]>;
};

export const effectStates = ['open', 'ok', 'failed', 'unknown', 'happened', 'not-happened', 'ambiguous'] as const;
export type EffectState = (typeof effectStates)[number];

export type EffectRow = {
  operation: string;
  /** `<node>/<step>[/<detail>]`, unique within the operation. */
  step: string;
  attempt: number;
  /** Custody sequence number of the intent. */
  intent: number;
  state: EffectState;
  /** JSON that the performer kept: a task handle, a boot ID from before. */
  before: unknown;
  result: unknown;
  detail: string;
  /** RFC 3339. */
  startedAt: string;
  /** Its request may have left the process: written down before it did. */
  mayBeSent: boolean;
};

export type EffectStore = {
  latest(operation: string, step: string): Promise<EffectRow | undefined>;
  /** Attempts in one of these states, of the steps that begin with `prefix`, the oldest first. */
  list(operation: string, wanted: { prefix: string; states: readonly EffectState[] }): Promise<EffectRow[]>;
  /** Those on a cluster whose step has this part, the newest first. */
  onCluster(cluster: string, wanted: { part: string; since: Date; limit: number }): Promise<EffectRow[]>;
  /** How many attempts at the step were let out. */
  sentAttempts(operation: string, step: string): Promise<number>;
  /** Operations that have ended and left an effect that was never concluded. */
  leftByEnded(): Promise<string[]>;
  insert(row: Omit<EffectRow, 'state' | 'result' | 'detail' | 'startedAt' | 'mayBeSent'>): Promise<void>;
  /** From now on its request may have been sent; false where it is not open any more, and then it must not be. */
  letOut(intent: number): Promise<boolean>;
  /** Compare-and-set; false when the state was another one. */
  close(row: {
    intent: number;
    from: EffectState[];
    state: EffectState;
    result: unknown;
    detail: string;
  }): Promise<boolean>;
};

export type LeaseStore = {
  /**
   * Takes every key for `holder`, or none: answers who is in the way. Taking again what one holds succeeds. A holder is an
   * operation or `<operation>/<node>`; one that has ended is in nobody's way.
   */
  take(keys: string[], holder: string): Promise<{ taken: true } | { taken: false; key: string; holder: string }>;
  holds(keys: string[], holder: string): Promise<boolean>;
  release(holder: string, keys?: string[]): Promise<void>;
};

export type FreezeStore = {
  insert(freeze: Freeze): Promise<void>;
  /** Those that were not lifted, the oldest first. */
  standing(): Promise<Freeze[]>;
  /** False when it does not stand. */
  lift(id: string, who: { by: string; at: Date }): Promise<boolean>;
};

export type NodeDurations = {
  /** Milliseconds that the last nodes of such plans took, of those that ended well. */
  ofKind(kind: PlanKind): Promise<number[]>;
};

export type ImageFetch = { time: string; remote: string; status: number; bytes: number };
export type ImageToken = {
  token: string;
  operation: string;
  node: string;
  image: string;
  /** What the plan says, whatever the catalogue says later. */
  sha256: string;
  remote: string;
  closed: boolean;
};

export type ImageStore = {
  /** One token per operation, node and image; the first one stays. */
  offer(token: ImageToken): Promise<ImageToken>;
  byToken(token: string): Promise<ImageToken | undefined>;
  fetched(token: string, fetch: Omit<ImageFetch, 'time'>): Promise<void>;
  fetches(token: string): Promise<ImageFetch[]>;
  /** By which every process over this database knows a listener of another one; made on first use. */
  listenerWord(): Promise<string>;
  close(of: { operation: string; node: string }): Promise<void>;
};

/** When and how a person was last seen to be there. */
export type Proof = { at: string; strength: 'passphrase' | 'oidc' };

export type Login = {
  person: string;
  channel: 'cli' | 'mcp' | 'demo' | 'page';
  scope: 'read' | 'plan' | 'execute';
  expiresAt: string;
  /** Of a log-in on the page, whose age decides what it is good for. */
  proof?: Proof;
};

export type LoginStore = {
  insert(tokenHash: string, login: Login): Promise<void>;
  get(tokenHash: string): Promise<Login | undefined>;
  remove(tokenHash: string): Promise<void>;
};

/** Where processes of the service live, and their database, in the words in which a Node tells what it is. */
export type OwnHosts = {
  /** Of the kernels under the processes that live. */
  bootIds: string[];
  /** IP addresses at which the database answers; none where it is reached through a socket. */
  addresses: string[];
};

export type HostStore = { own(): Promise<OwnHosts> };

export type Stores = {
  plans: PlanStore;
  approvals: ApprovalStore;
  operations: OperationStore;
  effects: EffectStore;
  leases: LeaseStore;
  freezes: FreezeStore;
  images: ImageStore;
  logins: LoginStore;
  sessions: SessionLedger;
  hosts: HostStore;
  custody: CustodyStore;
  anchors: AnchorStore;
  evidence: EvidenceStore;
};

export type Records = Stores & {
  /** All or nothing; nesting is not supported. */
  transaction<T>(work: (tx: Stores) => Promise<T>): Promise<T>;
};
