/**
 * The only door to a tool: the input is parsed strictly, policy is asked, the
 * request enters the custody log, then the tool runs, and no secret leaves with
 * what it says. A change tool only plans; what comes after its plan is the
 * guard's business.
 */
import type { z } from 'zod';
import { mayWait, windowInput } from '../../tools/parts/window-input.ts';
import { changeAnswer } from '../core/change.ts';
import type { Block } from '../core/document.ts';
import { FleetError } from '../core/errors.ts';
import { type Finding, isStanding } from '../core/finding.ts';
import { allNodes } from '../core/fleet.ts';
import type { CordonStatus } from '../core/health-records.ts';
import type { StoredPlan } from '../core/plan.ts';
import { type Policy, type PolicyResource, wholeFleet } from '../core/policy.ts';
import type { Records } from '../core/records.ts';
import { redacted, redactedError } from '../core/redact.ts';
import { gentleSwitch } from '../core/switches.ts';
import {
  type Caller,
  type ChangeTool,
  covers,
  type HealthReader,
  type ReadTool,
  type RolloutSettings,
  type Tool,
  type ToolContext,
  viaOf,
} from '../core/tool.ts';
import type { Approvals } from '../guard/approvals.ts';
import { summaryOf } from '../guard/change-answers.ts';
import type { Evidence } from '../guard/custody/evidence.ts';
import type { CustodyLog } from '../guard/custody/log.ts';
import type { Freezes } from '../guard/freezes.ts';
import { demandAllowed, type RecordReads } from '../guard/record-reads.ts';
import type { Steering } from '../guard/steer.ts';
import type { StorePlan } from '../guard/store-plan.ts';

export type Call = { tool: string; input: unknown; caller: Caller };
export type Answer = { output: Record<string, unknown>; blocks: Block[] };

export type GatewayParts = Pick<
  ToolContext,
  'fleet' | 'clusters' | 'bmcs' | 'history' | 'policyStanding' | 'continuity'
> & {
  catalog: Tool[];
  records: Records;
  custody: CustodyLog;
  evidence: Pick<Evidence, 'keep'>;
  policy: Policy;
  reads: RecordReads;
  approvals: Approvals;
  freezes: Pick<Freezes, 'freeze'>;
  steer: Pick<Steering, 'pause'>;
  storePlan: StorePlan;
  health: HealthReader & {
    acknowledge(id: string, who: { by: string; at: Date }): Promise<Finding | undefined>;
    resumeCordons(): Promise<CordonStatus>;
  };
  rollout: RolloutSettings;
  presentChange: (answer: z.infer<typeof changeAnswer>) => Block[];
  /** Leaves no secret of the configuration in a text, whoever wrote it: nothing leaves by this door without it. */
  redact(text: string): string;
};

export type Gateway = { invoke(call: Call): Promise<Answer> };

const changeNote =
  'This makes a plan and asks policy to start it: the answer is started, approval_required (people vote elsewhere; you cannot) or denied. With dryRun it stops after the plan.';

/** What a model is told of a tool. */
export function descriptionOf({ kind, description }: Tool): string {
  return kind === 'change' ? `${description} ${changeNote}` : description;
}

/** The input schema as surfaces show it: a change tool also takes `waitForWindow` and `dryRun`. */
export function inputOf(tool: Tool): z.ZodObject {
  if (tool.kind === 'read') return tool.input;
  const dryRun = gentleSwitch('Make and store the plan, ask for nothing');
  return tool.input.extend({ ...windowInput, dryRun });
}

/** The output schema: every change tool answers alike. */
export function outputOf(tool: Tool): z.ZodObject {
  return tool.kind === 'read' ? (tool as ReadTool).output : changeAnswer;
}

/** Whether the guard decides what comes of it: it answers as a change does. */
export function asksPolicy(tool: Tool): boolean {
  return outputOf(tool) === changeAnswer;
}

