/** What the API refuses with 422: every wrong field of an object at once, in the API's own words. */
import { isDeepStrictEqual } from 'node:util';
import { type FieldProblem, invalidFields } from './failure.ts';
import type { ResourceKind } from './resources.ts';
import { selectorMatches } from './selectors.ts';
import type { NewObject } from './store.ts';

type Fields = Record<string, unknown>;
type Checked = { metadata: { name: string; labels?: unknown }; spec?: object };

/** Throws 422 when an object, new or changed, is not valid. */
export function requireValid(kind: ResourceKind, object: Checked | NewObject): void {
  const problems = [...labelProblems('metadata.labels', object.metadata.labels), ...kindProblems(kind, object)];
  if (problems.length > 0) throw invalidFields(kind, object.metadata.name, problems);
}

/** Throws 422 when a change touches what is fixed for ever. */
export function requireUnfixed(kind: ResourceKind, before: object, after: Checked): void {
  const problems = fixedProblems(kind, before as Fields, after as unknown as Fields);
  if (problems.length > 0) throw invalidFields(kind, after.metadata.name, problems);
}

function kindProblems(kind: ResourceKind, object: Checked | NewObject): FieldProblem[] {
  const spec = (object.spec ?? {}) as Fields;
  switch (kind.plural) {
    case 'pods':
      return containerProblems('spec.containers', spec.containers);
    case 'nodes':
      return taintProblems(spec.taints);
    case 'deployments':
    case 'replicasets':
    case 'statefulsets':
    case 'daemonsets':
      return workloadProblems(spec);
    case 'poddisruptionbudgets':
      return budgetProblems(spec);
    case 'customresourcedefinitions':
      return definitionProblems(object.metadata.name, spec);
    default:
      return [];
  }
}

function required(field: string, more = ''): FieldProblem {
  return { field, message: `Required value${more === '' ? '' : `: ${more}`}` };
}

function wrong(field: string, value: unknown, why: string): FieldProblem {
  return { field, message: `Invalid value: ${JSON.stringify(value)}: ${why}` };
}

