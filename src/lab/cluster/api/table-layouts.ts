/** The columns that people see of each kind, as the real API prints them. */

import type { NodeObject, PodObject, Selector } from '../model/objects.ts';
import { conditionOf } from '../model/objects.ts';
import type { ResourceKind } from '../model/resources.ts';
import { selectorText } from '../model/selectors.ts';
import { ageSince, humanDuration } from './human-duration.ts';

type Cell = string | number;
/** A column's title, more of it where it needs that, and what it shows of an object. Wide ones are shown with `-o wide`. */
export type Column = { name: string; type?: string; format?: string; wide?: boolean; cell: (object: Loose) => Cell };

/** An object of any kind: cells look into fields that may be missing. */
// biome-ignore lint/suspicious/noExplicitAny: printing reads loosely, and shows what it finds
type Loose = any;

const none = '<none>';
const name: Column = { name: 'Name', format: 'name', cell: ({ metadata }) => metadata.name };
const age: Column = { name: 'Age', cell: ({ metadata }) => ageSince(metadata.creationTimestamp) };
const createdAt: Column = { name: 'Created At', cell: ({ metadata }) => metadata.creationTimestamp };

const count = (title: string, cell: Column['cell']): Column => ({ name: title, type: 'integer', cell });
const text = (title: string, cell: Column['cell']): Column => ({ name: title, cell });
const wide = (title: string, cell: Column['cell']): Column => ({ name: title, wide: true, cell });

const containersOf = ({ spec }: Loose) => (spec.template?.spec?.containers ?? []) as { name: string; image: string }[];
const containerColumns = [
  wide('Containers', object =>
    containersOf(object)
      .map(each => each.name)
      .join(','),
  ),
  wide('Images', object =>
    containersOf(object)
      .map(each => each.image)
      .join(','),
  ),
];
const selectorColumn = wide('Selector', ({ spec }) => selectorText((spec.selector ?? {}) as Selector) || none);
const storageColumns = [
  text('StorageClass', ({ spec }) => spec.storageClassName ?? ''),
  text('VolumeAttributesClass', ({ spec }) => spec.volumeAttributesClassName ?? '<unset>'),
];
const modes: Record<string, string> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};
const accessModes = (list: string[] = []) => list.map(mode => modes[mode] ?? mode).join(',');

const subjects = (kind: string) => (object: Loose) =>
  ((object.subjects ?? []) as { kind: string; name: string; namespace?: string }[])
    .filter(each => each.kind === kind)
    .map(each => (each.namespace ? `${each.namespace}/${each.name}` : each.name))
    .join(', ');
const bindingColumns = [
  name,
  text('Role', ({ roleRef }) => `${roleRef.kind}/${roleRef.name}`),
  age,
  wide('Users', subjects('User')),
  wide('Groups', subjects('Group')),
  wide('ServiceAccounts', subjects('ServiceAccount')),
];

