/**
 * A plan is immutable: what would be done, to which machines, in which order,
 * under which budget, and what cannot be undone. Its digest is what people vote
 * on and what every effect is checked against; another nonce is another plan.
 */
import type { BiosChange } from './bios.ts';
import type { Fact, Vendor } from './bmc.ts';
import type { PlannedBmcChange } from './bmc-change.ts';
import { digestOf } from './canonical.ts';
import type { Budget, NodeRole } from './fleet.ts';
import type { PlanGates } from './gate.ts';
import type { PlannedChange } from './planned-change.ts';
import type { Blast } from './policy.ts';
import type { Taint } from './scheduling.ts';

export type PlanKind =
  | 'cordon'
  | 'uncordon'
  | 'drain'
  | 'taint'
  | 'restart'
  | 'power-off'
  | 'power-on'
  | 'bmc-change'
  | 'health-cordon'
  | 'health-release'
  | 'health-mark'
  | 'health-drain'
  | 'bios-change'
  | 'firmware-rollout';

export type TaintChange = { taint: Taint; remove: boolean };

/** What the watch over servers wants of a node, and why. Texts hold no character that breaks out of a line. */
export type HealthAct =
  /** `mostCordoned`: nodes of the cluster that may be cordoned for their hardware at once, this one included. */
  | { act: 'cordon'; signals: HealthSignal[]; declined: string[]; mostCordoned: number; reason: string }
  /** Takes back the cordon of the operation `owner`, once the node has been well for so many milliseconds. */
  | { act: 'release'; owner: string; healthyForMs: number; reason: string }
  | { act: 'mark'; healthy: boolean; reason: string }
  /** Of a node that is cordoned for its hardware. */
  | { act: 'drain'; reason: string };

/** `id` is that of a finding, or names what was seen of pods. */
export type HealthSignal = { id: string; text: string };

/** What a drain will meet on one node, as read when the plan was made. */
export type DrainForecast = {
  /** `namespace/name` of the pods that will be evicted. */
  evict: string[];
  skip: { pod: string; reason: string }[];
  /** Pods that make the drain refuse, each with what would allow it. */
  block: { pod: string; reason: string }[];
  /** Local data that is lost, workloads with a single replica, budgets with no disruption left. */
  warnings: string[];
  /** `namespace/name` of the PodDisruptionBudgets that cover its pods. */
  pdbs: string[];
};

export type PlanTarget = {
  /** Unique in the fleet. */
  node: string;
  site: string;
  cluster: string;
  /** As planned by: a node that anything calls control plane is one, whatever the configuration says. */
  role: NodeRole;
  /** `metadata.uid` of the Node: a node deleted and made again is another target. */
  nodeUid: string;
  systemUuid: string;
  serial: Fact<string>;
  model: Fact<string>;
  vendor: Vendor;
  bmcUrl: string;
  systemUri: string;
  /** Failure domain that its Node tells. */
  zone?: string;
  /** Failure domain of its site, as declared. */
  rack?: string;
  /** Hardware that behaves alike: whatever breaks one may break the others. */
  cohort: string;
  /** Other nodes behind the same BMC, where that matters to what is done. */
  alongside?: string[];
  drain?: DrainForecast;
  /** Others that act on it, by kind and name: paused while it is worked on, and no others. */
  pauses?: string[];
  /** Of a rollout or a change of BIOS settings, in the order in which they are done. */
  changes?: PlannedChange[];
  /** Settings that wait already and that the start of this plan brings into force; there only where somebody said that it may. */
  waitingBios?: Fact<BiosChange[]>;
};

export type PlanStep = {
  name: string;
  does: string;
  /** Runs on after a cancel, an expiry or a freeze, because stopping here would leave the machine worse. */
  settling: boolean;
};

/** What a plan does to one cluster. Budgets are those of clusters, so each is judged by itself. */
export type PlanScope = { site: string; cluster: string; budget: Budget; blast: Blast };

/** What holds a rollout back, and what ends it: counts of at least one, each an end when it is reached. */
export type RolloutLimits = {
  /** Sites at which nodes are worked on at one moment. */
  maxSites: number;
  /** Nodes of one cohort that do not end well. */
  cohortFailures: number;
  /** Nodes of the whole plan that do not end well. */
  failures: number;
  /** Sites that cannot be reached. */
  lostSites: number;
};

