/** Label selectors with the meaning that Kubernetes gives them. */
import { unreachable } from '../core/errors.ts';
import type { LabelSelector } from '../core/scheduling.ts';

type Requirement = NonNullable<LabelSelector['matchExpressions']>[number];

/** Whether all requirements hold. An empty selector selects everything (policy/v1), a missing one nothing. */
export function selects(selector: LabelSelector | undefined, labels: Record<string, string>): boolean {
  if (selector === undefined) return false;
  const pairs = Object.entries(selector.matchLabels ?? {});
  return (
    pairs.every(([key, value]) => labelOf(labels, key) === value) &&
    (selector.matchExpressions ?? []).every(requirement => holds(requirement, labelOf(labels, requirement.key)))
  );
}

/** `NotIn` also holds where the label is absent. */
function holds({ operator, values = [] }: Requirement, label: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return label !== undefined && values.includes(label);
    case 'NotIn':
      return label === undefined || !values.includes(label);
    case 'Exists':
      return label !== undefined;
    case 'DoesNotExist':
      return label === undefined;
    default:
      return unreachable(operator);
  }
}

function labelOf(labels: Record<string, string>, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}
