/** The `Table` form that kubectl asks for: the server, not kubectl, knows the columns of a kind. */
import type { KubeObject, NodeObject, PodObject, WorkloadObject } from './objects.ts';
import { conditionOf } from './objects.ts';

type Column = { name: string; type?: string; format?: string; priority?: number };
type Layout = { columns: Column[]; cells: (object: KubeObject) => (string | number)[] };

const name = { name: 'Name', format: 'name' };
const age = { name: 'Age' };

const layouts: Record<string, Layout> = {
  Node: {
    columns: [
      name,
      { name: 'Status' },
      { name: 'Roles' },
      age,
      { name: 'Version' },
      { name: 'Internal-IP', priority: 1 },
      { name: 'OS-Image', priority: 1 },
      { name: 'Kernel-Version', priority: 1 },
      { name: 'Container-Runtime', priority: 1 },
    ],
    cells: object => nodeCells(object as NodeObject),
  },
  Pod: {
    columns: [
      name,
      { name: 'Ready' },
      { name: 'Status' },
      { name: 'Restarts', type: 'integer' },
      age,
      { name: 'IP', priority: 1 },
      { name: 'Node', priority: 1 },
    ],
    cells: object => podCells(object as PodObject),
  },
  Deployment: {
    columns: [name, { name: 'Ready' }, { name: 'Up-to-date' }, { name: 'Available' }, age],
    cells: object => {
      const { metadata, spec, status } = object as WorkloadObject;
      const ready = `${status.readyReplicas ?? 0}/${spec.replicas ?? 1}`;
      const counts = [Number(status.updatedReplicas ?? 0), Number(status.availableReplicas ?? 0)];
      return [metadata.name, ready, ...counts, ageOf(object)];
    },
  },
};

const generic: Layout = { columns: [name, age], cells: object => [object.metadata.name, ageOf(object)] };

/** Whether the Accept header prefers a table over plain JSON. */
export function wantsTable(accept: string): boolean {
  return accept.split(',')[0]?.includes('as=Table') ?? false;
}

/** One kind's objects as a Table; `include` is the query's includeObject. */
export function tableOf(
  kind: string,
  objects: KubeObject[],
  options: { metadata: object; include: string | null },
): object {
  const layout = layouts[kind] ?? generic;
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: options.metadata,
    columnDefinitions: layout.columns.map(column => ({
      type: 'string',
      format: '',
      description: '',
      priority: 0,
      ...column,
    })),
    rows: objects.map(object => ({ cells: layout.cells(object), object: rowObject(object, options.include) })),
  };
}

function rowObject(object: KubeObject, include: string | null): object | null {
  if (include === 'None') return null;
  if (include === 'Object') return object;
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata };
}

function nodeCells(node: NodeObject): string[] {
  const ready = conditionOf(node, 'Ready')?.status;
  const state = ready === undefined ? 'Unknown' : ready === 'True' ? 'Ready' : 'NotReady';
  const prefix = 'node-role.kubernetes.io/';
  const roles = Object.keys(node.metadata.labels ?? {}).filter(label => label.startsWith(prefix));
  const { nodeInfo = {}, addresses = [] } = node.status;
  return [
    node.metadata.name,
    node.spec.unschedulable ? `${state},SchedulingDisabled` : state,
    roles.map(role => role.slice(prefix.length)).join(',') || '<none>',
    ageOf(node),
    nodeInfo.kubeletVersion ?? '',
    addresses.find(({ type }) => type === 'InternalIP')?.address ?? '<none>',
    nodeInfo.osImage ?? '',
    nodeInfo.kernelVersion ?? '',
    nodeInfo.containerRuntimeVersion ?? '',
  ];
}

function podCells(pod: PodObject): (string | number)[] {
  const containers = pod.status.containerStatuses ?? [];
  const state = pod.metadata.deletionTimestamp === undefined ? (pod.status.phase ?? 'Unknown') : 'Terminating';
  return [
    pod.metadata.name,
    `${containers.filter(({ ready }) => ready).length}/${pod.spec.containers.length}`,
    state,
    containers.reduce((sum, { restartCount }) => sum + restartCount, 0),
    ageOf(pod),
    pod.status.podIP ?? '<none>',
    pod.spec.nodeName ?? '<none>',
  ];
}

function ageOf({ metadata }: KubeObject): string {
  const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(metadata.creationTimestamp)) / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}
