/** Why a request is decided as it is, and what would have to be otherwise. */
import { FleetError } from '../../core/errors.ts';
import { isServiceName } from '../../core/fleet.ts';
import type { Decision, PolicyRequest } from '../../core/policy.ts';
import { groupsForSite, isOfSite } from './approval-annotations.ts';
import type { CedarPolicy, DecisionBy } from './decide.ts';

export type Explanation = DecisionBy & {
  /** Where nothing permits it: groups of which one more would change the answer, and what it would be then. */
  otherwise: { group: string; verdict: Decision['verdict'] }[];
};

/** Explains under `policy`, which knows the action's risk. Throws `invalid_input` for an action that it does not know. */
export function explainDecision(policy: CedarPolicy, asked: Omit<PolicyRequest, 'risk'>): Explanation {
  const risk = policy.risks.get(asked.action);
  if (!risk) {
    throw new FleetError({
      code: 'invalid_input',
      message: `the policy schema has no action ${JSON.stringify(asked.action.slice(0, 60))}`,
      hint: `known are: ${[...policy.risks.keys()].join(', ')}`,
    });
  }
  const request: PolicyRequest = { ...asked, risk };
  const made = policy.decideBy(request);
  const unpermitted = made.decision.verdict === 'deny' && made.decision.reasons[0]?.policy === 'host:no-permit';
  return { ...made, otherwise: unpermitted ? helpfulGroups(policy, request) : [] };
}

function helpfulGroups(policy: CedarPolicy, request: PolicyRequest): Explanation['otherwise'] {
  const { principal, resource } = request;
  const wholeFleet = resource.site === '*';
  return groupsForSite(
    policy.groups.filter(group => !(wholeFleet && isOfSite(group))),
    resource.site,
  )
    .filter(group => !isServiceName(group))
    .map(group => {
      const member = { ...principal, groups: [...principal.groups, group] };
      return { group, verdict: policy.decide({ ...request, principal: member }).verdict };
    })
    .filter(({ verdict }) => verdict !== 'deny');
}