function unsupported(field: string, value: unknown, supported: string[]): FieldProblem {
  const list = supported.map(each => JSON.stringify(each)).join(', ');
  return { field, message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${list}` };
}

function labelProblems(field: string, labels: unknown): FieldProblem[] {
  const form = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
  return Object.values((labels ?? {}) as Fields)
    .filter(value => typeof value !== 'string' || !form.test(value) || value.length > 63)
    .map(value =>
      wrong(
        field,
        value,
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
      ),
    );
}

function containerProblems(field: string, containers: unknown): FieldProblem[] {
  if (!Array.isArray(containers) || containers.length === 0) return [required(field)];
  const names = containers.map(({ name }: Fields) => name);
  return containers.flatMap(({ name, image }: Fields, index) => [
    ...(name ? [] : [required(`${field}[${index}].name`)]),
    ...(image ? [] : [required(`${field}[${index}].image`)]),
    ...(name && names.indexOf(name) < index
      ? [{ field: `${field}[${index}].name`, message: `Duplicate value: ${JSON.stringify(name)}` }]
      : []),
  ]);
}

function taintProblems(taints: unknown): FieldProblem[] {
  const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];
  const list = (Array.isArray(taints) ? taints : []) as Fields[];
  const keys = list.map(({ key, effect }) => `${key}:${effect}`);
  return list.flatMap(({ key, effect }, index) => [
    ...(key ? [] : [required(`metadata.taints[${index}].key`)]),
    ...(effects.includes(String(effect))
      ? []
      : [unsupported(`metadata.taints[${index}].effect`, effect ?? '', effects)]),
    ...(keys.indexOf(`${key}:${effect}`) < index
      ? [{ field: `metadata.taints[${index}]`, message: `Duplicate value: ${JSON.stringify({ key, effect })}` }]
      : []),
  ]);
}

function workloadProblems(spec: Fields): FieldProblem[] {
  const { selector, replicas } = spec;
  const template = (spec.template ?? {}) as { metadata?: { labels?: Record<string, string> }; spec?: Fields };
  const { labels } = template.metadata ?? {};
  const selects = typeof selector === 'object' && selector !== null;
  const problems: FieldProblem[] = [];
  if (!selects) problems.push(required('spec.selector'));
  else if (Object.keys(selector).length === 0) {
    problems.push(wrong('spec.selector', {}, 'empty selector is invalid for deployment'));
  } else if (!selectorMatches(selector, labels)) {
    problems.push(
      wrong('spec.template.metadata.labels', labels ?? null, '`selector` does not match template `labels`'),
    );
  }
  if (replicas !== undefined && (!Number.isInteger(replicas) || Number(replicas) < 0)) {
    problems.push(wrong('spec.replicas', replicas, 'must be greater than or equal to 0'));
  }
  const { restartPolicy = 'Always' } = template.spec ?? {};
  if (restartPolicy !== 'Always') {
    problems.push(unsupported('spec.template.spec.restartPolicy', restartPolicy, ['Always']));
  }
  return [
    ...problems,
    ...labelProblems('spec.template.labels', labels),
    ...containerProblems('spec.template.spec.containers', template.spec?.containers),
  ];
}

function budgetProblems(spec: Fields): FieldProblem[] {
  const { minAvailable, maxUnavailable, unhealthyPodEvictionPolicy: policy } = spec;
  const policies = ['AlwaysAllow', 'IfHealthyBudget'];
  return [
    ...(minAvailable !== undefined && maxUnavailable !== undefined
      ? [wrong('spec', spec, 'minAvailable and maxUnavailable cannot be both set')]
      : []),
    ...amountProblems('spec.minAvailable', minAvailable),
    ...amountProblems('spec.maxUnavailable', maxUnavailable),
    ...(policy === undefined || policies.includes(String(policy))
      ? []
      : [unsupported('spec.unhealthyPodEvictionPolicy', policy, policies)]),
    ...selectorProblems('spec.selector', spec.selector),
  ];
}

function amountProblems(field: string, amount: unknown): FieldProblem[] {
  if (amount === undefined) return [];
  if (Number.isInteger(amount)) {
    return Number(amount) >= 0 ? [] : [wrong(field, amount, 'must be greater than or equal to 0')];
  }
  const percent = /^(\d+)%$/.exec(String(amount))?.[1];
  if (percent === undefined) {
    return [
      wrong(
        field,
        amount,
        "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
      ),
    ];
  }
  return Number(percent) > 100 ? [wrong(field, amount, 'must not be greater than 100%')] : [];
}

function selectorProblems(field: string, selector: unknown): FieldProblem[] {
  const { matchExpressions = [] } = (selector ?? {}) as { matchExpressions?: Fields[] };
  return matchExpressions.flatMap(({ operator, values }, index) => {
    const place = `${field}.matchExpressions[${index}]`;
    const count = Array.isArray(values) ? values.length : 0;
    if (operator === 'In' || operator === 'NotIn') {
      return count > 0 ? [] : [required(`${place}.values`, "must be specified when `operator` is 'In' or 'NotIn'")];
    }
    if (operator !== 'Exists' && operator !== 'DoesNotExist') {
      return [wrong(`${place}.operator`, operator, 'not a valid selector operator')];
    }
    const why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
    return count === 0 ? [] : [{ field: `${place}.values`, message: `Forbidden: ${why}` }];
  });
}

function definitionProblems(name: string, spec: Fields): FieldProblem[] {
  const { group, names, versions, scope } = spec as {
    group?: string;
    names?: Fields;
    versions?: Fields[];
    scope?: string;
  };
  const problems: FieldProblem[] = [];
  if (!group) problems.push(required('spec.group'));
  if (!names?.plural) problems.push(required('spec.names.plural'));
  if (!names?.kind) problems.push(required('spec.names.kind'));
  if (scope !== 'Namespaced' && scope !== 'Cluster') {
    problems.push(unsupported('spec.scope', scope ?? '', ['Cluster', 'Namespaced']));
  }
  if ((versions ?? []).filter(({ storage }) => storage === true).length !== 1) {
    problems.push(wrong('spec.versions', versions ?? [], 'must have exactly one version marked as storage version'));
  }
  if (name !== `${names?.plural}.${group}`) {
    problems.push(wrong('metadata.name', name, 'must be spec.names.plural+"."+spec.group'));
  }
  return problems;
}

const fixedSelector = new Set(['deployments', 'replicasets', 'daemonsets']);
const statefulSetMayChange = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
];
const podMayChange = ['activeDeadlineSeconds', 'tolerations', 'terminationGracePeriodSeconds'];

function fixedProblems({ plural }: ResourceKind, before: Fields, after: Fields): FieldProblem[] {
  const [was, is] = [before.spec, after.spec].map(spec => (spec ?? {}) as Fields) as [Fields, Fields];
  if (fixedSelector.has(plural) && !isDeepStrictEqual(was.selector, is.selector)) {
    return [wrong('spec.selector', is.selector, 'field is immutable')];
  }
  if (
    plural === 'statefulsets' &&
    !isDeepStrictEqual(omit(was, statefulSetMayChange), omit(is, statefulSetMayChange))
  ) {
    const fields = statefulSetMayChange.map(field => `'${field}'`);
    const list = `${fields.slice(0, -1).join(', ')} and ${fields.at(-1)}`;
    return [
      { field: 'spec', message: `Forbidden: updates to statefulset spec for fields other than ${list} are forbidden` },
    ];
  }
  if (plural === 'pods' && !isDeepStrictEqual(fixedPodSpec(was), fixedPodSpec(is))) {
    const why =
      'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';
    return [{ field: 'spec', message: `Forbidden: ${why}` }];
  }
  if (plural.endsWith('rolebindings') && !isDeepStrictEqual(before.roleRef, after.roleRef)) {
    return [wrong('roleRef', after.roleRef, 'cannot change roleRef')];
  }
  return [];
}

function fixedPodSpec(spec: Fields): Fields {
  const images = (list: unknown) => (Array.isArray(list) ? list.map(container => omit(container, ['image'])) : list);
  return {
    ...omit(spec, podMayChange),
    containers: images(spec.containers),
    initContainers: images(spec.initContainers),
  };
}

function omit(fields: Fields, names: string[]): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)));
}