export function createGateway(parts: GatewayParts): Gateway {
  const { catalog, records, custody, evidence, policy, approvals, steer, fleet } = parts;

  return {
    async invoke(call) {
      try {
        return redacted(await answered(call), parts.redact);
      } catch (thrown) {
        throw redactedError(thrown, parts.redact);
      }
    },
  };

  async function answered({ tool: name, input: raw, caller }: Call): Promise<Answer> {
    const tool = catalog.find(candidate => candidate.name === name);
    if (!tool) {
      const known = catalog.map(candidate => candidate.name).join(', ');
      throw new FleetError({
        code: 'not_found',
        message: `there is no tool ${JSON.stringify(name.slice(0, 60))}`,
        hint: `known are: ${known}`,
      });
    }
    if (!covers(caller.scope, tool.scope))
      throw new FleetError({
        code: 'forbidden',
        message: `${tool.name} needs the scope ${tool.scope}; this ${caller.channel} log-in has ${caller.scope}`,
        hint:
          caller.channel === 'mcp'
            ? 'an administrator can grant it under mcp.scope in groundskeeper.yaml'
            : 'log in on the CLI',
      });
    const input = parse(tool, raw);
    await record(tool, input, caller);
    const context = contextFor(caller);
    if (tool.kind === 'read') {
      const asked = { action: tool.name, risk: tool.risk, caller };
      for (const resource of await resourcesOf(input)) demandAllowed(policy, { ...asked, resource });
      const read = tool as ReadTool;
      const output = read.output.parse(await read.run(context, input)) as Record<string, unknown>;
      return { output, blocks: read.present(output as never) };
    }
    const { dryRun, waitForWindow, ...rest } = input;
    const draft = await (tool as ChangeTool).plan(context, rest);
    const stored = await context.storePlan(mayWait(draft, waitForWindow));
    const answer = dryRun ? planned(stored) : await approvals.requestStart(stored, caller);
    return { output: answer, blocks: parts.presentChange(answer) };
  }

  /** With what was asked for, which may name people. Reads are not recorded: they change nothing, and there are thousands of them. */
  async function record(tool: Tool, input: Record<string, unknown>, caller: Caller) {
    if (tool.scope === 'read') return;
    await records.transaction(async tx => {
      const subject = `person:${caller.person.name}` as const;
      const inputDigest = await evidence.keep(tx, { subject, kind: 'request', content: input }, by(caller));
      await custody.append({ type: 'request', action: tool.name, inputDigest, ...by(caller) }, tx.custody);
    });
  }

  /** The narrowest resources that an input names; each of them is asked about. */
  async function resourcesOf({
    node: name,
    site: siteName,
    sites,
    plan,
    approval,
    operation,
    cluster: clusterName,
    finding,
  }: Record<string, unknown>): Promise<PolicyResource[]> {
    if (typeof finding === 'string') {
      const about = standingFinding(finding);
      return resourcesOf({ node: about.node, site: about.site });
    }
    if (typeof plan === 'string') return (await records.plans.get(plan)).plan.scopes;
    if (typeof approval === 'string') return resourcesOf({ plan: (await records.approvals.get(approval)).plan });
    if (typeof operation === 'string') return resourcesOf({ plan: (await records.operations.head(operation)).plan });
    if (Array.isArray(sites)) return (await Promise.all(sites.map(site => resourcesOf({ site })))).flat();
    const node = allNodes(fleet).find(candidate => candidate.name === name);
    if (node) return [{ site: node.site, cluster: node.cluster }];
    const named = fleet.sites.flatMap(each => each.clusters).find(candidate => candidate.name === clusterName);
    if (named) return [{ site: named.site, cluster: named.name }];
    const site = fleet.sites.find(candidate => candidate.name === (siteName ?? clusterName));
    const [cluster] = site?.clusters ?? [];
    return [site && cluster ? { site: site.name, cluster: cluster.name } : wholeFleet];
  }

  function contextFor(caller: Caller): ToolContext {
    return {
      fleet,
      clusters: parts.clusters,
      bmcs: parts.bmcs,
      records,
      history: parts.history,
      health: parts.health,
      continuity: parts.continuity,
      rollout: parts.rollout,
      policyStanding: parts.policyStanding,
      caller,
      readable: (of, show, site) => parts.reads.readable(of, [show], caller, site),
      storePlan: draft => parts.storePlan(draft, caller),
      requestStart: stored => approvals.requestStart(stored, caller),
      async requestCancel(id) {
        const operation = await records.operations.get(id);
        await records.transaction(async tx => {
          if (!(await tx.operations.requestCancel(id, caller.person.name))) return;
          const reason = `${caller.person.name} asked to cancel`;
          const entry = {
            type: 'operation',
            operation: id,
            digest: operation.digest,
            state: 'cancelling',
            reason,
          } as const;
          await custody.append(
            { ...entry, ...by(caller), resource: { site: operation.site, cluster: operation.cluster } },
            tx.custody,
          );
        });
        return records.operations.get(id);
      },
      pause: id => steer.pause(id, caller),
      acknowledgeFinding: id => acknowledgeFinding(id, caller),
      // Who asked is on record by the request itself.
      resumeHealthCordons: () => parts.health.resumeCordons(),
      freezeChanges: (where, reason) => parts.freezes.freeze(where, reason, caller),
    };
  }

  function standingFinding(id: string): Finding {
    const standing = parts.health.findings().find(finding => finding.id === id && isStanding(finding));
    if (standing) return standing;
    throw new FleetError({
      code: 'not_found',
      message: `no finding ${JSON.stringify(id.slice(0, 60))} stands`,
      hint: 'list-findings shows those that do',
    });
  }

  /** On record first: a finding that a person put aside must say who. */
  async function acknowledgeFinding(id: string, caller: Caller): Promise<Finding> {
    const { site, node, text } = standingFinding(id);
    const resource = { site, ...(node === undefined ? {} : { node }) };
    await custody.append({ type: 'finding', finding: id, action: 'acknowledged', text, ...by(caller), resource });
    const known = await parts.health.acknowledge(id, { by: caller.person.name, at: new Date() });
    return known ?? standingFinding(id);
  }
}

/** Throws `invalid_input` naming every problem at once. */
function parse(tool: Tool, raw: unknown): Record<string, unknown> {
  const parsed = inputOf(tool).safeParse(raw ?? {});
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(issue => `${issue.path.join('.') || 'input'}: ${issue.message}`);
  throw new FleetError({
    code: 'invalid_input',
    message: `${tool.name} cannot take this input: ${problems.join('; ')}`,
    hint: `expected: ${Object.keys(inputOf(tool).shape).join(', ') || 'no arguments'}`,
  });
}

function planned({ plan, digest }: StoredPlan): z.infer<typeof changeAnswer> {
  return {
    status: 'planned',
    plan: plan.id,
    digest,
    summary: summaryOf(plan),
    warnings: plan.warnings,
    reasons: [],
    next: `start it with: groundskeeper start-plan ${plan.id} ${digest}`,
  };
}

function by(caller: Caller) {
  return {
    actor: { sub: caller.person.name, groups: caller.person.groups },
    via: viaOf(caller),
  };
}