const layouts: Record<string, Column[]> = {
  Node: [
    name,
    text('Status', nodeStatus),
    text('Roles', nodeRoles),
    age,
    text('Version', ({ status }) => status.nodeInfo?.kubeletVersion ?? ''),
    wide('Internal-IP', object => addressOf(object, 'InternalIP')),
    wide('External-IP', object => addressOf(object, 'ExternalIP')),
    wide('OS-Image', ({ status }) => status.nodeInfo?.osImage ?? '<unknown>'),
    wide('Kernel-Version', ({ status }) => status.nodeInfo?.kernelVersion ?? '<unknown>'),
    wide('Container-Runtime', ({ status }) => status.nodeInfo?.containerRuntimeVersion ?? '<unknown>'),
  ],
  Pod: [
    name,
    text('Ready', podReady),
    text('Status', podStatus),
    text('Restarts', podRestarts),
    age,
    wide('IP', ({ status }) => status.podIP ?? none),
    wide('Node', ({ spec }) => spec.nodeName ?? none),
    wide('Nominated Node', ({ status }) => status.nominatedNodeName ?? none),
    wide('Readiness Gates', () => none),
  ],
  Deployment: [
    name,
    text('Ready', ({ spec, status }) => `${status.readyReplicas ?? 0}/${spec.replicas ?? 1}`),
    count('Up-to-date', ({ status }) => status.updatedReplicas ?? 0),
    count('Available', ({ status }) => status.availableReplicas ?? 0),
    age,
    ...containerColumns,
    selectorColumn,
  ],
  ReplicaSet: [
    name,
    count('Desired', ({ spec }) => spec.replicas ?? 1),
    count('Current', ({ status }) => status.replicas ?? 0),
    count('Ready', ({ status }) => status.readyReplicas ?? 0),
    age,
    ...containerColumns,
    selectorColumn,
  ],
  StatefulSet: [
    name,
    text('Ready', ({ spec, status }) => `${status.readyReplicas ?? 0}/${spec.replicas ?? 1}`),
    age,
    ...containerColumns,
  ],
  DaemonSet: [
    name,
    count('Desired', ({ status }) => status.desiredNumberScheduled ?? 0),
    count('Current', ({ status }) => status.currentNumberScheduled ?? 0),
    count('Ready', ({ status }) => status.numberReady ?? 0),
    count('Up-to-date', ({ status }) => status.updatedNumberScheduled ?? 0),
    count('Available', ({ status }) => status.numberAvailable ?? 0),
    text('Node Selector', ({ spec }) => {
      const wanted = Object.entries(spec.template.spec.nodeSelector ?? {});
      return wanted.map(([key, value]) => `${key}=${value}`).join(',') || none;
    }),
    age,
    ...containerColumns,
    selectorColumn,
  ],
  Job: [
    name,
    text('Status', jobStatus),
    text('Completions', ({ spec, status }) => `${status.succeeded ?? 0}/${spec.completions ?? 1}`),
    text('Duration', jobDuration),
    age,
    ...containerColumns,
    selectorColumn,
  ],
  PodDisruptionBudget: [
    name,
    text('Min Available', ({ spec }) => String(spec.minAvailable ?? 'N/A')),
    text('Max Unavailable', ({ spec }) => String(spec.maxUnavailable ?? 'N/A')),
    count('Allowed Disruptions', ({ status }) => status.disruptionsAllowed ?? 0),
    age,
  ],
  Namespace: [name, text('Status', ({ status }) => status.phase), age],
  Secret: [
    name,
    text('Type', ({ type }) => type ?? 'Opaque'),
    count('Data', ({ data }) => Object.keys(data ?? {}).length),
    age,
  ],
  ConfigMap: [name, count('Data', object => Object.keys({ ...object.data, ...object.binaryData }).length), age],
  ServiceAccount: [name, count('Secrets', ({ secrets }) => secrets?.length ?? 0), age],
  Event: [
    text('Last Seen', object => eventAge(object, 'lastTimestamp')),
    text('Type', ({ type }) => type ?? ''),
    text('Reason', ({ reason }) => reason ?? ''),
    text('Object', ({ involvedObject: on }) => `${String(on?.kind ?? '').toLowerCase()}/${on?.name ?? ''}`),
    wide('Subobject', ({ involvedObject }) => involvedObject?.fieldPath ?? ''),
    wide('Source', ({ source, reportingComponent }) =>
      [source?.component ?? reportingComponent ?? '', source?.host ?? ''].filter(Boolean).join(', '),
    ),
    text('Message', ({ message }) => String(message ?? '').trim()),
    wide('First Seen', object => eventAge(object, 'firstTimestamp')),
    wide('Count', ({ count: times }) => times ?? 1),
    { ...name, wide: true },
  ],
  Lease: [name, text('Holder', ({ spec }) => spec?.holderIdentity ?? ''), age],
  PersistentVolume: [
    name,
    text('Capacity', ({ spec }) => spec.capacity?.storage ?? ''),
    text('Access Modes', ({ spec }) => accessModes(spec.accessModes)),
    text('Reclaim Policy', ({ spec }) => spec.persistentVolumeReclaimPolicy ?? 'Retain'),
    text('Status', ({ status, metadata }) => (metadata.deletionTimestamp ? 'Terminating' : (status?.phase ?? ''))),
    text('Claim', ({ spec }) => (spec.claimRef ? `${spec.claimRef.namespace}/${spec.claimRef.name}` : '')),
    ...storageColumns,
    text('Reason', ({ status }) => status?.reason ?? ''),
    age,
    wide('VolumeMode', ({ spec }) => spec.volumeMode ?? 'Filesystem'),
  ],
  PersistentVolumeClaim: [
    name,
    text('Status', ({ status, metadata }) => (metadata.deletionTimestamp ? 'Terminating' : (status?.phase ?? ''))),
    text('Volume', ({ spec }) => spec.volumeName ?? ''),
    text('Capacity', ({ status }) => status?.capacity?.storage ?? ''),
    text('Access Modes', ({ status }) => accessModes(status?.accessModes)),
    ...storageColumns,
    age,
    wide('VolumeMode', ({ spec }) => spec.volumeMode ?? 'Filesystem'),
  ],
  StorageClass: [
    name,
    text('Provisioner', ({ provisioner }) => provisioner ?? ''),
    text('ReclaimPolicy', ({ reclaimPolicy }) => reclaimPolicy ?? 'Delete'),
    text('VolumeBindingMode', ({ volumeBindingMode }) => volumeBindingMode ?? 'Immediate'),
    text('AllowVolumeExpansion', ({ allowVolumeExpansion }) => String(allowVolumeExpansion ?? false)),
    age,
  ],
  VolumeAttachment: [
    name,
    text('Attacher', ({ spec }) => spec.attacher),
    text('PV', ({ spec }) => spec.source?.persistentVolumeName ?? ''),
    text('Node', ({ spec }) => spec.nodeName),
    text('Attached', ({ status }) => String(status?.attached ?? false)),
    age,
  ],
  CSINode: [name, count('Drivers', ({ spec }) => spec?.drivers?.length ?? 0), age],
  PriorityClass: [
    name,
    count('Value', ({ value }) => value),
    text('Global-Default', ({ globalDefault }) => String(globalDefault ?? false)),
    age,
    text('PreemptionPolicy', ({ preemptionPolicy }) => preemptionPolicy ?? 'PreemptLowerPriority'),
  ],
  CertificateSigningRequest: [
    name,
    age,
    text('SignerName', ({ spec }) => spec.signerName ?? none),
    text('Requestor', ({ spec }) => spec.username ?? ''),
    text('RequestedDuration', ({ spec }) =>
      spec.expirationSeconds === undefined ? none : humanDuration(spec.expirationSeconds),
    ),
    text('Condition', requestCondition),
  ],
  ClusterRole: [name, createdAt],
  Role: [name, createdAt],
  ClusterRoleBinding: bindingColumns,
  RoleBinding: bindingColumns,
  CustomResourceDefinition: [name, createdAt],
};

