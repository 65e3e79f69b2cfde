/**
 * A typed tool. Its one file is the source of the CLI command, the MCP tool and
 * the reference page. A **read** tool answers; a **change** tool only makes a
 * plan, and what happens to the plan is policy's and people's business; a
 * **control** tool asks to start or cancel what is planned already.
 */
import type { z } from 'zod';
import type { Continuity } from './anchor.ts';
import type { Bmcs } from './bmc.ts';
import type { ChangeAnswer } from './change.ts';
import type { Clusters } from './cluster.ts';
import type { Agent, Via } from './custody.ts';
import type { Block } from './document.ts';
import type { Finding, ServerScore } from './finding.ts';
import type { Fleet, Person } from './fleet.ts';
import type { Freeze } from './freeze.ts';
import type { OwnCheck } from './gate.ts';
import type { CordonStatus, FindingArchive, LogArchive, NewestLook } from './health-records.ts';
import type { HistoryStore } from './history.ts';
import type { Operation } from './operation.ts';
import type { PlanDraft, RolloutLimits, StoredPlan } from './plan.ts';
import type { PolicyResource, PolicyStanding } from './policy.ts';
import type { EffectStore, FreezeStore, Records } from './records.ts';
import type { Timings } from './timings.ts';

/** Each allows what those before it allow, and more. */
export const scopes = ['read', 'plan', 'execute'] as const;
export type Scope = (typeof scopes)[number];

export function covers(scope: Scope, needed: Scope): boolean {
  return scopes.indexOf(scope) >= scopes.indexOf(needed);
}

export function lesserScope(a: Scope, b: Scope): Scope {
  return covers(a, b) ? b : a;
}

/** The person behind a call and the surface it came through. */
export type Caller = {
  person: Person & { schedule?: true };
  channel: 'cli' | 'mcp' | 'demo' | 'watch' | 'page' | 'assistant' | 'schedule' | 'slack';
  scope: Scope;
  client?: string;
  /** The model that chose the call in the person's name. */
  agent?: Agent;
  /** Of a call that a model chose: whether the person's newest words ask for it. Otherwise nothing begins that needs no vote. */
  asked?: boolean;
};

/** How a call came, as the custody log says it. */
export function viaOf({ channel, client, agent }: Caller): Via {
  return { channel, client, ...(agent && { agent }) };
}

export type RolloutSettings = {
  /** How many nodes go first of all. */
  canary: number;
  /** Shares of what is left after the canaries, each with those before it; the last is 100. */
  percentages: number[];
  limits: RolloutLimits;
  soakMs: number;
  planTtlMs: number;
  /** Whether a person lets each wave begin, where nobody says otherwise. */
  advance: 'automatic' | 'manual';
  ownChecks: Pick<OwnCheck, 'name' | 'after' | 'sites'>[];
  /** Whether servers are looked at, so that a gate can ask how they fare. */
  hardwareWatched: boolean;
  timings: Timings;
};

/** What the watch over servers tells. */
export type HealthReader = {
  /** Of one node or of all, alarms of sites included, those that cleared within a day too. */
  findings(node?: string): Finding[];
  archive: Pick<FindingArchive, 'list'>;
  /** What was seen of the event logs of servers. */
  logEntries: Pick<LogArchive, 'list'>;
  score(node: string): ServerScore;
  /** What each server showed last; before its first look there is nothing of it. */
  newest(): NewestLook[];
  /** Whether nodes are cordoned by themselves when their hardware fails. */
  cordons(): CordonStatus;
};