export type Plan = {
  schema: 1;
  id: string;
  kind: PlanKind;
  /** Cedar action that decides it. */
  action: string;
  author: string;
  /** One for each cluster that has a target. */
  scopes: PlanScope[];
  targets: PlanTarget[];
  /** Node names. A wave begins when the one before has ended; in it each node starts as soon as the constraints allow. */
  waves: string[][];
  /** Of them, those that go first so that others are spared: when one does not end well, nothing else begins. */
  canaries: string[];
  limits: RolloutLimits;
  steps: PlanStep[];
  excluded: { node: string; reason: string }[];
  /** The asker knows that a role or zone is left without capacity. */
  declaredOutage?: true;
  /** Started while no maintenance window is open, it waits for the next one. */
  waitForWindow?: true;
  /** Of the nodes of the first wave, simulated when the plan was made. */
  canaryDrain?: { verdict: 'blocked' | 'stalls' | 'waits' | 'finishes'; says: string };
  drain: { deleteEmptyDir: boolean; force: boolean; byPriority: boolean };
  /** Of a taint plan: what is added or removed. */
  taint?: TaintChange;
  /** Of a restart or power-off: the node is silent, and is not drained. */
  undrained?: true;
  /** Of a BMC change. */
  bmcChange?: PlannedBmcChange;
  /** Of what the watch over servers asked for. */
  health?: HealthAct;
  warnings: string[];
  irreversible: string[];
  soakMs: number;
  /** What must hold after each node and wave; in plans of several nodes. */
  gates?: PlanGates;
  /** After each wave a person says whether the next one begins; without it the next one begins by itself. */
  advance?: 'manual';
  policyDigest: string;
  /** RFC 3339. */
  createdAt: string;
  expiresAt: string;
  nonce: string;
};

export type StoredPlan = { plan: Plan; digest: string };

/** What a tool decides; the gateway adds identity, time, policy and nonce. */
export type PlanDraft = Omit<Plan, 'schema' | 'id' | 'author' | 'policyDigest' | 'createdAt' | 'expiresAt' | 'nonce'>;

export function planDigest(plan: Plan): string {
  return digestOf(plan);
}

/** Each step and each effect of a node asks for its target: of plans that nothing changes any more it is looked up. */
const indexes = new WeakMap<PlanTarget[], Map<string, PlanTarget>>();

export function targetOf({ targets }: Pick<Plan, 'targets'>, node: string): PlanTarget {
  const target = Object.isFrozen(targets) ? indexOf(targets).get(node) : targets.find(each => each.node === node);
  if (!target) throw new Error(`the plan has no target ${node}`);
  return target;
}

function indexOf(targets: PlanTarget[]): Map<string, PlanTarget> {
  const index = indexes.get(targets) ?? new Map(targets.map(target => [target.node, target]));
  indexes.set(targets, index);
  return index;
}

/** The cluster whose budget a target counts against. */
export function scopeOf(plan: Pick<Plan, 'scopes'>, { cluster }: Pick<PlanTarget, 'cluster'>): PlanScope {
  const scope = plan.scopes.find(candidate => candidate.cluster === cluster);
  if (!scope) throw new Error(`no scope of the plan is cluster ${cluster}`);
  return scope;
}

/** Where a plan acts, in the form of records: `*` for several. */
export function placeOf({ scopes }: Pick<Plan, 'scopes'>): { site: string; cluster: string } {
  const only = (names: string[]) => {
    const [first, ...others] = new Set(names);
    return first !== undefined && others.length === 0 ? first : '*';
  };
  return { site: only(scopes.map(({ site }) => site)), cluster: only(scopes.map(({ cluster }) => cluster)) };
}

/** The same for people. */
export function placeText(plan: Pick<Plan, 'scopes'>): string {
  const { site, cluster } = placeOf(plan);
  if (cluster !== '*') return cluster;
  return site === '*'
    ? `${plan.scopes.length} clusters of ${new Set(plan.scopes.map(each => each.site)).size} sites`
    : site;
}
