/** From the client library's objects to our facts; whatever is absent becomes the empty or cautious value. */
import type { V1Condition, V1Node, V1NodeCondition, V1Pod, V1PodDisruptionBudget } from '@kubernetes/client-node';
import type { Condition, LabelSelector, NodeFacts, PdbFacts, PodFacts } from '../../core/cluster.ts';

const roleLabels = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master'];
const mirrorAnnotation = 'kubernetes.io/config.mirror';

export function nodeFacts({ metadata, spec, status }: V1Node): NodeFacts {
  const labels = metadata?.labels ?? {};
  const conditions = (status?.conditions ?? []).map(conditionFacts);
  const ready = conditions.find(({ type }) => type === 'Ready');
  return {
    name: metadata?.name ?? '',
    uid: metadata?.uid ?? '',
    resourceVersion: metadata?.resourceVersion ?? '',
    role: roleLabels.some(label => label in labels) ? 'control-plane' : 'worker',
    labels,
    annotations: metadata?.annotations ?? {},
    taints: (spec?.taints ?? []).map(({ key, value, effect }) => ({ key, effect, ...(value ? { value } : {}) })),
    unschedulable: spec?.unschedulable === true,
    ready: ready?.status === 'True',
    ...(ready?.since === undefined ? {} : { readySince: ready.since }),
    conditions,
    systemUuid: status?.nodeInfo?.systemUUID ?? '',
    bootId: status?.nodeInfo?.bootID ?? '',
    kubeletVersion: status?.nodeInfo?.kubeletVersion ?? '',
  };
}

function conditionFacts({ type, status, reason, lastTransitionTime }: V1NodeCondition | V1Condition): Condition {
  const since = timeText(lastTransitionTime);
  return {
    type,
    status: status === 'True' || status === 'False' ? status : 'Unknown',
    ...(reason ? { reason } : {}),
    ...(since === undefined ? {} : { since }),
  };
}

export function podFacts({ metadata, spec, status }: V1Pod): PodFacts {
  const owner = metadata?.ownerReferences?.find(({ controller }) => controller === true);
  const containers = status?.containerStatuses ?? [];
  return {
    namespace: metadata?.namespace ?? '',
    name: metadata?.name ?? '',
    uid: metadata?.uid ?? '',
    ...(spec?.nodeName ? { node: spec.nodeName } : {}),
    phase: status?.phase ?? 'Unknown',
    ready: status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false,
    terminating: metadata?.deletionTimestamp !== undefined,
    labels: metadata?.labels ?? {},
    ...(owner === undefined ? {} : { controller: { kind: owner.kind, name: owner.name } }),
    mirror: metadata?.annotations?.[mirrorAnnotation] !== undefined,
    emptyDirs: (spec?.volumes ?? []).filter(({ emptyDir }) => emptyDir !== undefined).map(({ name }) => name),
    restarts: containers.reduce((sum, { restartCount }) => sum + restartCount, 0),
  };
}

/** Undefined for a budget without a selector: it protects no pod. An empty selector protects its whole namespace. */
export function pdbFacts({ metadata, spec, status }: V1PodDisruptionBudget): PdbFacts | undefined {
  if (spec?.selector === undefined || spec.selector === null) return undefined;
  const { matchLabels, matchExpressions } = spec.selector;
  const selector: LabelSelector = {
    ...(matchLabels === undefined ? {} : { matchLabels }),
    ...(matchExpressions === undefined ? {} : { matchExpressions: matchExpressions.map(expressionFacts) }),
  };
  return {
    namespace: metadata?.namespace ?? '',
    name: metadata?.name ?? '',
    selector,
    disruptionsAllowed: status?.disruptionsAllowed ?? 0,
    currentHealthy: status?.currentHealthy ?? 0,
    desiredHealthy: status?.desiredHealthy ?? 0,
    expectedPods: status?.expectedPods ?? 0,
  };
}

type Expression = NonNullable<LabelSelector['matchExpressions']>[number];
const operators: Expression['operator'][] = ['In', 'NotIn', 'Exists', 'DoesNotExist'];

function expressionFacts(expression: { key: string; operator: string; values?: string[] }): Expression {
  const operator = operators.find(each => each === expression.operator) ?? 'Exists';
  return { key: expression.key, operator, ...(expression.values === undefined ? {} : { values: expression.values }) };
}

/** RFC 3339 text of a time that the library gives as a Date, and for micro-times sometimes as text. */
export function timeText(time: Date | string | undefined): string | undefined {
  if (time === undefined || time === null) return undefined;
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
