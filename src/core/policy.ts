/**
 * What is asked of the policy, and what it can answer. The principal is always
 * the accountable person; a language model appears only in `context.via`.
 */
import type { Person } from './fleet.ts';

/** `control` starts or stops what was decided elsewhere; `disruptive` takes capacity away; `destructive` loses data. */
export type Risk = 'read' | 'control' | 'disruptive' | 'destructive';

/** Peak and scope of one change, counted in nodes of the cluster. */
export type Blast = {
  /** Most nodes unavailable at one moment, those already unavailable included. */
  peakUnavailable: number;
  targets: number;
  /** How many of the targets are control-plane nodes. */
  controlPlane: number;
  /** Whether etcd would lose its quorum, or nobody can tell. */
  quorumLost: boolean;
  /** What would have no node left that takes pods: `the role worker`, `the zone rack-a`. */
  lastOf: string[];
};

/** How the policies that are followed stand against those in the folder. */
export type PolicyStanding =
  | { state: 'current'; digest: string }
  /** The folder was changed and is not usable, and why: `digest` is still followed. */
  | { state: 'kept'; digest: string; problem: string };

/** Whether the next node may start, by the calendar of its site. */
export type WindowFacts = {
  open: boolean;
  /** Milliseconds; 0 while closed, the largest integer where it never closes. */
  closesInMs: number;
  /** Milliseconds that the node is expected to take, margin included. */
  expectedMs: number;
  /** When the node may start, in milliseconds since the epoch; undefined where no window that is seen is long enough. */
  opensAt?: number;
  /** The same by the clocks of the site, with their zone. */
  opens?: string;
  /** Why it is closed. */
  why?: string;
};

/** What holds where a change would be, at this moment, whatever the votes say. */
export type Conditions = {
  frozen: boolean;
  window: WindowFacts;
  /** Until when a plan that may wait does so, in milliseconds since the epoch. */
  waitsUntil?: number;
};

/** By cluster. */
export type ConditionsOf = ReadonlyMap<string, Conditions>;

export type PolicyResource = { site: string; cluster: string };

/** The resource of what spans all sites; refused for changes. */
export const wholeFleet: PolicyResource = { site: '*', cluster: '*' };

/** Whether a name that may stand for all of its kind means this one, too. */
export function covers(wide: string, narrow: string): boolean {
  return wide === '*' || wide === narrow;
}

export type PolicyRequest = {
  /** A schedule acts by itself, for the person who owns it. */
  principal: Person & { schedule?: boolean };
  /** Name of the tool, or `firmwareRollout` for a plan made by planFirmwareRollout. */
  action: string;
  risk: Risk;
  resource: PolicyResource;
  context: {
    /** Where the request came from: `cli`, `mcp`, `schedule`, `demo` … */
    via: string;
    /** Demanded for disruptive and destructive actions. */
    blast?: Blast;
    budget?: { maxUnavailable: number };
    /** The asker says that it is an outage, and means it. */
    declaredOutage?: boolean;
    /** Whether a freeze stands there. Demanded as `blast` is. */
    frozen?: boolean;
    /** What the site's calendar says. Demanded as `blast` is. */
    window?: Pick<WindowFacts, 'open' | 'closesInMs' | 'expectedMs'>;
    /** Ids of the approval policies whose votes the host has counted and found sufficient. */
    cleared: string[];
  };
};

export type PolicyReason = { policy: string; reason: string };

/** How sure it must be that a voter is a person, and that very person. */
export type Tier = 'ordinary' | 'critical';

/** Votes that the policy named `policy` wants before it stops objecting. */
export type Requirement = {
  policy: string;
  /** Votes of different people, 1 to 5. */
  approvals: number;
  /** A vote counts when its caster is in any of these groups. */
  from: string[];
  /** So many of these groups must have voted, one person speaking for one of them: 1 to 5. */
  distinctGroups: number;
  /** Critical votes are taken on the approval page alone, each after a fresh log-in. */
  tier: Tier;
  /** How long a vote stays good, in milliseconds. */
  ttlMs: number;
  reason: string;
};

export type Decision =
  | { verdict: 'allow' }
  | { verdict: 'deny'; reasons: PolicyReason[] }
  | { verdict: 'needs-approval'; requirements: Requirement[] };

/** One loaded policy: immutable, so a decision can be tied to its digest. */
export type Policy = {
  /** `sha256:<hex>` over file names and contents. */
  readonly digest: string;
  /** Never throws: whatever cannot be decided is denied. */
  decide(request: PolicyRequest): Decision;
};

/** The votes that are wanted, as people read it everywhere. */
export function votesWanted({ approvals, from, distinctGroups, tier }: Requirement): string {
  const votes = approvals === 1 ? '1 approval' : `${approvals} approvals`;
  const whose =
    distinctGroups === 1 ? from.join(' or ') : `${different(distinctGroups, approvals)} of ${from.join(', ')}`;
  return `${votes} from ${whose}${tier === 'critical' ? ', on the approval page' : ''}`;
}

function different(groups: number, approvals: number): string {
  return groups === approvals ? 'different groups' : `at least ${groups} different groups`;
}
