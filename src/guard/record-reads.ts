/**
 * Who may read plans, requests and operations. People come to them by many ways: a tool, a list, a page, a window of the chat,
 * news that are waited for. Each asks policy what the tool that shows them asks, about every cluster that the plan is of.
 */
import { FleetError, unreachable } from '../core/errors.ts';
import { covers, type Policy, type PolicyResource, type Risk, wholeFleet } from '../core/policy.ts';
import type { PlanStore } from '../core/records.ts';
import type { Caller, RecordTool } from '../core/tool.ts';

export const recordTools: RecordTool[] = ['getPlan', 'getApproval', 'getOperation'];
/** What a request is shown by: who decides on it may read both. */
export const requestTools: RecordTool[] = ['getApproval', 'getPlan'];

/** A plan, by its id, or what came of one. */
type OfPlan = { plan: string };

export type RecordReads = {
  /** Throws `forbidden` unless policy lets the caller read what these tools show of it. */
  check(of: OfPlan, tools: RecordTool[], caller: Caller): Promise<void>;
  /** Those that the caller may read, in their order; where a site is named, only what is done there too. */
  readable<T extends OfPlan>(of: T[], tools: RecordTool[], caller: Caller, site?: string): Promise<T[]>;
};

type Asked = { action: string; risk: Risk; resource: PolicyResource; caller: Caller };

/** Why policy does not let the caller do it, with the names of the policies; undefined where it does. */
export function objection(policy: Policy, { action, risk, resource, caller }: Asked): string | undefined {
  const decision = policy.decide({
    principal: caller.person,
    action,
    risk,
    resource: { site: resource.site, cluster: resource.cluster },
    context: { via: caller.channel, cleared: [] },
  });
  switch (decision.verdict) {
    case 'allow':
      return undefined;
    case 'deny':
      return decision.reasons.map(({ policy: name, reason }) => `${reason} (${name})`).join('; ');
    case 'needs-approval':
      return `it would need an approval (${decision.requirements.map(({ policy: name }) => name).join(', ')})`;
    default:
      return unreachable(decision);
  }
}

/** Throws `forbidden` where policy objects. */
export function demandAllowed(policy: Policy, asked: Asked): void {
  const why = objection(policy, asked);
  if (why === undefined) return;
  throw new FleetError({
    code: 'forbidden',
    message: `policy does not allow ${asked.action}: ${why}`,
    hint: 'whoever keeps the policies can permit it; groundskeeper policy explain says which of them decide',
  });
}

/** As `demandAllowed`, of what these tools show. */
export function demandRead(
  policy: Policy,
  { tools, places, caller }: { tools: RecordTool[]; places: PolicyResource[]; caller: Caller },
): void {
  for (const action of tools)
    for (const resource of places) demandAllowed(policy, { action, risk: 'read', resource, caller });
}

const mostKept = 2_000;

export function recordReads({ policy, plans }: { policy: Policy; plans: Pick<PlanStore, 'get'> }): RecordReads {
  /** By plan, which never changes: a list asks for hundreds, each of which may be megabytes. */
  const kept = new Map<string, PolicyResource[]>();

  async function placesOf({ plan: id }: OfPlan): Promise<PolicyResource[]> {
    const known = kept.get(id);
    if (known) return known;
    const { scopes } = (await plans.get(id)).plan;
    const places = scopes.map(({ site, cluster }) => ({ site, cluster }));
    if (kept.size >= mostKept) kept.clear();
    kept.set(id, places);
    return places;
  }

  return {
    async check(of, tools, caller) {
      demandRead(policy, { tools, places: await placesOf(of), caller });
    },
    async readable(of, tools, caller, at) {
      const said = new Map<string, boolean>();
      const isAllowed = (resource: PolicyResource): boolean => {
        const place = `${resource.site}/${resource.cluster}`;
        const known = said.get(place);
        if (known !== undefined) return known;
        const allowed = tools.every(action => !objection(policy, { action, risk: 'read', resource, caller }));
        said.set(place, allowed);
        return allowed;
      };
      const readable: typeof of = [];
      for (const each of of) {
        const places = await placesOf(each).catch(nobodyKnows);
        if (places.some(({ site }) => at === undefined || covers(site, at)) && places.every(isAllowed))
          readable.push(each);
      }
      return readable;
    },
  };
}

/** A list goes on where one plan was changed outside, and tells of it as of what spans all sites. */
function nobodyKnows(thrown: unknown): PolicyResource[] {
  if (thrown instanceof FleetError && thrown.retry === 'ask') return [wholeFleet];
  throw thrown;
}
