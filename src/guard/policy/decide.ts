/**
 * Decides a request in two steps. Evaluate with the votes counted so far; if
 * that denies, evaluate as if every approval had been given. What still denies
 * then is a hard denial; otherwise the approvals that objected are all needed.
 * Every error denies, because Cedar skips a forbid that fails to evaluate.
 */
import type { EntityJson } from '@cedar-policy/cedar-wasm/nodejs';
import type { Decision, Policy, PolicyReason, PolicyRequest, Requirement, Risk } from '../../core/policy.ts';
import { groupsAt, groupsForSite } from './approval-annotations.ts';
import type { Cedar, PolicySource } from './cedar.ts';
import type { Statement } from './policy-lint.ts';
import { policyRequestSchema } from './policy-request.ts';

export type CedarPolicyParts = {
  digest: string;
  statements: Statement[];
  notices: string[];
  risks: Map<string, Risk>;
  source: PolicySource;
  cedar: Cedar;
};

/** `by`: what permits it, or what objects. */
type Answer = { allowed: boolean; by: Statement[] };

/** A decision with the statements that made it; none where the host itself denied. */
export type DecisionBy = { decision: Decision; by: Statement[] };

export class CedarPolicy implements Policy {
  readonly digest: string;
  readonly #parts: CedarPolicyParts;
  readonly #statements: Map<string, Statement>;

  constructor(parts: CedarPolicyParts) {
    this.digest = parts.digest;
    this.#parts = parts;
    this.#statements = new Map(parts.statements.map(statement => [statement.id, statement]));
  }

  /** Every group that some statement names, the voters' aside. */
  get groups(): string[] {
    return [...new Set(this.#parts.statements.flatMap(({ groups }) => groups))].sort();
  }

  /** Every action and its risk. */
  get risks(): ReadonlyMap<string, Risk> {
    return this.#parts.risks;
  }

  /** What the policies deny for want of voters, where it is known who exists. */
  get notices(): readonly string[] {
    return this.#parts.notices;
  }

  get statements(): readonly Statement[] {
    return this.#parts.statements;
  }

  decide(request: PolicyRequest): Decision {
    return this.decideBy(request).decision;
  }

  /** As `decide`, for those who want to know whose word it was. Never throws either. */
  decideBy(request: PolicyRequest): DecisionBy {
    const parsed = policyRequestSchema.safeParse(request);
    if (!parsed.success) return denied('host:invalid-request', 'the request is not complete enough to be decided');
    if (this.#parts.risks.get(request.action) !== request.risk) {
      return denied('host:unknown-action', `the policy schema has no ${request.risk} action of this name`);
    }
    try {
      return this.#decide(parsed.data);
    } catch {
      return denied('host:policy-error', 'the policy could not be evaluated');
    }
  }

  #decide(request: PolicyRequest): DecisionBy {
    const now = this.#evaluate(request, request.context.cleared);
    if (now.allowed) return { decision: { verdict: 'allow' }, by: now.by };
    const approvals = this.#parts.statements.filter(statement => statement.approval).map(({ id }) => id);
    const approved = this.#evaluate(request, approvals);
    if (!approved.allowed) return deniedBy(approved.by);
    const requirements = now.by.map(statement => requirementOf(statement, request.resource.site));
    if (requirements.length === 0)
      return denied('host:policy-error', 'the policy objects without saying what it needs');
    return { decision: { verdict: 'needs-approval', requirements }, by: now.by };
  }

  #evaluate(request: PolicyRequest, cleared: string[]): Answer {
    const { principal, action, resource, context } = request;
    const cluster = { type: 'Fleet::Cluster', id: `${resource.site}/${resource.cluster}` };
    const answer = this.#parts.cedar.authorize(this.#parts.source, {
      principal: uidOf(principal),
      action: { type: 'Fleet::Action', id: action },
      resource: cluster,
      context: {
        via: context.via,
        cleared,
        ...(context.blast && { blast: context.blast, declaredOutage: context.declaredOutage ?? false }),
        ...(context.frozen !== undefined && { frozen: context.frozen }),
        ...(context.window && { window: context.window }),
        ...(context.budget && { budget: context.budget }),
      },
      entities: entitiesOf(request),
    });
    if (answer.type === 'failure' || answer.response.diagnostics.errors.length > 0) {
      throw new Error('evaluation failed');
    }
    const { decision, diagnostics } = answer.response;
    return { allowed: decision === 'allow', by: diagnostics.reason.map(id => this.#statement(id)) };
  }

  #statement(id: string): Statement {
    const statement = this.#statements.get(id);
    if (!statement) throw new Error('a policy that was never loaded took part');
    return statement;
  }
}

function uidOf({ name, schedule = false }: PolicyRequest['principal']) {
  return { type: schedule ? 'Fleet::Schedule' : 'Fleet::Person', id: name };
}

/** Only what the request touches: evaluation time grows with the number of entities. */
function entitiesOf({ principal, resource }: PolicyRequest): EntityJson[] {
  const groups = groupsAt(principal.groups, resource.site).map(id => ({ type: 'Fleet::Group', id }));
  const site = { type: 'Fleet::Site', id: resource.site };
  return [
    { uid: uidOf(principal), attrs: {}, parents: groups },
    ...groups.map(uid => ({ uid, attrs: {}, parents: [] })),
    { uid: { type: 'Fleet::Cluster', id: `${resource.site}/${resource.cluster}` }, attrs: {}, parents: [site] },
    { uid: site, attrs: {}, parents: [] },
  ];
}

function requirementOf(statement: Statement, site: string): Requirement {
  if (!statement.approval) throw new Error('an objection without approval vanished once all approvals were given');
  const { id: policy, reason, approval } = statement;
  return { ...approval, policy, from: groupsForSite(approval.from, site), reason };
}

function deniedBy(by: Statement[]): DecisionBy {
  if (by.length === 0) return denied('host:no-permit', 'no policy permits this');
  return { decision: { verdict: 'deny', reasons: by.map(({ id, reason }) => ({ policy: id, reason })) }, by };
}

/** Denials of the host itself: a policy's `@id` cannot hold a colon, so the names never clash. */
function denied(policy: string, reason: string): DecisionBy {
  const reasons: PolicyReason[] = [{ policy, reason }];
  return { decision: { verdict: 'deny', reasons }, by: [] };
}
