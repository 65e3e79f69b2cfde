/** Label and field selectors, in the text form of a query and in the object form of a spec. */
import { badRequest } from './failure.ts';
import type { KubeObject, Selector } from './objects.ts';
import type { ResourceKind } from './resources.ts';

export type Match = (object: KubeObject) => boolean;

type Requirement = (labels: Record<string, string>) => boolean;

/** Throws 400 when the text is no label selector. */
export function parseLabelSelector(text: string): Match {
  const requirements = splitOutsideParentheses(text).map(parseRequirement);
  return object => requirements.every(holds => holds(object.metadata.labels ?? {}));
}

function parseRequirement(text: string): Requirement {
  const set = /^\s*([^\s!=,()]+)\s+(in|notin)\s*\(([^()]*)\)\s*$/.exec(text);
  if (set) {
    const [, key = '', operator, list = ''] = set;
    const values = list.split(',').map(value => value.trim());
    return labels => {
      const value = labels[key];
      const inside = value !== undefined && values.includes(value);
      return operator === 'in' ? inside : !inside;
    };
  }
  const equality = /^\s*([^\s!=,()]+)\s*(==|=|!=)\s*([^\s!=,()]*)\s*$/.exec(text);
  if (equality) {
    const [, key = '', operator, value] = equality;
    return labels => (labels[key] === value) === (operator !== '!=');
  }
  const existence = /^\s*(!?)\s*([^\s!=,()]+)\s*$/.exec(text);
  if (existence) {
    const [, negated, key = ''] = existence;
    return labels => Object.hasOwn(labels, key) === (negated === '');
  }
  throw badRequest(`unable to parse requirement: ${text}`);
}

function splitOutsideParentheses(text: string): string[] {
  return text.split(/,(?![^()]*\))/).filter(part => part.trim() !== '');
}

/** Throws 400 when the text is no field selector, or names a field that this kind does not index. */
export function parseFieldSelector(text: string, kind: ResourceKind): Match {
  const tests = text.split(',').filter(part => part !== '');
  const matches = tests.map(test => {
    const parsed = /^\s*([A-Za-z.]+)\s*(==|=|!=)\s*(.*?)\s*$/.exec(test);
    if (!parsed) throw badRequest(`invalid selector: '${test}'; can't understand '${test}'`);
    const [, field = '', operator, value] = parsed;
    const allowed = ['metadata.name', ...(kind.namespaced ? ['metadata.namespace'] : []), ...(kind.fields ?? [])];
    if (!allowed.includes(field)) throw badRequest(`field label not supported: ${field}`);
    return (object: KubeObject) => (fieldText(object, field) === value) === (operator !== '!=');
  });
  return object => matches.every(match => match(object));
}

function fieldText(object: KubeObject, field: string): string {
  let value: unknown = object;
  for (const part of field.split('.')) {
    value = typeof value === 'object' && value !== null ? Reflect.get(value, part) : undefined;
  }
  if (value === undefined && field === 'spec.unschedulable') return 'false';
  return value === undefined || value === null ? '' : String(value);
}

/** Whether a spec's selector takes these labels. A missing selector takes nothing, an empty one everything. */
export function selectorMatches(selector: Selector | undefined, labels: Record<string, string> = {}): boolean {
  if (selector === undefined) return false;
  const equal = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  return (
    equal &&
    (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
      const value = labels[key];
      if (operator === 'Exists') return value !== undefined;
      if (operator === 'DoesNotExist') return value === undefined;
      const inside = value !== undefined && values.includes(value);
      return operator === 'In' ? inside : !inside;
    })
  );
}

/** A spec's selector in the text form of a query. */
export function selectorText({ matchLabels = {}, matchExpressions = [] }: Selector): string {
  const equal = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`);
  const others = matchExpressions.map(({ key, operator, values = [] }) => {
    if (operator === 'Exists') return key;
    if (operator === 'DoesNotExist') return `!${key}`;
    return `${key} ${operator === 'In' ? 'in' : 'notin'} (${values.join(',')})`;
  });
  return [...equal, ...others].join(',');
}