export type ToolContext = {
  fleet: Fleet;
  clusters: Clusters;
  bmcs: Bmcs;
  records: Pick<Records, 'plans' | 'approvals' | 'operations' | 'hosts'> & {
    freezes: Pick<FreezeStore, 'standing'>;
    effects: Pick<EffectStore, 'onCluster'>;
  };
  history: Pick<HistoryStore, 'quantities' | 'series'>;
  health: HealthReader;
  continuity: Continuity;
  rollout: RolloutSettings;
  policyStanding(): PolicyStanding;
  caller: Caller;
  /** Those of them that policy lets the caller read, and that are about the site where one is named: a list leaves out the others. */
  readable<T extends { plan: string }>(of: T[], tool: RecordTool, site?: string): Promise<T[]>;
  /** Completes and stores a plan. */
  storePlan(draft: PlanDraft): Promise<StoredPlan>;
  /** Asks policy to start a stored plan. */
  requestStart(stored: StoredPlan): Promise<ChangeAnswer>;
  requestCancel(operation: string): Promise<Operation>;
  /** Holds an operation: no node of it begins any more. */
  pause(operation: string): Promise<Operation>;
  /** Throws not_found when no finding of that id stands. */
  acknowledgeFinding(id: string): Promise<Finding>;
  /** Lets nodes be cordoned for their hardware again. */
  resumeHealthCordons(): Promise<CordonStatus>;
  /** Stands when this returns. */
  freezeChanges(where: PolicyResource, reason: string): Promise<Freeze>;
};

/** The tools that show a plan, or what came of one: policy is asked for one of them by whatever way it is shown. */
export type RecordTool = 'getPlan' | 'getApproval' | 'getOperation';

type Schema = z.ZodObject;

/** Ways of asking for something, in any case; where one has `…`, a few other words of the same sentence may stand there. */
export type Phrases = string[];

/**
 * Of what may begin without a vote: a model may call it where the person's newest words have one of these. Narrow ones, since
 * a question may have the same words; what is not recognised waits, and the person says it in another way.
 */
type AskedWith<I extends Schema> = { asked: Phrases | ((input: Partial<z.input<I>>) => Phrases | undefined) };

type ToolBase<I extends Schema> = {
  name: string;
  title: string;
  /** For people and models: what it answers, when to use it. */
  description: string;
  /** Cedar action; the tool's name unless plans of several tools share one. */
  action?: string;
  input: I;
  /** Input keys in the order in which the CLI takes them as positional arguments. */
  positional?: (keyof z.infer<I> & string)[];
  /** An input that works against the demo fleet, shown in the reference. */
  example: z.input<I>;
};

export type ReadTool<I extends Schema = Schema, O extends Schema = Schema> = ToolBase<I> & {
  scope: Scope;
  output: O;
  run(context: ToolContext, input: z.infer<I>): Promise<z.infer<O>>;
  present(output: z.infer<O>): Block[];
} & ({ risk: 'read' } | ({ risk: 'control' } & AskedWith<I>));

export type ChangeTool<I extends Schema = Schema> = ToolBase<I> &
  AskedWith<I> & {
    risk: 'disruptive' | 'destructive';
    scope: 'execute';
    plan(context: ToolContext, input: z.infer<I>): Promise<PlanDraft>;
  };

/** One tool of the catalog, its types erased: the gateway parses before it calls. */
export type Tool = (ReadTool | ChangeTool) & { kind: 'read' | 'change' };

/** The tools that a log-in of this scope may call, in the order of the catalog. */
export function toolsWithin(catalog: Tool[], scope: Scope): Tool[] {
  return catalog.filter(tool => covers(scope, tool.scope));
}

/** Whether it leaves nothing behind. A stored plan changes nothing outside, but it is a record. */
export function isPlainRead({ risk, scope }: Pick<Tool, 'risk' | 'scope'>): boolean {
  return risk === 'read' && scope === 'read';
}

/** Defines a tool that answers. */
export function readTool<I extends Schema, O extends Schema>(tool: ReadTool<I, O>): Tool & { kind: 'read' } {
  return { ...(tool as unknown as ReadTool), kind: 'read' };
}

/** Defines a tool that plans a change; the gateway adds `waitForWindow` and `dryRun` to its input. */
export function changeTool<I extends Schema>(tool: ChangeTool<I>): Tool & { kind: 'change' } {
  return { ...(tool as unknown as ChangeTool), kind: 'change' };
}
