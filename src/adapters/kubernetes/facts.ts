/** From the client library's objects to our facts; whatever is absent becomes the empty or cautious value. */
import type {
  CoreV1Event,
  V1Condition,
  V1DaemonSet,
  V1LabelSelector,
  V1Node,
  V1NodeCondition,
  V1ObjectMeta,
  V1PodDisruptionBudget,
  V1Taint,
  V1VolumeAttachment,
} from '@kubernetes/client-node';
import type {
  AttachmentFacts,
  Condition,
  DaemonSetFacts,
  EventFacts,
  NodeFacts,
  PdbFacts,
} from '../../core/cluster-facts.ts';
import type { LabelSelector, Taint } from '../../core/scheduling.ts';
import { resourcesOf } from './quantity.ts';

const roleLabels = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master'];

export function nodeFacts({ metadata, spec, status }: V1Node): NodeFacts {
  const labels = metadata?.labels ?? {};
  const conditions = (status?.conditions ?? []).map(conditionFacts);
  const ready = conditions.find(({ type }) => type === 'Ready');
  const internalIp = status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;
  const createdAt = timeText(metadata?.creationTimestamp);
  const cordonManager = spec?.unschedulable ? managerOf(metadata, 'f:unschedulable') : undefined;
  return {
    name: metadata?.name ?? '',
    uid: metadata?.uid ?? '',
    resourceVersion: metadata?.resourceVersion ?? '',
    role: roleLabels.some(label => label in labels) ? 'control-plane' : 'worker',
    labels,
    annotations: metadata?.annotations ?? {},
    taints: (spec?.taints ?? []).map(taintFacts),
    unschedulable: spec?.unschedulable === true,
    ...(cordonManager === undefined ? {} : { cordonManager }),
    ready: ready?.status === 'True',
    ...(ready?.since === undefined ? {} : { readySince: ready.since }),
    conditions,
    systemUuid: status?.nodeInfo?.systemUUID ?? '',
    bootId: status?.nodeInfo?.bootID ?? '',
    kubeletVersion: status?.nodeInfo?.kubeletVersion ?? '',
    ...(internalIp === undefined ? {} : { internalIp }),
    capacity: resourcesOf(status?.capacity),
    allocatable: resourcesOf(status?.allocatable),
    ...(createdAt === undefined ? {} : { createdAt }),
  };
}

function taintFacts({ key, value, effect, timeAdded }: V1Taint): Taint {
  const added = timeText(timeAdded);
  return { key, effect, ...(value ? { value } : {}), ...(added === undefined ? {} : { timeAdded: added }) };
}

/** Who set a field of the spec last, by the API's own record. */
function managerOf(metadata: V1ObjectMeta | undefined, field: string): string | undefined {
  const owns = (fields: object | undefined) => {
    const spec = (fields as { 'f:spec'?: object } | undefined)?.['f:spec'];
    return spec !== undefined && Object.hasOwn(spec, field);
  };
  return metadata?.managedFields?.find(entry => !entry.subresource && owns(entry.fieldsV1))?.manager;
}

function conditionFacts(condition: V1NodeCondition | V1Condition): Condition {
  const { type, status, reason, message, lastTransitionTime } = condition;
  const since = timeText(lastTransitionTime);
  return {
    type,
    status: status === 'True' || status === 'False' ? status : 'Unknown',
    ...(reason ? { reason } : {}),
    ...(message ? { message } : {}),
    ...(since === undefined ? {} : { since }),
  };
}

/** Undefined for a budget without a selector: it protects no pod. An empty selector protects its whole namespace. */
export function pdbFacts({ metadata, spec, status }: V1PodDisruptionBudget): PdbFacts | undefined {
  if (spec?.selector === undefined || spec.selector === null) return undefined;
  const { minAvailable, maxUnavailable, unhealthyPodEvictionPolicy } = spec;
  const blocked = status?.conditions?.find(({ type, status }) => type === 'DisruptionAllowed' && status === 'False');
  const blockedSince = timeText(blocked?.lastTransitionTime);
  return {
    namespace: metadata?.namespace ?? '',
    name: metadata?.name ?? '',
    selector: selectorFacts(spec.selector),
    ...ownerOf(metadata),
    asks: maxUnavailable === undefined ? `minAvailable ${minAvailable ?? 1}` : `maxUnavailable ${maxUnavailable}`,
    unhealthyPodEvictionPolicy: unhealthyPodEvictionPolicy === 'AlwaysAllow' ? 'AlwaysAllow' : 'IfHealthyBudget',
    observed: (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0),
    disruptionsAllowed: status?.disruptionsAllowed ?? 0,
    currentHealthy: status?.currentHealthy ?? 0,
    desiredHealthy: status?.desiredHealthy ?? 0,
    expectedPods: status?.expectedPods ?? 0,
    ...(blockedSince === undefined ? {} : { blockedSince }),
  };
}

/** Whom to ask about a budget: its owner reference, else what its package manager wrote on it. */
function ownerOf(metadata: V1ObjectMeta | undefined): Pick<PdbFacts, 'owner'> {
  const [reference] = metadata?.ownerReferences ?? [];
  if (reference) return { owner: `${reference.kind} ${reference.name}` };
  const release = metadata?.annotations?.['meta.helm.sh/release-name'];
  if (release) return { owner: `Helm release ${release}` };
  const manager = metadata?.labels?.['app.kubernetes.io/managed-by'];
  return manager ? { owner: manager } : {};
}

export function selectorFacts({ matchLabels, matchExpressions }: V1LabelSelector): LabelSelector {
  return {
    ...(matchLabels === undefined ? {} : { matchLabels }),
    ...(matchExpressions === undefined ? {} : { matchExpressions: matchExpressions.map(expressionFacts) }),
  };
}

export function daemonSetFacts({ metadata, status }: V1DaemonSet): DaemonSetFacts {
  return {
    namespace: metadata?.namespace ?? '',
    name: metadata?.name ?? '',
    desired: status?.desiredNumberScheduled ?? 0,
    ready: status?.numberReady ?? 0,
  };
}

/** `claims`: `namespace/name` of the claim by PersistentVolume name. */
export function attachmentFacts(
  { metadata, spec, status }: V1VolumeAttachment,
  claims: ReadonlyMap<string, string>,
): AttachmentFacts {
  const volume = spec.source.persistentVolumeName;
  const claim = volume === undefined ? undefined : claims.get(volume);
  const detachingSince = timeText(metadata?.deletionTimestamp);
  const error = status?.detachError?.message ?? status?.attachError?.message;
  return {
    name: metadata?.name ?? '',
    node: spec.nodeName,
    ...(volume === undefined ? {} : { volume }),
    ...(claim === undefined ? {} : { claim }),
    attached: status?.attached === true,
    ...(detachingSince === undefined ? {} : { detachingSince }),
    ...(error === undefined ? {} : { error }),
  };
}

export function eventFacts({
  type,
  reason,
  message,
  count,
  series,
  eventTime,
  lastTimestamp,
  source,
  reportingComponent,
}: CoreV1Event): EventFacts {
  const lastSeen = timeText(series?.lastObservedTime ?? lastTimestamp ?? eventTime);
  return {
    type: type ?? 'Normal',
    reason: reason ?? '',
    message: message ?? '',
    count: series?.count ?? count ?? 1,
    ...(lastSeen === undefined ? {} : { lastSeen }),
    source: source?.component || reportingComponent || '',
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