/** The columns of a kind: its own, those its definition declares, or name and age. */
export function columnsOf(kind: ResourceKind): Column[] {
  if (kind.columns === undefined) return layouts[kind.kind] ?? [name, age];
  const declared = kind.columns.map<Column>(({ name: title, type, jsonPath, priority = 0 }) => ({
    name: title,
    type,
    wide: priority > 0,
    cell: object => {
      const value = atJsonPath(object, jsonPath);
      return type === 'date' && typeof value === 'string' ? ageSince(value) : cellOf(value);
    },
  }));
  return [name, ...declared];
}

function cellOf(value: unknown): Cell {
  if (typeof value === 'number' || typeof value === 'string') return value;
  return value === undefined || value === null ? '' : JSON.stringify(value);
}

/** A dotted path, where a list may be searched by one equality: `.status.conditions[?(@.type=="Ready")].status`. */
function atJsonPath(object: unknown, path: string): unknown {
  const steps = path.matchAll(/\.([A-Za-z0-9_-]+)|\[\?\(@\.([A-Za-z0-9_]+)\s*==\s*["']([^"']*)["']\)\]|\[(\d+)\]/g);
  let value: unknown = object;
  for (const [, field, key = '', wanted, index] of steps) {
    if (field !== undefined) value = fieldOf(value, field);
    else if (!Array.isArray(value)) return undefined;
    else value = index === undefined ? value.find(item => fieldOf(item, key) === wanted) : value[Number(index)];
  }
  return value;
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function nodeStatus(node: NodeObject): string {
  const ready = conditionOf(node, 'Ready')?.status;
  const state = ready === undefined ? 'Unknown' : ready === 'True' ? 'Ready' : 'NotReady';
  return node.spec.unschedulable ? `${state},SchedulingDisabled` : state;
}

function nodeRoles({ metadata }: NodeObject): string {
  const prefix = 'node-role.kubernetes.io/';
  const roles = Object.keys(metadata.labels ?? {}).filter(label => label.startsWith(prefix));
  return roles.map(role => role.slice(prefix.length)).join(',') || none;
}

function addressOf({ status }: NodeObject, type: string): string {
  return status.addresses?.find(each => each.type === type)?.address ?? none;
}

function podReady({ spec, status }: PodObject): string {
  const ready = (status.containerStatuses ?? []).filter(container => container.ready).length;
  return `${ready}/${spec.containers.length}`;
}

type ContainerState = { waiting?: { reason?: string }; terminated?: { reason?: string; exitCode?: number } };

function podStatus(pod: PodObject): string {
  const { status, metadata } = pod;
  if (metadata.deletionTimestamp !== undefined) return status.reason === 'NodeLost' ? 'Unknown' : 'Terminating';
  for (const { state } of (status.containerStatuses ?? []).toReversed()) {
    const { waiting, terminated } = (state ?? {}) as ContainerState;
    if (waiting?.reason) return waiting.reason;
    if (terminated?.reason) return terminated.reason;
    if (terminated !== undefined) return `ExitCode:${terminated.exitCode ?? 0}`;
  }
  return status.reason ?? status.phase ?? 'Unknown';
}

function podRestarts({ status }: PodObject): string {
  const containers = status.containerStatuses ?? [];
  const restarts = containers.reduce((sum, { restartCount }) => sum + restartCount, 0);
  const ends = containers.map(each => fieldOf(fieldOf(fieldOf(each, 'lastState'), 'terminated'), 'finishedAt'));
  const last = ends
    .filter(end => typeof end === 'string')
    .toSorted()
    .at(-1);
  return restarts > 0 && last !== undefined ? `${restarts} (${ageSince(last)} ago)` : String(restarts);
}

function jobStatus({ status, spec }: Loose): string {
  const conditions = (status.conditions ?? []) as { type: string; status: string }[];
  const done = conditions.find(each => ['Complete', 'Failed'].includes(each.type) && each.status === 'True');
  return done?.type ?? (spec.suspend ? 'Suspended' : 'Running');
}

function jobDuration({ status }: Loose): string {
  if (status.startTime === undefined) return '';
  const end = status.completionTime === undefined ? Date.now() : Date.parse(status.completionTime);
  return humanDuration(Math.floor((end - Date.parse(status.startTime)) / 1000));
}

function eventAge(event: Loose, time: 'firstTimestamp' | 'lastTimestamp'): string {
  return ageSince(event[time] ?? event.eventTime ?? event.metadata.creationTimestamp);
}

function requestCondition({ status }: Loose): string {
  const types = ((status?.conditions ?? []) as { type: string }[]).map(({ type }) => type);
  const parts = ['Approved', 'Denied', 'Failed'].filter(type => types.includes(type));
  if (parts.length === 0) parts.push('Pending');
  return [...parts, ...(status?.certificate ? ['Issued'] : [])].join(',');
}
