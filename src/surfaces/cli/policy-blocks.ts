/** The words for a decision: the verdict, whose word it is, and what would satisfy it. */
import { type Block, type Cell, toned } from '../../core/document.ts';
import { unreachable } from '../../core/errors.ts';
import { type PolicyRequest, type Requirement, votesWanted } from '../../core/policy.ts';
import type { Explanation } from '../../gateway/policy.ts';

export function explanationBlocks(
  { principal, action, resource }: Pick<PolicyRequest, 'principal' | 'action' | 'resource'>,
  explanation: Explanation,
): Block[] {
  const groups = principal.groups.length === 0 ? 'in no group' : `in ${principal.groups.join(', ')}`;
  const asked = `${principal.name} (${groups}) asks for ${action} on ${resource.site}/${resource.cluster}`;
  return [
    {
      facts: [
        ['request', asked],
        ['decision', verdictCell(explanation)],
      ],
    },
    ...reasonBlocks(explanation),
  ];
}

function verdictCell({ decision }: Explanation): Cell {
  switch (decision.verdict) {
    case 'allow':
      return toned('allowed', 'good');
    case 'deny':
      return toned('denied', 'bad');
    case 'needs-approval':
      return toned('needs votes', 'warn');
    default:
      return unreachable(decision);
  }
}

function reasonBlocks({ decision, by, otherwise }: Explanation): Block[] {
  const place = (id: string) => {
    const statement = by.find(each => each.id === id);
    return statement ? `${id} (${statement.file}:${statement.line})` : id;
  };
  switch (decision.verdict) {
    case 'allow':
      return [{ title: 'Permitted by', list: by.map(({ id }) => place(id)) }];
    case 'deny':
      return [
        { title: 'Denied by', list: decision.reasons.map(({ policy, reason }) => `${place(policy)}: ${reason}`) },
        { text: wayOut(otherwise, by.length > 0) },
      ];
    case 'needs-approval':
      return [
        {
          title: 'Objected to by',
          list: decision.requirements.map(({ policy, reason }) => `${place(policy)}: ${reason}`),
        },
        { title: 'What would satisfy it, all of it together', list: decision.requirements.map(votes) },
      ];
    default:
      return unreachable(decision);
  }
}

function votes(need: Requirement): string {
  return `${votesWanted(need)}, never of who asks, each good for ${need.ttlMs / 60_000} minutes (${need.policy})`;
}

function wayOut(otherwise: Explanation['otherwise'], hard: boolean): string {
  if (hard) return 'No vote changes that: the request has to, or the policy.';
  if (otherwise.length === 0) return 'No group that the policies name would change that.';
  const groups = otherwise.map(({ group, verdict }) => {
    return `in ${group} it would ${verdict === 'allow' ? 'be allowed' : 'need votes'}`;
  });
  return `It depends on who asks: ${groups.join('; ')}.`;
}
