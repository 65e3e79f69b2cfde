/** What the failures of an operation share, for its reason. */
import type { Operation } from '../core/operation.ts';
import { type Plan, targetOf } from '../core/plan.ts';
import { attributeFailures, tellAttribution, traitsOf } from '../planning/attribute-failures.ts';

/** One clause; empty where nothing sets the failures apart. */
export function failuresShare({ nodes }: Pick<Operation, 'nodes'>, plan: Plan): string {
  const ended = nodes.flatMap(({ node, state, step, code }) => {
    const failed = state === 'failed' || state === 'ambiguous';
    if (!failed && state !== 'done') return [];
    return [{ node, failed, step, ...(code ? { code } : {}), traits: traitsOf(targetOf(plan, node)) }];
  });
  return tellAttribution(attributeFailures(ended));
}
